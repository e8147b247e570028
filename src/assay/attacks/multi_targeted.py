"""MultiTargeted: PGD to one wrong class after another, on the difference of two logits.

For each target t, the likeliest first: x_0 = clip(x + U), U uniform in the ball, and x_{i+1} = clip(project(x_i + a *
sign(grad(z_t - z_y)))), with z the logits and a the step size. Where the model is linear, the largest of these maxima
is that of the margin; the cross entropy may have its own elsewhere. Source: Gowal, Uesato, Qin, Huang, Mann and Kohli
(2019), An alternative surrogate loss for PGD-based adversarial testing.

Steps and projections for "l2" and "l1" are those of `pgd`, and so is the step size of 2.5 * eps / steps. Deviations:
there is one start a target and no schedule of step sizes. Only whether a point fools counts: an image is left at the
first point that is misclassified, as whatever class; of one that stands the point of the largest z_t - z_y is returned.
Images that are misclassified already are returned as they are.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import Goal, hard, judge, standing
from assay.attacks.losses import Towards, likeliest_wrong, targeted_margin
from assay.attacks.norms import NORMS, Norm, check_norm, random_start
from assay.attacks.rounds import Found, in_rounds
from assay.attacks.steps import Steps
from assay.classifier import Classifier
from assay.parts import check_count, check_number


@dataclass(frozen=True, kw_only=True)
class MultiTargeted:
    """PGD to all wrong classes in turn, or the likeliest; white box, at most `targets * steps` gradients.

    Attributes:
        eps: radius in pixel units, >= 0.
        steps: gradient steps a target, >= 1.
        targets: how many wrong classes are tried, those of the largest logits at x first; None, or more than there
            are, for all.
        step_size: length of a step in pixel units; None for 2.5 * eps / steps, which follows eps.
        norm: "linf", "l2" or "l1".
    """

    name: ClassVar[str] = "multi_targeted"
    version: ClassVar[int] = 1
    early_stop: ClassVar[bool] = True

    eps: float
    steps: int
    targets: int | None = None
    step_size: float | None = None
    norm: Norm = "linf"

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        if self.targets is not None:
            check_count(self.name, "targets", self.targets)
        if self.step_size is not None:
            check_number(self.name, "step_size", self.step_size, low=0)
        check_norm(self.name, self.norm, NORMS)

    def at(self, eps: float) -> "MultiTargeted":
        """The same attack with another radius; a step size that was given stays."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`.

        Raises:
            ContractError: a logit or a gradient is not finite.
        """
        x = x.detach()
        if self.eps == 0:
            return x.clone()
        logits, todo = standing(self.name, model, x, y)
        labels = hard(y)
        targets = likeliest_wrong(logits, labels, self.targets or model.n_classes)
        rounds = (
            (random_start(x, self.eps, self.norm, generator), Towards(labels, target, targeted_margin))
            for target in targets.unbind(1)
        )
        return in_rounds(self._climb, model, x, todo, rounds)

    def _climb(self, model: Classifier, x: Tensor, start: Tensor, goal: Goal) -> Found:
        steps = Steps(self.name, self.eps, self.norm, self.steps, self.step_size, early_stop=True)
        points, _ = steps.climb(model, x, start, goal)
        return Found(points, *judge(model, points, goal))
