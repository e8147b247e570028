"""Free adversarial training: one backward pass gives the gradients of the weights and that of the images.

Each batch is trained on `replays` times. The images are moved by a perturbation that is carried on from step to step
and from batch to batch: L = CE(f(clip(x + d)), y), and after each step d = clip(d + eps * sign(grad_x L), -eps, eps),
from d = 0. Source: Shafahi, Najibi, Ghiasi, Xu, Dickerson, Studer, Davis, Taylor and Goldstein (2019), Adversarial
training for free! An epoch costs `replays` times that of ordinary training: they divide the epochs by as much.

Deviation: the gradient is that at the clipped image, also in pixels where clipping to [0, 1] was at work, while that
with respect to d is 0 there, in their code.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.norms import Norm
from assay.classifier import Classifier
from assay.objectives.base import Batch, Loss, cross_entropy
from assay.parts import check_count, check_number


@dataclass(frozen=True, kw_only=True)
class Free:
    """Cross entropy on images that the training loop moves by what earlier steps have taught it.

    The part holds no state: the loop keeps d, moves the images by it, and asks `climbed` for the next. Alone, as a
    function of a batch, it is the cross entropy. Nothing is drawn.

    Attributes:
        eps: radius in pixel units of the Linf ball, and the length of a step, >= 0.
        replays: how often each batch is trained on, >= 1.
    """

    name: ClassVar[str] = "free"
    version: ClassVar[int] = 1
    norm: ClassVar[Norm] = "linf"

    eps: float
    replays: int = 8

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "replays", self.replays)

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002
        """The loss of the model on a batch, whose images are moved already. See `Objective`."""
        logits = model(batch.x)
        return Loss(cross_entropy(logits, batch.y), logits)

    def climbed(self, perturbation: Tensor, gradient: Tensor) -> Tensor:
        """The next perturbation (B, C, H, W), from this one and the gradient of the loss with respect to the images."""
        return (perturbation + self.eps * gradient.sign()).clamp_(-self.eps, self.eps)
