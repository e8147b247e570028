"""PGD: projected gradient ascent on the loss, from a random start in the ball.

x_0 = clip(x + U), U uniform in the ball; x_{t+1} = clip(project(x_t + a * sign(grad L(f(x_t), y)))), with L the cross
entropy and a the step size. Source: Madry et al. (2018), Towards deep learning models resistant to adversarial attacks.
For the l2 norm the step is a * g / ||g||_2. For the l1 norm it is the move of length a inside [0, 1] that gains most:
the pixel of the largest gradient as far as its edge allows, then the next; and the point is projected to the ball and
the box at once, exactly. Source: Croce and Hein (2021), Mind the box: l1-APGD for sparse attacks on image classifiers.

Deviations: the step size defaults to 2.5 * eps / steps, so that every point of the ball can be reached (Madry's MNIST
setting is `pgd(eps=0.3, steps=40, step_size=0.01)`). An l1 step moves as few pixels as its length
allows, where that of Tramer and Boneh (2019), Adversarial training and robustness for multiple perturbations, moves a
fixed share of them, and that of l1-APGD a share that adapts: there is no share to choose, and on `lenet5` shares of 2 %
and more left more images standing. Of several restarts each image keeps the point that fools the model, and among
equals that of the highest loss. With `early_stop` an image is left where it first fools.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import Target, aim_at, check_target, judge
from assay.attacks.norms import NORMS, Norm, check_norm, project_, random_start
from assay.attacks.steps import Steps
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import check_count, check_number


@dataclass(frozen=True, kw_only=True)
class PGD:
    """Projected gradient descent on the negative loss; white box, `restarts * steps` gradients at most.

    Attributes:
        eps: radius in pixel units, >= 0.
        steps: gradient steps, >= 1.
        step_size: length of a step in pixel units; None for 2.5 * eps / steps, which follows eps.
        norm: "linf", "l2" or "l1".
        random_start: start at a point drawn from the ball, else at x.
        restarts: how often to start; more than one needs a random start to differ.
        target: None (away from the label), a class index, or "least_likely"; an image whose label is the target is
            attacked away from it.
        early_stop: leave an image at the first point that fools the model (or reaches the target) and go on with the
            others: the same images are fooled at less cost, as each step's forward pass tells which. For evaluation;
            training wants points of high loss.
        headroom: with `early_stop` and labels given as indices, also leave an image when this many times the rise that
            its ball still has room for, to first order, would not fool it: see `assay.attacks.headroom`; it does not
            start again, and at a larger budget goes on from a point that is less far up. None: never.
    """

    name: ClassVar[str] = "pgd"
    version: ClassVar[int] = 1
    continuing: ClassVar[bool] = True

    eps: float
    steps: int
    step_size: float | None = None
    norm: Norm = "linf"
    random_start: bool = True
    restarts: int = 1
    target: Target = None
    early_stop: bool = False
    headroom: float | None = None

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        if self.step_size is not None:
            check_number(self.name, "step_size", self.step_size, low=0)
        check_norm(self.name, self.norm, NORMS)
        check_count(self.name, "restarts", self.restarts)
        check_target(self.name, self.target)
        if self.headroom is not None:
            check_number(self.name, "headroom", self.headroom, low=1)
            if not self.early_stop or self.target is not None:
                raise BadValueError(f"{self.name}: headroom: it needs early_stop=True and no target")

    def at(self, eps: float) -> "PGD":
        """The same attack with another radius; a step size that was given stays."""
        return replace(self, eps=eps)

    def __call__(
        self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, start: Tensor | None = None
    ) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K), from `start` if given; see `Continuing`.

        Raises:
            ContractError: a gradient is not finite.
        """
        x = x.detach()
        if self.eps == 0:
            return x.clone()
        aim = aim_at(self.name, self.target, model, x, y)
        headroom = self.headroom if y.ndim == 1 else None
        steps = Steps(self.name, self.eps, self.norm, self.steps, self.step_size, self.early_stop, headroom)
        first = self._start(x, generator) if start is None else project_(start.clone(), x, self.eps, self.norm)
        best, hope = steps.climb(model, x, first, aim)
        further = self.restarts - 1 if start is None else max(1, self.restarts - 1)
        if further == 0:
            return best
        loss, reached = judge(model, best, aim)
        for _ in range(further):
            # Drawn for the whole batch: an image's start does not depend on which others have been fooled.
            again = self._start(x, generator)
            todo = (hope & ~reached if self.early_stop else torch.ones_like(reached)).nonzero().squeeze(1)
            if len(todo) == 0:
                break
            point, hope[todo] = steps.climb(model, x[todo], again[todo], aim.take(todo))
            new_loss, new_reached = judge(model, point, aim.take(todo))
            better = torch.where(new_reached == reached[todo], new_loss > loss[todo], new_reached)
            chosen = todo[better]
            best[chosen], loss[chosen], reached[chosen] = point[better], new_loss[better], new_reached[better]
        return best

    def _start(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return random_start(x, self.eps, self.norm, generator) if self.random_start else x.clone()
