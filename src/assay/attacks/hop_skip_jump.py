"""HopSkipJump: along the decision boundary towards the image, from the predicted class alone.

From a misclassified point, each iteration t = 1, 2, ... goes to the boundary, estimates which way it faces, and leaps:

    boundary:  x_t between the image x and the last point, misclassified, by bisection down to a part theta of the way
    estimate:  s_t = sum_b (phi_b - mean phi) u_b with phi_b = 1 if x_t + delta u_b is misclassified, else -1, for
               floor(100 * sqrt(t)) directions u_b, uniform on the unit sphere, and delta = ||x_t - x|| / d;
               s_t = phi * sum_b u_b where all phi_b are equal
    leap:      x_t + xi v_t, where v_t = s_t / ||s_t||_2 for "l2" and sign(s_t) for "linf", and
               xi = ||x_t - x|| / sqrt(t) is halved until that is misclassified

with d the number of values of an image, and theta = d^(-3/2) for "l2" and d^(-2) for "linf". "l2" bisects on the line
between two points, "linf" the radius of the cube around x onto which the last point is clipped. The first point is
uniform noise. Source: Chen, Jordan and Wainwright (2020), HopSkipJumpAttack: a query-efficient decision-based attack.

Deviations: noise to start from comes in squares of 1, 2, 4, ... pixels in turn, up to 100 draws: a model may call all
noise of single pixels one class, whose images would have no start. Directions and noise are the same for all images of
a batch: an image's draws do not depend on the others' fate. A probe beyond 0 or 1 is clipped, and the sum counts the
move that was made. A budget of queries takes the place of a number of
iterations; the last estimate gets what is left. theta is at most 1/1000, for small images. The nearest point is moved
outward by 1/10,000 of its distance, if it stays misclassified, so that rounding does not take it back. A point beyond
eps is returned as the point of the ball next to it; an image without a start, as it is. Of soft labels the largest
counts.
"""

import itertools
import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import hard, standing
from assay.attacks.decisions import Decisions
from assay.attacks.minimal import Nearest
from assay.attacks.norms import Norm, check_norm, lengths, steepest_, wide
from assay.classifier import Classifier
from assay.parts import check_count, check_number
from assay.randomness import derive, integers, normal, uniform

STARTS = 100  # noise images tried at most
DIRECTIONS = 100  # of the first estimate
COARSEST = 1e-3  # where a bisection ends at the latest
HALVINGS = 25  # of a leap: then it is no longer than rounding
OUTWARD = 1e-4


