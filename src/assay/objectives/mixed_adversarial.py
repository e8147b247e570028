"""Mixed adversarial training: the loss on the images plus a multiple of the loss on their attacked versions.

L = CE(f(x), y) + w * CE(f(x'), y), with x' = attack(f, x, y). Source: Goodfellow, Shlens and Szegedy (2015), Explaining
and harnessing adversarial examples, who weigh the two by a and 1 - a: w = (1 - a) / a, up to a factor of the loss.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from assay.attacks.base import Attack
from assay.classifier import Classifier, evaluating
from assay.errors import BadValueError
from assay.objectives.base import Batch, Loss, cross_entropy
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class MixedAdversarial:
    """Cross entropy on the images and on their attacked versions.

    The attack meets the model in evaluation mode: its gradients see neither dropout nor batch statistics, and leave
    those statistics alone. Both losses are taken in the mode that the model is in.

    Attributes:
        attack: what makes the attacked versions, such as `pgd(eps=0.3, steps=40)`.
        weight: w, >= 0.
    """

    name: ClassVar[str] = "mixed_adversarial"
    version: ClassVar[int] = 1

    attack: Attack
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.attack, Attack):
            raise BadValueError(f"{self.name}: attack: expected an attack, got {self.attack!r}")
        check_number(self.name, "weight", self.weight, low=0)

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of the model on a batch; the logits are those of the images, not of the attacked ones."""
        with evaluating(model):
            attacked = self.attack(model, batch.x, batch.y, generator)
        logits = model(batch.x)
        value = cross_entropy(logits, batch.y) + self.weight * cross_entropy(model(attacked), batch.y)
        return Loss(value, logits)
