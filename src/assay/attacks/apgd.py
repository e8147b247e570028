"""APGD: projected gradient ascent with momentum that chooses its own step sizes, for the cross entropy or the DLR loss.

    z       = P(x_k + eta * d_k),  d_k the steepest direction of the loss at x_k (its sign for linf, g / ||g|| for l2)
    x_{k+1} = P(x_k + 0.75 * (z - x_k) + 0.25 * (x_k - x_{k-1})),  and x_1 = z

P projects to the ball and to [0, 1]. eta starts at 2 * eps. At the checkpoints w_j = ceil(p_j * steps), with p_0 = 0,
p_1 = 0.22 and p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06), an image's eta is halved and it goes back to its best
point, when the loss rose in fewer than 0.75 of the steps since the last checkpoint, or when since then neither eta nor
the best loss changed. `APGDT` climbs the targeted DLR loss to one wrong class after another, the likeliest first.
Source: Croce and Hein (2020), Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
attacks.

Deviations: only whether a point fools counts, so an image is left at the first point that does, and the others go on,
as a smaller batch with a step size for each image; images that are misclassified already are returned as they are. Of
an image that stands, the point of the highest loss is returned. The start is drawn uniformly from the ball, while the
authors' code draws it on the ball's border; where paper and code differ else, in the strictness of a comparison and in
which loss the first step after a return is compared with, this is the paper. The last point is judged without a
gradient: an image takes one pass at x, and from each start at most `steps` passes with a gradient and one without.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from assay.attacks.ascent import Ascent
from assay.attacks.base import Aim, Goal, hard, standing
from assay.attacks.losses import Away, Towards, dlr, likeliest_wrong
from assay.attacks.norms import Norm, check_norm, project_, random_start
from assay.attacks.rounds import in_rounds
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import check_count, check_number

Loss = Literal["ce", "dlr"]


@dataclass(frozen=True, kw_only=True)
class APGD:
    """Auto-PGD without a target; white box, at most `restarts * steps` gradients, no step size to choose.

    Attributes:
        eps: radius in pixel units, >= 0.
        loss: "ce", the cross entropy (of soft labels as they are), or "dlr", the difference of logits ratio.
        steps: gradient steps a start, >= 1.
        norm: "linf" or "l2".
        restarts: how often to start from a new point; images that are fooled do not start again.
    """

    name: ClassVar[str] = "apgd"
    version: ClassVar[int] = 1
    early_stop: ClassVar[bool] = True
    continuing: ClassVar[bool] = True

    eps: float
    loss: Loss = "ce"
    steps: int = 100
    norm: Norm = "linf"
    restarts: int = 1

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        if self.loss not in get_args(Loss):
            raise BadValueError(f"{self.name}: loss: expected one of {', '.join(get_args(Loss))}, got {self.loss!r}")
        check_count(self.name, "steps", self.steps)
        check_norm(self.name, self.norm)
        check_count(self.name, "restarts", self.restarts)

    def at(self, eps: float) -> "APGD":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(
        self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, start: Tensor | None = None
    ) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K), from `start` if given; see `Continuing`.

        Raises:
            ContractError: a logit or a gradient is not finite.
        """
        x = x.detach()
        if self.eps == 0:
            return x.clone()
        todo = standing(self.name, model, x, y)[1]
        goal: Goal = Aim(y) if self.loss == "ce" else Away(dlr, hard(y))
        rounds = ((point, goal) for point in self._starts(x, generator, start))
        ascent = Ascent(self.name, self.eps, self.norm, self.steps)
        return in_rounds(ascent.climb, model, x, todo, rounds)

    def _starts(self, x: Tensor, generator: torch.Generator, start: Tensor | None) -> Iterator[Tensor]:
        if start is not None:
            yield project_(start.clone(), x, self.eps, self.norm)
        for _ in range(max(1, self.restarts - (start is not None))):
            yield random_start(x, self.eps, self.norm, generator)


@dataclass(frozen=True, kw_only=True)
class APGDT:
    """Auto-PGD to the likeliest wrong classes in turn; white box, at most `targets * steps` gradients.

    Attributes:
        eps: radius in pixel units, >= 0.
        steps: gradient steps a target, >= 1.
        targets: wrong classes tried, those of the largest logits at x first; all where there are fewer. Images that are
            fooled, whatever their class then, are left.
        norm: "linf" or "l2".
    """

    name: ClassVar[str] = "apgd_t"
    version: ClassVar[int] = 1
    early_stop: ClassVar[bool] = True

    eps: float
    steps: int = 100
    targets: int = 9
    norm: Norm = "linf"

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        check_count(self.name, "targets", self.targets)
        check_norm(self.name, self.norm)

    def at(self, eps: float) -> "APGDT":
        """The same attack with another radius."""
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
        targets = likeliest_wrong(logits, labels, self.targets)
        rounds = (
            (random_start(x, self.eps, self.norm, generator), Towards(labels, target)) for target in targets.unbind(1)
        )
        ascent = Ascent(self.name, self.eps, self.norm, self.steps)
        return in_rounds(ascent.climb, model, x, todo, rounds)
