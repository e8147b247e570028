"""Recipes: what is trained, described in full by a name that parses back.

`cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)` attacks the augmented image, and the other order augments the
attacked one. Other terms say what differs from the baseline: `lenet5_large`, `ensemble(members=3)`,
`train(epochs=2, batch_size=64)`, `tuned(objective=outlier_exposure)`, `snapshots(members=5)`, `temperature`,
`mc_dropout(samples=10)`.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import ModuleType
from typing import ClassVar

from assay import architectures, attacks, augmentations, objectives, outliers, posthoc, weights
from assay.architectures import Architecture, LeNet5
from assay.attacks import Attack
from assay.attacks.norms import Norm
from assay.augmentations import Augmentation
from assay.errors import BadValueError
from assay.objectives import CrossEntropy, Objective
from assay.objectives.base import check_objective
from assay.outliers import DataSet
from assay.parts import Part, check_count, check_number, describe, parse, parts_of
from assay.posthoc import Posthoc
from assay.weights import Weights

BASELINE = "baseline"


@dataclass(frozen=True, kw_only=True)
class Train:
    """How the weights are found: Adam (Kingma and Ba 2015, "Adam: a method for stochastic optimisation").

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: Adam's.
        images: train on a fixed sample of that many images; None trains on all.
    """

    name: ClassVar[str] = "train"
    version: ClassVar[int] = 1
    epochs: int = 10
    batch_size: int = 16
    learning_rate: float = 1e-4
    images: int | None = None

    def __post_init__(self) -> None:
        check_count(self.name, "epochs", self.epochs)
        check_count(self.name, "batch_size", self.batch_size)
        check_number(self.name, "learning_rate", self.learning_rate, low=0)
        if self.images is not None:
            check_count(self.name, "images", self.images)


@dataclass(frozen=True, kw_only=True)
class EnsembleOf:
    """Train that many members with different seeds and average their softmaxes."""

    name: ClassVar[str] = "ensemble"
    version: ClassVar[int] = 1
    members: int

    def __post_init__(self) -> None:
        check_count(self.name, "members", self.members, low=2)


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Go on from the trained model: the same pipeline, another objective, training settings of its own.

    Attributes:
        objective: what is minimised from then on, such as `outlier_exposure`.
        train: epochs, batch size, learning rate, images of this second training.
    """

    name: ClassVar[str] = "tuned"
    version: ClassVar[int] = 1
    objective: Objective
    train: Train = field(default_factory=Train)

    def __post_init__(self) -> None:
        check_objective(self.name, self.objective)
        if not isinstance(self.train, Train):
            raise BadValueError(f"{self.name}: train: expected training settings, got {self.train!r}")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is trained. The default is the baseline of the studies.

    Attributes:
        architecture: what is built.
        pipeline: augmentations and attacks, applied to each batch from left to right.
        objective: what is minimised.
        train: epochs, batch size, learning rate, images.
        members: 1, or the number of members of an ensemble.
        tuning: a second training that goes on from the first, or None.
        weights: how one training gives several networks, whose softmaxes are averaged; None gives one.
        posthoc: what is done to the finished model (the whole ensemble), such as a calibration fitted to it on
            validation images, or None.
    """

    architecture: Architecture = field(default_factory=LeNet5)
    pipeline: tuple[Augmentation | Attack, ...] = ()
    objective: Objective = field(default_factory=CrossEntropy)
    train: Train = field(default_factory=Train)
    members: int = 1
    tuning: Tuned | None = None
    weights: Weights | None = None
    posthoc: Posthoc | None = None

    def __post_init__(self) -> None:
        check_count("recipe", "members", self.members)
        if not isinstance(self.pipeline, tuple):
            raise BadValueError(
                f"recipe: pipeline: expected a tuple of augmentations and attacks, got {self.pipeline!r}"
            )
        # What is most often there is asked for apart: whether it is such a part takes Python 3.11 fifty times longer.
        if type(self.objective) is not CrossEntropy:
            check_objective("recipe", self.objective)
        if self.posthoc is not None and not isinstance(self.posthoc, Posthoc):
            raise BadValueError(f"recipe: posthoc: expected a part such as temperature, got {self.posthoc!r}")
        for step in self.pipeline:
            if not isinstance(step, Augmentation | Attack):
                raise BadValueError(f"recipe: pipeline: expected augmentations and attacks, got {step!r}")
        if self.weights is not None and not isinstance(self.weights, Weights):
            raise BadValueError(f"recipe: weights: expected a part such as snapshots, got {self.weights!r}")
        if self.weights is not None and self.tuning is not None:
            raise BadValueError(
                f"recipe: expected no tuning beside {self.weights.name}, whose several networks it cannot go on from"
            )

    @property
    def label(self) -> str:
        """The name without its training settings, for people who compare recipes that share them."""
        return " > ".join(map(describe, self.terms)) or BASELINE

    @property
    def terms(self) -> tuple[Part, ...]:
        """The parts that the label names, in its order: what differs from the baseline."""
        terms: list[Part] = [self.architecture] if self.architecture != LeNet5() else []
        terms.extend(self.pipeline)
        terms.extend([self.objective] if self.objective != CrossEntropy() else [])
        terms.extend([self.weights] if self.weights is not None else [])
        terms.extend([self.tuning] if self.tuning is not None else [])
        terms.extend([EnsembleOf(members=self.members)] if self.members > 1 else [])
        terms.extend([self.posthoc] if self.posthoc is not None else [])
        return tuple(terms)

    @property
    def name(self) -> str:
        """The full name: equal recipes have equal names, and `parse_recipe` gives the recipe back."""
        return self.label if self.train == Train() else f"{self.label} > {describe(self.train)}"

    @property
    def attack_steps(self) -> int:
        """Gradient steps that the pipeline's attacks take for each image and epoch, where none stops early."""
        attacks = [step for step in self.pipeline if isinstance(step, Attack)]
        return sum(getattr(attack, "steps", 1) * getattr(attack, "restarts", 1) for attack in attacks)

    @property
    def ball(self) -> tuple[float, Norm] | None:
        """Radius and norm of the ball in which the last training moves images; None where it moves none.

        Of several parts that do the first counts, as the pipeline, then the objective, has them.
        """
        found = ((part.eps, part.norm) for part in self.last.parts if hasattr(part, "eps") and hasattr(part, "norm"))
        return next(found, None)

    @property
    def member(self) -> "Recipe":
        """The recipe of one member, without `posthoc`: an ordinary recipe, shared through the store."""
        return replace(self, members=1, posthoc=None)

    @property
    def network(self) -> "Recipe":
        """The recipe of a single network, trained the ordinary way, without `posthoc`."""
        return replace(self.member, weights=None)

    @property
    def networks(self) -> int:
        """How many networks the softmax is averaged over."""
        each = 1 if self.weights is None else self.weights.networks
        return self.members * each * (1 if self.posthoc is None else self.posthoc.networks)

    @property
    def epochs(self) -> int:
        """The epochs of the last training, with those that `weights` adds."""
        return self.last.train.epochs + (0 if self.weights is None else self.weights.further)

    @property
    def first(self) -> "Recipe":
        """The recipe without its tuning, which starts from the model that this one trains."""
        return replace(self, tuning=None)

    @property
    def last(self) -> "Recipe":
        """The recipe of the last training alone: the tuning's objective and settings where there is one."""
        if self.tuning is None:
            return self
        return replace(self, objective=self.tuning.objective, train=self.tuning.train, tuning=None)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every part of the recipe, those inside of others too."""
        own = (self.architecture, *self.pipeline, self.objective, self.train, self.weights, self.tuning, self.posthoc)
        return tuple(parts_of(own))

    @property
    def seen(self) -> tuple[str, ...]:
        """Names of corruptions and outlier sets whose like the model meets in training, in alphabetical order."""
        return tuple(sorted({name for part in self.parts for name in getattr(part, "seen", ())}))

    @property
    def exposure(self) -> tuple[str, ...]:
        """Names of the data sets whose training images the model meets as outliers, in alphabetical order."""
        return tuple(sorted({part.of for part in self.parts if isinstance(part, DataSet)}))


def part_classes(package: ModuleType) -> dict[str, type]:
    """The parts that a package exports, by their printed names."""
    exported = [getattr(package, name) for name in package.__all__]
    names = [getattr(item, "name", None) if inspect.isclass(item) else None for item in exported]
    return {name: item for name, item in zip(names, exported, strict=True) if isinstance(name, str)}


@cache  # here and below: a large study has many names to parse
def _classes(package: ModuleType) -> frozenset[type]:
    return frozenset(part_classes(package).values())


@cache
def _kinds() -> Mapping[str, type]:
    """All that a recipe's name may name."""
    kinds: dict[str, type] = {Train.name: Train, EnsembleOf.name: EnsembleOf, Tuned.name: Tuned, BASELINE: _Baseline}
    for package in (architectures, augmentations, attacks, objectives, outliers, posthoc, weights):
        kinds |= part_classes(package)
    return kinds


