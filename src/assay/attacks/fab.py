"""FAB: the nearest misclassified point, by steps onto linearised decision boundaries that lean towards the image.

At x_i each boundary z_c = z_y is linearised, and the nearest is taken. With d_i and d_0 the shortest ways onto it
inside [0, 1] from x_i and from the image x_0, and a = min(||d_i|| / (||d_i|| + ||d_0||), 0.1), the step is

    x_{i+1} = clip((1 - a) * (x_i + 1.05 * d_i) + a * (x_0 + 1.05 * d_0), 0, 1);

where that is misclassified, it is kept if it is the nearest so far, and the search goes on from 0.9 of the way to it:
x_{i+1} <- x_0 + 0.9 * (x_{i+1} - x_0). Three steps of false position between the nearest and the image end it. The
first search starts at the image; each restart uniformly in a ball of half the radius min(nearest distance, eps).
Source: Croce and Hein (2020), Minimally distorted adversarial examples with a fast adaptive boundary attack; the
constants are the paper's.

Deviations: the ways onto the plane are found by Newton's method, exactly as by sorting. A point beyond eps is returned
as the point of the ball next to it. Of soft labels the largest counts.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import check_finite, hard, standing
from assay.attacks.minimal import Nearest, lead
from assay.attacks.norms import Norm, check_norm, lengths, random_start, wide
from assay.attacks.planes import nearest_plane, onto_plane
from assay.classifier import Classifier
from assay.parts import check_count, check_number

ALPHA_MAX = 0.1  # how much a step leans towards the image at most
ETA = 1.05  # overshoot beyond the plane
BETA = 0.9  # where the search goes on from a misclassified point, as a part of the way to it from the image
FINAL_STEPS = 3


@dataclass(frozen=True, kw_only=True)
class FAB:
    """The fast adaptive boundary attack on all classes; white box, `restarts * steps * (K - 1)` gradients at most.

    Attributes:
        eps: radius in pixel units, >= 0.
        steps: steps of a search, >= 1.
        restarts: how many searches, >= 1.
        norm: "linf" or "l2".
        early_stop: leave an image at the first misclassified point within eps: the same verdict at eps at less cost.
    """

    name: ClassVar[str] = "fab"
    version: ClassVar[int] = 1
    minimal: ClassVar[bool] = True

    eps: float
    steps: int = 100
    restarts: int = 1
    norm: Norm = "linf"
    early_stop: bool = False

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        check_count(self.name, "restarts", self.restarts)
        check_norm(self.name, self.norm)

    def at(self, eps: float) -> "FAB":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`.

        Raises:
            ContractError: a gradient is not finite.
        """
        search = Search(self.name, model, x, hard(y), self.eps, self.norm, self.early_stop)
        if self.eps == 0 or len(search.todo) == 0:
            return x.detach().clone()
        shift = torch.arange(1, model.n_classes, device=x.device)
        rivals = (search.y[:, None] + shift) % model.n_classes
        for restart in range(self.restarts):
            start = search.x if restart == 0 else search.random_start(generator)
            search.run(start, rivals, self.steps)
        return search.result()


class Search:
    """FAB's searches on a batch, of which only the images that are classified rightly are touched.

    Attributes:
        x: (B, C, H, W), the images.
        y: (B,), their classes.
        logits: (B, K) at the images.
        todo: indices of the images that a next search is for.
        nearest: the nearest misclassified points so far.
    """

    def __init__(
        self, part: str, model: Classifier, x: Tensor, y: Tensor, eps: float, norm: Norm, early_stop: bool
    ) -> None:
        self.part, self.model, self.eps, self.norm, self.early_stop = part, model, eps, norm, early_stop
        self.x, self.y = x.detach(), y
        self.logits, self.todo = standing(part, model, self.x, y)
        self.nearest = Nearest(self.x, norm)

    def random_start(self, generator: torch.Generator) -> Tensor:
        """Uniform in balls of half the radius min(nearest distance, eps); drawn for the whole batch."""
        centre = torch.full_like(self.x, 0.5)
        offset = random_start(centre, 0.5, self.norm, generator) - centre
        radius = wide(self.nearest.distance.clamp(max=self.eps), self.x)
        return (self.x + radius * offset).clamp_(0, 1)

    def run(self, start: Tensor, rivals: Tensor, steps: int) -> None:
        """Search from start (B, C, H, W) for the boundaries to rivals (B, J), for the images that remain to be done."""
        index = self.todo
        point, total = start[index], self.x.new_zeros(())
        for _ in range(steps):
            if len(index) == 0:
                break
            x, y = self.x[index], self.y[index]
            plane = nearest_plane(self.model, point, y, rivals[index], self.norm)
            total += plane.gradient.sum()
            point = _step(point, x, plane.value, plane.gradient, self.norm)
            with torch.no_grad():
                logits = self.model(point)
            self.nearest.offer(index, point, lead(logits, y) > 0)
            wrong = logits.argmax(1) != y  # if only by rounding too, or the search would stay on the boundary
            point = torch.where(wide(wrong, x), x + BETA * (point - x), point)
            if self.early_stop:
                on = self.nearest.distance[index] > self.eps
                index, point = index[on], point[on]
        check_finite(self.part, total)
        if self.early_stop:
            self.todo = self.todo[self.nearest.distance[self.todo] > self.eps]

    def result(self) -> Tensor:
        """The nearest misclassified points, or the points of the ball next to them."""
        self.nearest.refine(self.model, self.y, FINAL_STEPS)
        return self.nearest.within(self.eps)


def _step(point: Tensor, x: Tensor, value: Tensor, gradient: Tensor, norm: Norm) -> Tensor:
    """FAB's step from `point`, where the boundary was linearised, leaning towards x."""
    at_x = value + (gradient * (x - point)).flatten(1).sum(1)
    both = torch.cat([point, x]), torch.cat([value, at_x]), torch.cat([gradient, gradient])
    here, there = onto_plane(*both, norm).chunk(2)
    near, far = lengths(here, norm), lengths(there, norm)
    share = (near / (near + far).clamp_(min=torch.finfo(near.dtype).tiny)).clamp_(max=ALPHA_MAX)
    return torch.lerp(point + ETA * here, x + ETA * there, wide(share, x)).clamp_(0, 1)
