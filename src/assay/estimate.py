"""How long the missing cells of a plan will take, from measured rates: arithmetic alone, nothing is run here.

A training takes epochs * (epoch + images * (image + steps * step + augmentations)) seconds, with the rates of its kind.
An evaluation takes what one model takes, and more for each further member of an ensemble. An attack that stops early
depends on how soon it succeeds: on a model that was trained without attacks it is taken to succeed as on one that we
trained for a moment; on the others somewhere between that and never, which makes the estimate a range.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.architectures import Architecture
from assay.augmentations import Augmentation
from assay.objectives import Objective
from assay.plan import Cell, EvaluateCell, Plan, TrainCell, TransferCell
from assay.recipe import Recipe


class Span(NamedTuple):
    """A range of seconds."""

    low: float
    high: float

    def plus(self, other: "Span") -> "Span":
        """Both, one after the other."""
        return Span(self.low + other.low, self.high + other.high)

    def atleast(self, other: "Span") -> "Span":
        """The larger at each end."""
        return Span(max(self.low, other.low), max(self.high, other.high))

    def times(self, factor: float) -> "Span":
        """That many times as long."""
        return Span(self.low * factor, self.high * factor)


NOTHING = Span(0.0, 0.0)


class Kind(NamedTuple):
    """What sets the pace of a training, beside its attacks and augmentations."""

    architecture: Architecture
    objective: Objective
    batch_size: int


@dataclass(frozen=True, kw_only=True)
class TrainingRate:
    """The pace of one kind of training.

    Attributes:
        image: seconds for an image in an epoch, without attack.
        step: seconds for an image and a step of an attack; 0 where no recipe of this kind has one.
        epoch: seconds of an epoch whatever its images: the look at the validation images.
        size: bytes of a trained model.
    """

    image: float
    step: float
    epoch: float
    size: int


@dataclass(frozen=True, kw_only=True)
class EvaluationRate:
    """What one evaluation of one architecture takes, on all its images.

    Attributes:
        seconds: for a single model; attacks that stop early are taken not to succeed before their last step.
        member: seconds for each further member of an ensemble.
        early: in (0, 1], the share of the seconds that is left where attacks stop early, as on a model that was
            trained without attacks; 1 where none does.
        size: bytes that it writes, about.
    """

    seconds: float
    member: float
    early: float
    size: int


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How fast this machine is, one thread at a time.

    Attributes:
        training: by kind.
        augmentations: seconds for an image, by augmentation and batch size.
        evaluations: by architecture and the evaluation's name.
        spread: how far a repeated measurement was from the first, as a share of it: 0.1 for 10 %.
        took: seconds that measuring took.
    """

    training: Mapping[Kind, TrainingRate]
    augmentations: Mapping[tuple[Augmentation, int], float]
    evaluations: Mapping[tuple[Architecture, str], EvaluationRate]
    spread: float
    took: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is left of a plan.

    Attributes:
        jobs: processes.
        stages: seconds of computing on one core for the missing cells, by stage.
        chain: seconds of the longest chain of missing cells that wait for one another: a model and its evaluation.
        size: bytes that the missing cells will take in the store, about.
        spread: of the rates, see `Rates`.
        took: seconds that measuring the rates took.
    """

    jobs: int
    stages: Mapping[str, Span] = field(default_factory=dict)
    chain: Span = NOTHING
    size: int = 0
    spread: float = 0.0
    took: float = 0.0

    @property
    def total(self) -> Span:
        """Seconds of computing on one core."""
        whole = NOTHING
        for span in self.stages.values():
            whole = whole.plus(span)
        return whole

    @property
    def wall(self) -> Span:
        """Seconds until the end: the work shared by the processes, but no less than the longest chain."""
        return self.total.times(1 / self.jobs).atleast(self.chain)


def kind_of(recipe: Recipe) -> Kind:
    """What sets the pace of the recipe's training, the last where there are two."""
    return Kind(recipe.architecture, recipe.last.objective, recipe.last.train.batch_size)


def defended(recipe: Recipe) -> bool:
    """Whether the recipe trains on images moved inside a ball, attacked ones or others."""
    return recipe.ball is not None


def estimate(plan: Plan, found: Set[str], rates: Rates, jobs: int) -> Estimate:
    """Estimate what is left of a plan.

    Args:
        plan: the cells.
        found: keys of the cells that the store has.
        rates: of every kind among the missing cells, see `assay.probe`.
        jobs: processes, each with a core of its own.
    """
    stages: dict[str, Span] = {}
    trained: dict[str, Span] = {}
    chain, size = NOTHING, 0
    for cell in plan.cells:  # models come first, each after the one that it starts from
        if cell.key in found:
            continue
        span, written = _cost(cell, plan, rates)
        span = Span(span.low / (1 + rates.spread), span.high * (1 + rates.spread))
        stages[cell.stage] = stages.get(cell.stage, NOTHING).plus(span)
        size += written
        waits = NOTHING
        for key in cell.models:
            waits = waits.atleast(trained.get(key, NOTHING))
        chained = waits.plus(span)
        if isinstance(cell, TrainCell):
            trained[cell.key] = chained
        chain = chain.atleast(chained)
    return Estimate(jobs=jobs, stages=stages, chain=chain, size=size, spread=rates.spread, took=rates.took)


def _cost(cell: Cell, plan: Plan, rates: Rates) -> tuple[Span, int]:
    """Seconds and bytes of a cell; of the transfer, which is short beside the rest, as on another machine."""
    if isinstance(cell, TransferCell):
        count = len(cell.recipes)
        return Span(cell.cost, cell.cost), cell.transferred.images * count * (count + 1)
    return _evaluation(cell, rates) if isinstance(cell, EvaluateCell) else _training(cell, plan, rates)


def _training(cell: TrainCell, plan: Plan, rates: Rates) -> tuple[Span, int]:
    assert plan.task.train is not None, "a study's task has training images"
    recipe, train = cell.recipe, cell.recipe.last.train
    rate = rates.training[kind_of(recipe)]
    image = rate.image + recipe.attack_steps * rate.step
    image += sum(
        rates.augmentations[step, train.batch_size] for step in recipe.pipeline if isinstance(step, Augmentation)
    )
    images = min(train.images or len(plan.task.train), len(plan.task.train))
    seconds = recipe.epochs * (rate.epoch + images * image)
    return Span(seconds, seconds), rate.size * recipe.member.networks


def _evaluation(cell: EvaluateCell, rates: Rates) -> tuple[Span, int]:
    rate = rates.evaluations[cell.recipe.architecture, cell.evaluation.name]
    high = rate.seconds + (cell.recipe.networks - 1) * rate.member
    low = rate.early * high
    return Span(low, high if defended(cell.recipe) else low), rate.size