def parse_recipe(text: str) -> Recipe:
    """Parse a recipe's name, such as "cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)".

    Raises:
        BadValueError: an unknown part (with the nearest names), or two terms of a kind that there is once.
    """
    terms = [term for term in parse(text, _kinds()) if not isinstance(term, _Baseline)]
    built, aims, after, gathered = (
        [term for term in terms if type(term) in _classes(package)]
        for package in (architectures, objectives, posthoc, weights)
    )
    trains = [term for term in terms if isinstance(term, Train)]
    ensembles = [term for term in terms if isinstance(term, EnsembleOf)]
    tunings = [term for term in terms if isinstance(term, Tuned)]
    once = {
        "architecture": built, "objective": aims, "train": trains, "tuned": tunings, "ensemble": ensembles,
        "part after training": after, "way to gather weights": gathered,
    }  # fmt: skip
    for what, found in once.items():
        if len(found) > 1:
            raise BadValueError(f"{text!r}: expected at most one {what}, got {len(found)}")
    placed = [*built, *aims, *trains, *tunings, *ensembles, *gathered, *after]
    return Recipe(
        architecture=built[0] if built else LeNet5(),
        pipeline=tuple(term for term in terms if not any(term is other for other in placed)),
        objective=aims[0] if aims else CrossEntropy(),
        train=trains[0] if trains else Train(),
        members=ensembles[0].members if ensembles else 1,
        tuning=tunings[0] if tunings else None,
        weights=gathered[0] if gathered else None,
        posthoc=after[0] if after else None,
    )


@dataclass(frozen=True, kw_only=True)
class _Baseline:
    """The word "baseline" in a recipe's name: nothing that differs from it."""

    name: ClassVar[str] = BASELINE
    version: ClassVar[int] = 1