@dataclass(frozen=True, kw_only=True)
class HopSkipJump:
    """HopSkipJump; black box that sees labels alone, `queries` forward passes an image at most.

    Attributes:
        eps: radius in pixel units, >= 0.
        queries: points that the model is asked about for each image, >= 2; the image itself is not counted.
        norm: "linf" or "l2".
        early_stop: leave an image at the first misclassified point within eps: the same verdict at eps at less cost.
    """

    name: ClassVar[str] = "hop_skip_jump"
    version: ClassVar[int] = 1
    minimal: ClassVar[bool] = True
    black_box: ClassVar[bool] = True

    eps: float
    queries: int = 5000
    norm: Norm = "linf"
    early_stop: bool = False

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "queries", self.queries, low=2)
        check_norm(self.name, self.norm)

    def at(self, eps: float) -> "HopSkipJump":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`.

        Raises:
            ContractError: a logit at x is not finite.
        """
        x, y = x.detach(), hard(y)
        if self.eps == 0:
            return x.clone()
        index, d = standing(self.name, model, x, y)[1], x[0].numel()
        bisections = math.ceil(-math.log2(min(COARSEST, d ** (-1.5 if self.norm == "l2" else -2))))
        nearest, decisions = Nearest(x, self.norm), Decisions(model, y, self.queries - 1)  # one is kept for the end
        seed = int(integers(0, 2**62, (), generator, like=x))
        index, point = _starts(decisions, x, index, derive(seed, "starts"))
        draws = derive(seed, "directions")
        for t in itertools.count(1):
            point = self._boundary(decisions, x[index], index, point, bisections)
            nearest.offer(index, point, torch.ones_like(index, dtype=torch.bool))
            most = math.isqrt(DIRECTIONS**2 * t)
            counts = (decisions.left[index] - bisections).clamp_(max=most)
            on = counts >= 2
            if self.early_stop:
                on &= nearest.distance[index] > self.eps
            index, point, counts = index[on], point[on], counts[on]
            if len(index) == 0:
                break
            noise = steepest_(normal((most, *x.shape[1:]), draws, like=x), "l2")
            distance = lengths(point - x[index], self.norm)
            way = steepest_(decisions.normals(index, point, distance / d, counts, noise), self.norm)
            point = _leap(decisions, index, point, way, distance / math.sqrt(t))
        _move_outward(decisions, nearest, self.eps)
        return nearest.within(self.eps)

    def _boundary(self, decisions: Decisions, x: Tensor, index: Tensor, far: Tensor, bisections: int) -> Tensor:
        """Misclassified points next to the boundary on the ways from x to the misclassified points `far`, (N, ...)."""
        distance = lengths(far - x, self.norm)
        low, high = torch.zeros_like(distance), torch.ones_like(distance)
        for _ in range(bisections):
            on = decisions.left[index] > 0
            if self.early_stop:
                on &= high * distance > self.eps
            on = on.nonzero().squeeze(1)
            middle = (low[on] + high[on]) / 2
            wrong = decisions.wrong(index[on], self._between(x[on], far[on], middle, distance[on]))
            low[on], high[on] = torch.where(wrong, low[on], middle), torch.where(wrong, middle, high[on])
        return torch.where(wide(high < 1, x), self._between(x, far, high, distance), far)

    def _between(self, x: Tensor, far: Tensor, share: Tensor, distance: Tensor) -> Tensor:
        if self.norm == "l2":
            return torch.lerp(x, far, wide(share, x))
        radius = wide(share * distance, x)
        return far.clamp(x - radius, x + radius)


def _starts(decisions: Decisions, x: Tensor, index: Tensor, draws: torch.Generator) -> tuple[Tensor, Tensor]:
    """Misclassified noise for the images at `index`: which of them have one, and the noise (N, C, H, W)."""
    found, start = torch.zeros(len(x), dtype=torch.bool, device=x.device), x.clone()
    for number in range(STARTS):
        index = index[~found[index] & (decisions.left[index] > 0)]
        if len(index) == 0:
            break
        noise = _noise(number, x, draws).expand(len(index), -1, -1, -1)
        wrong = decisions.wrong(index, noise)
        start[index[wrong]], found[index[wrong]] = noise[wrong], True
    index = found.nonzero().squeeze(1)
    return index, start[index]


def _noise(number: int, x: Tensor, draws: torch.Generator) -> Tensor:
    channels, height, width = x.shape[1:]
    side = 2 ** (number % min(height, width).bit_length())
    squares = uniform((channels, -(-height // side), -(-width // side)), draws, like=x)
    return squares.repeat_interleave(side, 1).repeat_interleave(side, 2)[:, :height, :width]


def _leap(decisions: Decisions, index: Tensor, point: Tensor, way: Tensor, size: Tensor) -> Tensor:
    """The points moved along the way by `size` (N,), halved until they are misclassified there, or not at all."""
    landed, waiting = point.clone(), torch.arange(len(index), device=index.device)
    for halving in range(HALVINGS):
        waiting = waiting[decisions.left[index[waiting]] > 0]
        if len(waiting) == 0:
            break
        there = torch.addcmul(point[waiting], wide(size[waiting] / 2**halving, point), way[waiting]).clamp_(0, 1)
        wrong = decisions.wrong(index[waiting], there)
        landed[waiting[wrong]] = there[wrong]
        waiting = waiting[~wrong]
    return landed


def _move_outward(decisions: Decisions, nearest: Nearest, eps: float) -> None:
    """Move the nearest points off the boundary, but not over eps, where they are misclassified there too."""
    index = nearest.distance.isfinite().nonzero().squeeze(1)
    x, point, distance = nearest.x[index], nearest.point[index], nearest.distance[index]
    factor = torch.where(distance <= eps, (eps / distance).clamp(max=1 + OUTWARD), 1 + OUTWARD)
    there = torch.lerp(x, point, wide(factor, x)).clamp_(0, 1)
    decisions.left += 1
    wrong = decisions.wrong(index, there)
    nearest.point[index[wrong]] = there[wrong]
    nearest.distance[index[wrong]] *= factor[wrong]
