"""The ascent of APGD: steps with momentum, a step size for each image, and a batch that shrinks to those that stand.

The formulas and their source are in `apgd`.
"""

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import Goal, check_finite, input_gradient, judge
from assay.attacks.norms import Norm, project_, steepest_, wide
from assay.attacks.rounds import Found
from assay.classifier import Classifier

_ALPHA = 0.75  # momentum: the share of the new direction
_RHO = 0.75  # the share of steps that must raise the loss


def checkpoints(steps: int) -> dict[int, int]:
    """The checkpoints w_j before the last step, each with the number of steps since the one before."""
    share, gap, ends = 22, 22, [0]  # in hundredths of the steps: with floats, some would be rounded up
    while share < 100:
        ends.append(-(-share * steps // 100))
        gap = max(gap - 3, 6)
        share += gap
    return {end: end - before for before, end in pairwise(ends) if before < end < steps}


@dataclass
class _Climbers:
    """The images that still stand, a row each.

    Attributes:
        row: which image of the batch.
        x, point, before: the image, where it is now, and where it was a step ago.
        loss, rises: the loss there, and in how many steps it rose since the last checkpoint.
        best, best_loss, best_direction: the best point so far.
        best_at_check, halved: the best loss at the last checkpoint, and whether the step was halved there.
        step: eta (n, 1, 1, 1).
    """

    row: Tensor
    x: Tensor
    point: Tensor
    before: Tensor
    loss: Tensor
    rises: Tensor
    best: Tensor
    best_loss: Tensor
    best_direction: Tensor
    best_at_check: Tensor
    halved: Tensor
    step: Tensor

    def leave(self, found: Found, loss: Tensor, fooled: Tensor) -> Tensor:
        """Write down who is fooled (n,), and go on with the others; return which those are."""
        left = (~fooled).nonzero().squeeze(1)
        if len(left) < len(fooled):
            row = self.row[fooled]
            found.points[row], found.loss[row], found.fooled[row] = self.point[fooled], loss[fooled], True
            for field in fields(self):
                setattr(self, field.name, getattr(self, field.name)[left])
        return left

    def look(self, loss: Tensor, direction: Tensor) -> None:
        """Note the loss (n,) at the present points and its steepest direction there."""
        self.rises = self.rises + (loss > self.loss)
        self.loss = loss
        better = loss > self.best_loss
        self.best_loss = torch.where(better, loss, self.best_loss)
        self.best = torch.where(wide(better, self.x), self.point, self.best)
        self.best_direction = torch.where(wide(better, self.x), direction, self.best_direction)

    def check(self, direction: Tensor, length: int) -> Tensor:
        """Halve steps and go back to the best point where it is due, `length` steps after the last checkpoint.

        Returns:
            The directions to go on in.
        """
        stuck = ~self.halved & (self.best_loss == self.best_at_check)
        self.halved = (self.rises < _RHO * length) | stuck
        self.best_at_check, self.rises = self.best_loss, torch.zeros_like(self.rises)
        self.loss = torch.where(self.halved, self.best_loss, self.loss)
        back = wide(self.halved, self.x)
        self.step = torch.where(back, self.step / 2, self.step)
        self.point = torch.where(back, self.best, self.point)
        return torch.where(back, self.best_direction, direction)

    def move(self, direction: Tensor, eps: float, norm: Norm, alpha: float) -> None:
        """Take a step along the direction, of which momentum leaves the share alpha."""
        ahead = project_(torch.addcmul(self.point, self.step, direction), self.x, eps, norm)
        there = self.point.lerp(ahead, alpha).add_(self.point - self.before, alpha=1 - alpha)
        self.before, self.point = self.point, project_(there, self.x, eps, norm)


def _climbers(x: Tensor, start: Tensor, step: float) -> _Climbers:
    n = len(x)
    low, high = x.new_full((n,), -torch.inf), x.new_full((n,), torch.inf)  # the first look is no rise
    return _Climbers(
        row=torch.arange(n, device=x.device),
        x=x,
        point=start,
        before=start,
        loss=high,
        rises=torch.zeros_like(low),
        best=start,
        best_loss=low,
        best_direction=start,
        best_at_check=low,
        halved=torch.zeros_like(low, dtype=torch.bool),
        step=wide(x.new_full((n,), step), x),
    )


class Ascent(NamedTuple):
    """An ascent of `steps` gradients a start in a ball; `part` is whom errors name."""

    part: str
    eps: float
    norm: Norm
    steps: int

    def climb(self, model: Classifier, x: Tensor, start: Tensor, goal: Goal) -> Found:
        """Climb from the starts until each image is fooled or the steps are used up.

        Raises:
            ContractError: a gradient is not finite.
        """
        climbers, checks = _climbers(x, start, 2 * self.eps), checkpoints(self.steps)
        found = Found(start.clone(), climbers.best_loss.clone(), climbers.halved.clone())
        total = x.new_zeros(())
        for k in range(self.steps):
            loss, logits, gradient = input_gradient(model, climbers.point, goal)
            total += gradient.sum()
            left = climbers.leave(found, loss, goal.reached(logits))
            if len(left) < len(loss):
                loss, gradient, goal = loss[left], gradient[left], goal.take(left)
            if len(left) == 0:
                break
            direction = steepest_(gradient, self.norm)
            climbers.look(loss, direction)
            if k in checks:
                direction = climbers.check(direction, checks[k])
            climbers.move(direction, self.eps, self.norm, _ALPHA if k else 1)
        check_finite(self.part, total)
        if len(climbers.row):
            self._arrive(model, climbers, goal, found)
        return found

    def _arrive(self, model: Classifier, climbers: _Climbers, goal: Goal, found: Found) -> None:
        """Judge the last points, without a gradient, and write down the best of those that stand."""
        loss, fooled = judge(model, climbers.point, goal)
        left = climbers.leave(found, loss, fooled)
        climbers.look(loss[left], climbers.best_direction)  # nobody goes on: directions no longer matter
        found.points[climbers.row], found.loss[climbers.row] = climbers.best, climbers.best_loss
