"""The steps of PGD: of one length, each projected, with a batch that shrinks to those that stand.

The formulas and their source are in `pgd`.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import Goal, check_finite, input_gradient
from assay.attacks.headroom import hopeless
from assay.attacks.norms import Norm, ascend_, project_
from assay.classifier import Classifier


class Steps(NamedTuple):
    """Gradient steps in a ball.

    Attributes:
        part: whom errors name.
        eps, norm: the ball.
        steps: how many.
        size: the length of each; None for 2.5 * eps / steps.
        early_stop: leave an image at the first point that reaches the goal.
        headroom: then also leave an image that is `hopeless` by this factor; for goals that are an `Aim` away from
            labels given as indices. None: never.
    """

    part: str
    eps: float
    norm: Norm
    steps: int
    size: float | None
    early_stop: bool
    headroom: float | None = None

    def climb(self, model: Classifier, x: Tensor, point: Tensor, goal: Goal) -> tuple[Tensor, Tensor]:
        """Climb from `point`, in place, for all steps or until each image is fooled or hopeless.

        Returns:
            Where each ended (B, C, H, W), and which (B,) were not left as hopeless.

        Raises:
            ContractError: a gradient is not finite.
        """
        step = length(self.eps, self.steps, self.size)
        ends, index = point, None  # index: which rows of `ends` the rows of `point` are, once they are fewer
        hope = torch.ones(len(point), dtype=torch.bool, device=point.device)
        total = point.new_zeros(())
        for _ in range(self.steps):
            loss, logits, gradient = input_gradient(model, point, goal)
            total += gradient.sum()
            if self.early_stop:
                done = goal.reached(logits)
                if self.headroom is not None:
                    lost = hopeless(loss, gradient, point, x, self.eps, self.norm, self.headroom)
                    hope[lost if index is None else index[lost]] = False
                    done |= lost
                standing = (~done).nonzero().squeeze(1)
                if len(standing) < len(point):
                    index = _write(ends, index, point)[standing]
                    x, point, gradient, goal = x[standing], point[standing], gradient[standing], goal.take(standing)
                if len(standing) == 0:
                    break
            project_(ascend_(point, gradient, step, self.norm), x, self.eps, self.norm)
        if index is not None:
            _write(ends, index, point)
        check_finite(self.part, total)
        return ends, hope


def length(eps: float, steps: int, size: float | None) -> float:
    """The length of each of so many steps: `size`, or 2.5 * eps / steps."""
    return 2.5 * eps / steps if size is None else size


def _write(ends: Tensor, index: Tensor | None, point: Tensor) -> Tensor:
    """Write the rows of `point` to `ends` at `index` (None: `point` is `ends` itself); return the index."""
    if index is None:
        return torch.arange(len(ends), device=ends.device)
    ends[index] = point
    return index
