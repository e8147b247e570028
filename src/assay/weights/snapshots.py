"""Snapshot ensembles: one training whose learning rate falls M times from its full height towards 0.

Each of M equal cycles of the T steps of training ends near a minimum, whose weights are kept, and the next cycle's high
rate leaves it again. In step t = 0, 1, ... of a cycle of c steps

    rate = (rate_0 / 2) (cos(pi t / c) + 1),

with rate_0 the recipe's learning rate; the output is the mean of the softmaxes of the M networks. Source: Huang, Li,
Pleiss, Liu, Hopcroft and Weinberger 2017, "Snapshot ensembles: train 1, get M for free".

Deviations: the optimiser is the recipe's Adam, which keeps its moments from cycle to cycle, and not SGD. Where M does
not divide T, cycle m begins at step floor(m T / M), so that there are M cycles that differ by one step at most; the
paper's last cycle is cut short. All M networks are averaged.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import check_count
from assay.weights.base import Course, State


@dataclass(frozen=True, kw_only=True)
class Snapshots:
    """The networks at the ends of the cycles of a cyclic learning rate; the training takes no longer.

    Attributes:
        members: cycles, and so networks, >= 2.
    """

    name: ClassVar[str] = "snapshots"
    version: ClassVar[int] = 1

    members: int = 5

    def __post_init__(self) -> None:
        check_count(self.name, "members", self.members, low=2)

    @property
    def networks(self) -> int:
        """One a cycle."""
        return self.members

    @property
    def further(self) -> int:
        """None: the cycles share the recipe's epochs."""
        return 0

    def rate(self, step: int, course: Course) -> float:
        """The learning rate of a step, counted from 0."""
        cycle = ((step + 1) * self.members - 1) // course.total
        start, end = (number * course.total // self.members for number in (cycle, cycle + 1))
        return course.learning_rate / 2 * (math.cos(math.pi * (step - start) / (end - start)) + 1)

    def marks(self, course: Course) -> tuple[int, ...]:
        """The ends of the cycles."""
        if course.total < self.members:
            raise BadValueError(
                f"{self.name}: members: expected at most one for each of the {course.total} steps of training, "
                f"got {self.members}"
            )
        return tuple(number * course.total // self.members for number in range(1, self.members + 1))

    def collector(self) -> "Kept":
        """A collector of whole states."""
        return Kept()


class Kept:
    """Copies of the states that were seen."""

    def __init__(self) -> None:
        self._states: list[State] = []

    def add(self, model: Classifier) -> None:
        """Copy the network's state."""
        self._states.append({name: value.detach().clone() for name, value in model.state_dict().items()})

    def states(self, model: Classifier, generator: torch.Generator) -> list[State]:  # noqa: ARG002
        """The copies, in their order; nothing is drawn."""
        return self._states
