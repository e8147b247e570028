"""DeepFool: steps onto the nearest linearised decision boundary until the model errs.

At x_i the boundaries z_c = z_y are linearised, the nearest is taken, and the way onto it is added to the change so far:
r <- r + |v| / ||w||_2^2 * w for "l2", r <- r + |v| / ||w||_1 * sign(w) for "linf", v and w being the value and the
gradient of z_c - z_y at x_i; x_{i+1} = clip(x + (1 + overshoot) * r, 0, 1). An image is left as soon as it is
misclassified, so that the point is near but seldom the nearest. Source: Moosavi-Dezfooli, Fawzi and Frossard (2016),
DeepFool: a simple and accurate method to fool deep neural networks.

Deviations: every point is clipped to [0, 1], and each step goes over the boundary by 2e-5 of the largest logit, so that
none ends on it. A point beyond eps is returned as the point of the ball next to it. Of
soft labels the largest counts.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import check_finite, hard, standing
from assay.attacks.minimal import ROUNDING, Nearest, leads
from assay.attacks.norms import Norm, check_norm, wide
from assay.attacks.planes import Plane, nearest_plane
from assay.classifier import Classifier
from assay.parts import check_count, check_number


@dataclass(frozen=True, kw_only=True)
class DeepFool:
    """DeepFool; white box, `steps * (K - 1)` gradients at most.

    Attributes:
        eps: radius in pixel units, >= 0.
        steps: steps at most, >= 1.
        overshoot: how far beyond the boundary to go, as a part of the way, >= 0.
        norm: "l2" or "linf".
    """

    name: ClassVar[str] = "deepfool"
    version: ClassVar[int] = 1
    minimal: ClassVar[bool] = True

    eps: float
    steps: int = 50
    overshoot: float = 0.02
    norm: Norm = "l2"

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        check_number(self.name, "overshoot", self.overshoot, low=0)
        check_norm(self.name, self.norm)

    def at(self, eps: float) -> "DeepFool":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`. Nothing is drawn.

        Raises:
            ContractError: a logit at x, or a gradient, is not finite.
        """
        x, y = x.detach(), hard(y)
        if self.eps == 0:
            return x.clone()
        index = standing(self.name, model, x, y)[1]
        nearest, total = Nearest(x, self.norm), x.new_zeros(())
        rivals = (y[:, None] + torch.arange(1, model.n_classes, device=x.device)) % model.n_classes
        point, change = x[index], torch.zeros_like(x[index])
        for _ in range(self.steps):
            if len(index) == 0:
                break
            plane = nearest_plane(model, point, y[index], rivals[index], self.norm)
            total += plane.gradient.sum()
            change = change + _onto(plane, self.norm)
            point = (x[index] + (1 + self.overshoot) * change).clamp_(0, 1)
            wrong = leads(model, point, y[index]) > 0
            nearest.offer(index, point, wrong)
            index, point, change = index[~wrong], point[~wrong], change[~wrong]
        check_finite(self.name, total)
        return nearest.within(self.eps)


def _onto(plane: Plane, norm: Norm) -> Tensor:
    """The shortest way onto the plane, or rather over it by what counts as rounding, without regard to [0, 1]."""
    w = plane.gradient
    gap = plane.value.abs() + 2 * ROUNDING * plane.logits.abs().amax(1)
    way = w.sign() if norm == "linf" else w
    slope = (w * way).flatten(1).sum(1)
    return way * wide(torch.where(slope > 0, gap / slope, 0), w)
