"""What every way to gather networks from one training shares: its learning rates, when it looks, what it makes of it.

The training loop asks for the learning rate of each step, hands the network over after the steps that are marked, and
takes the states of the networks at the end. Nothing else of the training changes.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from assay.classifier import Classifier
from assay.parts import Part

State = dict[str, Tensor]  # a network's parameters and buffers, by name


class Course(NamedTuple):
    """A training, in steps of one batch.

    Attributes:
        learning_rate: the recipe's.
        steps: those of the recipe's own epochs.
        total: those, and the steps of the further epochs.
    """

    learning_rate: float
    steps: int
    total: int


class Collector(Protocol):
    """What is kept of the weights on their way."""

    def add(self, model: Classifier) -> None:
        """Look at the network as it is now; nothing of it is changed or held."""
        ...

    def states(self, model: Classifier, generator: torch.Generator) -> list[State]:
        """The states of the networks, for the network at the end of its training; every draw is the generator's."""
        ...


@runtime_checkable
class Weights(Part, Protocol):
    """A way to gather several networks from one training."""

    @property
    def networks(self) -> int:
        """How many networks there will be, at least 2."""
        ...

    @property
    def further(self) -> int:
        """Epochs beyond the recipe's own."""
        ...

    def rate(self, step: int, course: Course) -> float:
        """The learning rate of a step, counted from 0."""
        ...

    def marks(self, course: Course) -> tuple[int, ...]:
        """After how many steps the collector looks at the network, ascending.

        Raises:
            BadValueError: the training has fewer steps than looks are wanted.
        """
        ...

    def collector(self) -> Collector:
        """A collector that has seen nothing yet."""
        ...
