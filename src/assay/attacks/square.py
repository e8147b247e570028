"""Square Attack: random search with square-shaped changes at the edge of the ball, from the model's scores alone.

What is raised is the margin max_{c != y} z_c - z_y. "linf": the start adds eps or -eps to each column of each channel;
a proposal sets one square, at a uniform place, to x + eps or x - eps, a sign for each channel. "l2": the start tiles
the image with 5 x 5 pairs of opposite bumps of random signs, scaled to eps; a proposal takes the change out of one
square and, with what is unused of the radius, adds it to another in the shape of such a pair. A proposal is kept where
the margin grows, or where the model errs; an image is left as soon as it errs. A square covers the part p of the image:
p is halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 queries of 10,000, and in proportion for other
numbers of queries. Source: Andriushchenko, Croce, Flammarion and Hein (2020), Square Attack: a query-efficient
black-box adversarial attack via random search.

Deviations: a "linf" proposal that would change nothing (a square whose pixels are there already, or lie beyond 0 or 1)
is replaced by the one of opposite signs. The paper starts "l2" from p = 0.1. Of soft labels the largest counts. With
`headroom` an image is left after a fifth of the queries when its margin is too low for the pace at which it rose: when
`headroom * (b - a) < -b`, with a and b the margins after 1/25 and 1/5 of the queries. What is left to come are four
times as many queries, of smaller squares; on 800 training images (`lenet5`, undefended at eps 0.1 and PGD-trained at
0.3), of 20 that were fooled after that, none would have been left with headroom 1.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import hard, standing
from assay.attacks.bumps import move_mass, pair, tiles
from assay.attacks.losses import margin
from assay.attacks.norms import Norm, check_norm, lengths, project_, wide
from assay.classifier import Classifier
from assay.parts import check_count, check_number
from assay.randomness import uniform

HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries
TILES = 5  # along the shorter side, at the start in "l2"


@dataclass(frozen=True, kw_only=True)
class Square:
    """Square Attack; black box, `queries` forward passes at most and no gradient.

    Attributes:
        eps: radius in pixel units, >= 0.
        queries: points that the model is asked about, >= 1; the image itself is not counted.
        p: part of the image that the first squares cover, in [0, 1].
        norm: "linf" or "l2".
        headroom: after a fifth of the queries leave the images whose margin, if it rose by this many times what it has
            risen since 1/25 of them, would still be below 0: most of what stands, for a fifth of its cost. None: never.
    """

    name: ClassVar[str] = "square"
    version: ClassVar[int] = 1
    black_box: ClassVar[bool] = True

    eps: float
    queries: int = 5000
    p: float = 0.8
    norm: Norm = "linf"
    headroom: float | None = None

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "queries", self.queries)
        check_number(self.name, "p", self.p, low=0, high=1)
        check_norm(self.name, self.norm)
        if self.headroom is not None:
            check_number(self.name, "headroom", self.headroom, low=1)

    def at(self, eps: float) -> "Square":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`.

        Raises:
            ContractError: a logit at x is not finite.
        """
        with torch.no_grad():
            return x.clone() if self.eps == 0 else self._search(model, x, hard(y), generator)

    def _search(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        ends, index = x.clone(), standing(self.name, model, x, y)[1]
        point, best = x[index], x.new_full((len(index),), -torch.inf)
        before = best  # the margins after 1/25 of the queries
        for query in range(self.queries):
            if len(index) == 0:
                break
            # Drawn for the whole batch: an image's draws do not depend on which others have been fooled.
            draw = self._start if query == 0 else self._propose
            new = draw(Scene(x, index, point, self.side(query, x)), generator)
            logits = model(new)
            height = margin(logits, y[index])
            fooled = logits.argmax(1) != y[index]
            better = (height > best) | fooled
            point, best = torch.where(wide(better, x), new, point), torch.where(better, height, best)
            done = fooled
            if query + 1 == self.queries // 25:
                before = best
            elif self.headroom is not None and query + 1 == self.queries // 5:
                done = fooled | (self.headroom * (best - before) < -best)
            if bool(done.any()):
                ends[index] = point
                index, point, best, before = index[~done], point[~done], best[~done], before[~done]
        ends[index] = point
        return ends

    def side(self, query: int, x: Tensor) -> int:
        """The side of a square at a query, in pixels: round(sqrt(p * H * W)), at least 1 (in "l2" 3) where it fits."""
        height, width = x.shape[2:]
        p = self.p / 2 ** sum(query * 10_000 > bound * self.queries for bound in HALVINGS)
        least = 1 if self.norm == "linf" else 3
        return min(max(round(math.sqrt(p * height * width)), least), height, width)

    def _start(self, scene: "Scene", generator: torch.Generator) -> Tensor:
        x, (batch, channels, height, width) = scene.images, scene.images.shape
        if self.norm == "linf":
            signs = _signs(uniform((batch, channels, 1, width), generator, like=x))
            return torch.add(x, signs, alpha=self.eps)[scene.rows].clamp_(0, 1)
        side = max(1, min(height, width) // TILES)
        grid = (height // side, width // side)
        signs = _signs(uniform((batch, channels, *grid), generator, like=x))
        turned = uniform((batch, 1, *grid), generator, like=x) < 0.5
        delta = tiles(x.shape, side, signs, turned)[scene.rows]
        near = x[scene.rows]
        return project_(near + delta * wide(self.eps / lengths(delta, "l2"), delta), near, self.eps, "l2")

    def _propose(self, scene: "Scene", generator: torch.Generator) -> Tensor:
        places = 1 if self.norm == "linf" else 2
        draws = uniform((len(scene.images), 2 * places + 1 + scene.images.shape[1]), generator, like=scene.images)[
            scene.rows
        ]
        signs = _signs(draws[:, 2 * places + 1 :])
        squares = [scene.square(draws[:, 2 * place : 2 * place + 2]) for place in range(places)]
        x, point = scene.images[scene.rows], scene.point
        if self.norm == "linf":
            return _paint(point.flatten(2), x.flatten(2), squares[0], signs * self.eps).view_as(x)
        one = pair(scene.side).to(x)
        shape = torch.where(draws[:, 4, None] < 0.5, one.T.flatten(), one.flatten())
        delta = move_mass((point - x).flatten(2), squares[0], squares[1], shape, signs, self.eps)
        return project_(x + delta.view_as(x), x, self.eps, "l2")


class Scene(NamedTuple):
    """What a proposal starts from.

    `images` (B, C, H, W) is the whole batch, `rows` (N,) the images that still stand, `point` (N, C, H, W) the best
    point of each, and `side` the side of a square in pixels.
    """

    images: Tensor
    rows: Tensor
    point: Tensor
    side: int

    def square(self, draws: Tensor) -> Tensor:
        """The pixels (N, side * side), row by row, of squares at uniform places: draws (N, 2) in [0, 1)."""
        height, width = self.images.shape[2:]
        free = torch.tensor([height - self.side, width - self.side], device=draws.device)
        corner = (draws * (free + 1)).long().minimum(free)  # a draw next to 1 rounds up to the number of places
        step = torch.arange(self.side, device=draws.device)
        inside = (step[:, None] * width + step).flatten()
        return (corner[:, :1] * width + corner[:, 1:]) + inside


def _paint(point: Tensor, x: Tensor, square: Tensor, change: Tensor) -> Tensor:
    """Set a square to x + change, or to x - change where that is how it is: point, x (N, C, P), change (N, C)."""
    square = square[:, None].expand(-1, x.shape[1], -1)
    clean, now = x.gather(2, square), point.gather(2, square)
    wanted = (clean + change[:, :, None]).clamp_(0, 1)
    same = (wanted == now).flatten(1).all(1)
    other = (clean - change[:, :, None]).clamp_(0, 1)
    return point.scatter(2, square, torch.where(wide(same, now), other, wanted))


def _signs(draws: Tensor) -> Tensor:
    """-1 or 1, each with probability 1/2, from draws in [0, 1)."""
    return 1 - 2 * (draws < 0.5).to(draws)
