"""SWAG: networks drawn from a Gaussian that is fitted to the weights that training passes through.

After the recipe's epochs training goes on at a constant learning rate. From the weights theta_0 at its start and those
at n = 1, ..., `moments` evenly spaced steps it keeps

    mean_n = (n mean_{n-1} + theta_n) / (n + 1),        square_n likewise of theta_n^2,        D = (theta_n - mean_n),

of D the last K = `rank` columns, and draws each network, for z_1 and z_2 standard normal, as

    mean + sqrt((square - mean^2) / 2) * z_1 + D z_2 / sqrt(2 (K - 1)),

whose covariance is 1/2 (diag(square - mean^2) + D D' / (K - 1)); the output is the mean of the networks' softmaxes.
A variance that rounding brings below 0 counts as 0. Source: Maddox, Garipov, Izmailov, Vetrov and Wilson 2019, "A
simple baseline for Bayesian uncertainty in deep learning", algorithm 1.

Deviations: the optimiser is the recipe's Adam, which goes on with its moments, and not SGD, so that the paper's reading
of the path as draws from a posterior holds for it less still. The paper looks once an epoch of long trainings; we look
`moments` times in few epochs. Networks with batch normalisation, whose statistics would have to be found anew for each
draw, are refused.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import check_count, check_number
from assay.randomness import normal
from assay.weights.base import Course, State


@dataclass(frozen=True, kw_only=True)
class SWAG:
    """Networks drawn from a Gaussian around the mean of the weights of some further epochs.

    Attributes:
        samples: networks drawn, >= 2.
        epochs: further epochs, >= 1.
        moments: looks at the weights in these epochs, evenly spaced, at least as many as `rank`.
        rank: K, how many of the last deviations are kept, >= 2.
        learning_rate: of the further epochs; None goes on with the recipe's.
    """

    name: ClassVar[str] = "swag"
    version: ClassVar[int] = 1

    samples: int = 10
    epochs: int = 5
    moments: int = 20
    rank: int = 20
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        check_count(self.name, "samples", self.samples, low=2)
        check_count(self.name, "epochs", self.epochs)
        check_count(self.name, "rank", self.rank, low=2)
        check_count(self.name, "moments", self.moments, low=self.rank)
        if self.learning_rate is not None:
            check_number(self.name, "learning_rate", self.learning_rate, low=0)

    @property
    def networks(self) -> int:
        """As many as are drawn."""
        return self.samples

    @property
    def further(self) -> int:
        """The epochs in which the weights are looked at."""
        return self.epochs

    def rate(self, step: int, course: Course) -> float:
        """The learning rate of a step, counted from 0."""
        return course.learning_rate if self.learning_rate is None or step < course.steps else self.learning_rate

    def marks(self, course: Course) -> tuple[int, ...]:
        """The end of the recipe's epochs, and the steps after it."""
        further = course.total - course.steps
        if further < self.moments:
            raise BadValueError(
                f"{self.name}: moments: expected at most one for each of the {further} steps of the further epochs, "
                f"got {self.moments}"
            )
        return tuple(course.steps + number * further // self.moments for number in range(self.moments + 1))

    def collector(self) -> "Moments":
        """A collector of the Gaussian's moments."""
        return Moments(self.samples, self.rank)


class Moments:
    """The mean, the mean square and the last deviations of the weights (P,) that were seen."""

    def __init__(self, samples: int, rank: int) -> None:
        self.samples, self.seen = samples, 0
        self.mean = self.square = torch.zeros((), dtype=torch.float64)
        self.deviations: deque[Tensor] = deque(maxlen=rank)  # in float32: they are the most of what is held

    def add(self, model: Classifier) -> None:
        """Take the network's weights in, on the CPU; the first are the start, which has no deviation."""
        if any(isinstance(module, _BatchNorm) for module in model.modules()):
            raise BadValueError(
                "swag: expected a network without batch normalisation, whose statistics fit no drawn weights; "
                "take snapshots"
            )
        weights = torch.cat([weight.detach().flatten() for weight in model.parameters()]).cpu().double()
        self.mean = (self.seen * self.mean + weights) / (self.seen + 1)
        self.square = (self.seen * self.square + weights**2) / (self.seen + 1)
        if self.seen:
            self.deviations.append((weights - self.mean).float())
        self.seen += 1

    def draw(self, generator: torch.Generator) -> Tensor:
        """Weights (P,) from the Gaussian, in float64."""
        spread = (self.square - self.mean**2).clamp(min=0).sqrt()
        rank = len(self.deviations)
        own = normal(spread.shape, generator, like=spread)
        shared = normal((rank,), generator, like=spread)
        drawn = self.mean + spread * own / math.sqrt(2)
        for z, column in zip(shared, self.deviations, strict=True):
            drawn += z * column / math.sqrt(2 * (rank - 1))
        return drawn

    def states(self, model: Classifier, generator: torch.Generator) -> list[State]:
        """Draws in the shape of the network's parameters, with its buffers."""
        return [_shaped(self.draw(generator), model) for _ in range(self.samples)]


def _shaped(weights: Tensor, model: Classifier) -> State:
    """The network's state with weights (P,) for its parameters."""
    state = {name: value.detach().clone() for name, value in model.state_dict().items()}
    pieces = torch.split(weights, [weight.numel() for weight in model.parameters()])
    for (name, weight), piece in zip(model.named_parameters(), pieces, strict=True):
        state[name] = piece.view(weight.shape).to(weight.detach())
    return state
