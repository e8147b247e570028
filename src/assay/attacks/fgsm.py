"""FGSM: one step of length eps along the sign of the loss's gradient.

x' = clip(x + eps * sign(grad_x L(f(x), y)), 0, 1), with L the cross entropy. Source: Goodfellow, Shlens and Szegedy
(2015), Explaining and harnessing adversarial examples. For the l2 norm the step is eps * g / ||g||_2. Towards a target
the step descends the cross entropy to the target (Kurakin, Goodfellow and Bengio, 2017, for the least likely class).
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import Target, aim_at, check_finite, check_target, input_gradient
from assay.attacks.norms import Norm, ascend_, check_norm, project_
from assay.classifier import Classifier
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class FGSM:
    """The fast gradient sign method; white box, one gradient.

    Attributes:
        eps: radius in pixel units, >= 0.
        norm: "linf" or "l2".
        target: None (away from the label), a class index, or "least_likely"; an image whose label is the target is
            attacked away from it.
    """

    name: ClassVar[str] = "fgsm"
    version: ClassVar[int] = 1

    eps: float
    norm: Norm = "linf"
    target: Target = None

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_norm(self.name, self.norm)
        check_target(self.name, self.target)

    def at(self, eps: float) -> "FGSM":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`. Nothing is drawn.

        Raises:
            ContractError: a gradient is not finite.
        """
        point = x.detach().clone()
        if self.eps == 0:
            return point
        gradient = input_gradient(model, x, aim_at(self.name, self.target, model, x, y)).gradient
        check_finite(self.name, gradient.sum())
        return project_(ascend_(point, gradient, self.eps, self.norm), x.detach(), self.eps, self.norm)
