"""Carlini and Wagner's attack: the nearest point in "l2" by gradient descent on distance plus c times the margin.

With x' = (tanh(w) + 1) / 2, which lies in [0, 1] whatever w is, Adam minimises

    ||x' - x||_2^2 + c * max(z_y - max_{k != y} z_k, 0)

from x' = x. Each image has its own c, found by a search: it starts at 0.01; where a misclassified point was met the
next is halfway down to the largest c that met none, else ten times as large, or halfway up to the smallest c that met
one. Of all points met the nearest counts. Source: Carlini and Wagner (2017), Towards evaluating the robustness of
neural networks; its L2 attack with confidence 0.

Deviations: `steps` is 200 instead of 10,000 at a learning rate of 0.05 instead of 0.01, from 0.999 of the way to black
or white, as pixels there would hardly move else; steps are not broken off early; three steps of false position between
the nearest point and the image end the search. A point beyond eps is returned as the point of the ball next to it. Of
soft labels the largest counts.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import check_finite, hard, input_gradient, standing
from assay.attacks.losses import Away, margin
from assay.attacks.minimal import Nearest, lead
from assay.attacks.norms import Norm, wide
from assay.classifier import Classifier
from assay.parts import check_count, check_number

FIRST_C = 0.01
FINAL_STEPS = 3
INSIDE = 0.999  # keeps black and white off the ends of tanh, where its slope is 0


@dataclass(frozen=True, kw_only=True)
class CarliniWagner:
    """The L2 attack of Carlini and Wagner; white box, `searches * steps` gradients.

    Attributes:
        eps: radius in pixel units, >= 0, in "l2".
        steps: steps of Adam for each c, >= 1.
        searches: how many values of c are tried, >= 1.
        learning_rate: Adam's, in w, >= 0.
    """

    name: ClassVar[str] = "carlini_wagner"
    version: ClassVar[int] = 1
    minimal: ClassVar[bool] = True
    norm: ClassVar[Norm] = "l2"

    eps: float
    steps: int = 200
    searches: int = 9
    learning_rate: float = 0.05

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        check_count(self.name, "searches", self.searches)
        check_number(self.name, "learning_rate", self.learning_rate, low=0)

    def at(self, eps: float) -> "CarliniWagner":
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
        if len(index) == 0:
            return x.clone()
        nearest = Nearest(x, self.norm)
        c = x.new_full((len(index),), FIRST_C)
        low, high = torch.zeros_like(c), torch.full_like(c, torch.inf)
        for _ in range(self.searches):
            met = self._descend(model, y[index], c, nearest, index)
            low, high = torch.where(met, low, c), torch.where(met, c, high)
            c = torch.where(high.isinf(), 10 * c, (low + high) / 2)
        nearest.refine(model, y, FINAL_STEPS)
        return nearest.within(self.eps)

    def _descend(self, model: Classifier, y: Tensor, c: Tensor, nearest: Nearest, index: Tensor) -> Tensor:
        """One run of Adam with c (N,) for the images at `index`; returns where (N,) a misclassified point was met."""
        x = nearest.x[index]
        w = torch.atanh((2 * x - 1) * INSIDE)
        first, second = torch.zeros_like(w), torch.zeros_like(w)
        met, total = torch.zeros_like(index, dtype=torch.bool), x.new_zeros(())
        for step in range(1, self.steps + 1):
            point = x if step == 1 else (torch.tanh(w) + 1) / 2
            ahead, logits, slope = input_gradient(model, point, Away(margin, y))
            wrong = lead(logits, y) > 0
            nearest.offer(index, point, wrong)
            met |= wrong
            total += slope.sum()
            gradient = 2 * (point - x) - slope * wide(c * (ahead < 0), x)
            gradient *= (1 - torch.tanh(w).square()) / 2
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient.square()
            size = (second / (1 - 0.999**step)).sqrt() + 1e-8
            w = w - self.learning_rate * first / (1 - 0.9**step) / size
        check_finite(self.name, total)
        return met
