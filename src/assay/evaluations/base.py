"""What every evaluation shares: observations (costly, per example) and measurements (cheap, redone at will)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor

from assay.classifier import Classifier
from assay.data.images import Images
from assay.data.task import Task
from assay.errors import BadValueError
from assay.parts import Part

Progress = Callable[[float], None]  # called with the fraction done, in [0, 1]


# Given a piece's name and how to compute it, its tensors: those kept from a run that was interrupted, or new ones.
Pieces = Callable[[str, Callable[[], dict[str, Tensor]]], dict[str, Tensor]]


def afresh(name: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:  # noqa: ARG001
    """Keep nothing: compute each piece."""
    return make()


def no_progress(fraction: float) -> None:
    """Ignore progress."""


@dataclass(frozen=True, kw_only=True)
class Observations:
    """What was observed of one model on one axis.

    Attributes:
        tensors: per-example results on the CPU, by name; "/" separates levels, such as "score/kmnist/msp".
        notes: facts in words, by name; "not measured/<what>" gives the reason why something is not here.
    """

    tensors: dict[str, Tensor]
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One number with its interval: a row of the table.

    Attributes:
        setting: what distinguishes it inside its evaluation, such as {"attack": "fgsm", "eps": 0.3}.
        metric: such as "accuracy"; the same metric always has the same meaning.
        value: the number, or None where it was not measured (then `reason` says why).
        low: lower end of the 95 % interval, or None.
        high: upper end of the 95 % interval, or None.
        n: the number of examples behind the value.
        interval: how the interval was made: "wilson", "bootstrap", "delong", or "" where there is none.
        higher_is_better: the direction of the metric, None where it has none.
        reason: why the value is None, in one sentence with the remedy.
    """

    setting: Mapping[str, str | float]
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    interval: str = ""
    higher_is_better: bool | None = None
    reason: str = ""


@runtime_checkable
class Evaluation(Part, Protocol):
    """One axis of safety. `observe` is costly and is kept per example; `measure` is cheap.

    `uses` names the fields of Task whose content determines the observations: the store's keys depend on those alone.
    `passes` is about how many forward passes an image costs, for estimates of time.
    """

    uses: ClassVar[tuple[str, ...]]

    @property
    def passes(self) -> float: ...  # noqa: D102

    def observe(self, model: Classifier, task: Task, seed: int, progress: Progress = no_progress) -> Observations:
        """Run the model. Draws come from derive(seed, self.name, ..., chunk), never from the recipe."""
        ...

    def measure(self, observations: Observations) -> list[Measurement]:
        """Turn observations into numbers with intervals."""
        ...


@runtime_checkable
class Piecewise(Evaluation, Protocol):
    """An evaluation that observes piece by piece, so that a run that is killed goes on at the piece it was in."""

    piecewise: ClassVar[bool]

    def observe(
        self,
        model: Classifier,
        task: Task,
        seed: int,
        progress: Progress = no_progress,
        pieces: Pieces = afresh,
    ) -> Observations:
        """As `Evaluation.observe`; a piece's tensors depend on nothing but the evaluation and its name."""
        ...


def check_one_test_set(name: str, task: Task) -> None:
    """Raise BadValueError where outliers are to be told from other images than those that labels are right for."""
    if task.inside is not None:
        raise BadValueError(
            f"{name}: expected outliers to be told from the test images, but {task.name} tells them from images of its "
            "own, as one class against the rest does; leave this evaluation out of the study"
        )


def check_labels(images: Images, model: Classifier) -> None:
    """Raise BadValueError unless every label is one of the model's classes."""
    largest = int(images.y.max())
    if largest >= model.n_classes:
        raise BadValueError(
            f"{images.name}: expected labels in 0..{model.n_classes - 1}, as the model has {model.n_classes} classes, "
            f"got {largest}"
        )
