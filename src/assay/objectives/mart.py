"""MART: adversarial training that minds most the images that are misclassified already.

L = BCE(f(x'), y) + w * KL(f(x) || f(x')) * (1 - p_y(x)), with x' = attack(f, x, y), p the softmax and the boosted cross
entropy BCE(f(x'), y) = -log p_y(x') - log(1 - max_{c != y} p_c(x')). The batch's mean. Source: Wang, Zou, Yi, Bailey,
Ma and Gu (2020), Improving adversarial robustness requires revisiting misclassified examples, with w = 5.

For soft labels the cross entropy is that to all classes, the largest is what the others compete with, and p_y is
sum_c y_c p_c: the paper has hard ones only. Deviation: 1 - max p_c is formed from the logits of the other classes, so
that no bound is needed where it is 0; the authors add 1e-12.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from assay.attacks.base import Attack, hard
from assay.classifier import Classifier, evaluating
from assay.errors import BadValueError
from assay.objectives.base import Batch, Loss, cross_entropy
from assay.objectives.trades import divergence
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class MART:
    """Boosted cross entropy on the attacked images, and a divergence that weighs the more the less sure the model is.

    The attack meets the model in evaluation mode; the losses are taken in the mode that the model is in.

    Attributes:
        attack: what makes the attacked versions, such as `pgd(eps=0.3, steps=40)`.
        weight: w, >= 0.
    """

    name: ClassVar[str] = "mart"
    version: ClassVar[int] = 1

    attack: Attack
    weight: float = 5.0

    def __post_init__(self) -> None:
        if not isinstance(self.attack, Attack):
            raise BadValueError(f"{self.name}: attack: expected an attack, got {self.attack!r}")
        check_number(self.name, "weight", self.weight, low=0)

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of the model on a batch; the logits are those of the images, not of the attacked ones."""
        with evaluating(model):
            attacked = self.attack(model, batch.x, batch.y, generator)
        logits, turned = model(batch.x), model(attacked)
        y = batch.y if batch.y.is_floating_point() else one_hot(batch.y, logits.shape[1])
        unsure = 1 - (logits.softmax(1) * y).sum(1)
        regulariser = (divergence(logits, turned) * unsure).mean()
        return Loss(boosted_cross_entropy(turned, batch.y) + self.weight * regulariser, logits)


def boosted_cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Cross entropy, minus log(1 - p) of the likeliest wrong class: logits (B, K), y (B,) or (B, K), a mean in nats."""
    wrong = logits.scatter(1, hard(y)[:, None], -torch.inf).argmax(1)
    others = logits.scatter(1, wrong[:, None], -torch.inf)
    return cross_entropy(logits, y) + (logits.logsumexp(1) - others.logsumexp(1)).mean()
