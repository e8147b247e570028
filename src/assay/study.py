"""Studies: recipes x seeds x evaluations; what cells they consist of, `assay.plan` says."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from assay.attacks import PGD, Attack
from assay.errors import BadValueError
from assay.evaluations import Adversarial, Evaluation
from assay.parts import check_count, describe, parts_of
from assay.published import Published
from assay.recipe import BASELINE, Recipe, Train
from assay.store import ROOMS

MEMBER_STRIDE = 1000  # seeds of a study are below it, so that members never coincide by chance
FULL = "full"  # the preset that is the whole study
TRANSFER = "transfer"  # the stage of the cell that tries every model's points on all the others
MOST = 60  # recipes between which transfer is measured: their pairs grow with the square, and so does the table


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A slice of a study, for those who cannot compute it whole.

    Attributes:
        name: one word, such as "laptop".
        text: what the slice holds, and what it does otherwise, in a sentence.
        recipes: labels, all of the study.
        train: training settings instead of the study's; None keeps them, and shares its trained models.
        evaluations: instead of the study's; None keeps them.
        replicates: instead of the study's; None keeps them.
    """

    name: str
    text: str
    recipes: tuple[str, ...]
    train: Train | None = None
    evaluations: tuple[Evaluation, ...] | None = None
    replicates: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name) or self.name in (FULL, "limit"):
            raise BadValueError(
                f'preset: name: expected small letters, digits and "_", and neither "{FULL}" nor "limit", '
                f"got {self.name!r}"
            )
        twice = [label for label, count in Counter(self.recipes).items() if count > 1]
        if not self.recipes or twice:
            what = f"{twice[0]} twice" if twice else "none"
            raise BadValueError(f"preset {self.name}: recipes: expected different labels, got {what}")


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """Try the points that an attack makes on each model on all the others, see `transfer_matrix`.

    Attributes:
        attack: at its own radius, without `early_stop`.
        images: a fixed random sample of so many test images.
    """

    version: ClassVar[int] = 1
    attack: Attack = field(default_factory=lambda: PGD(eps=0.3, steps=40))
    images: int = 200

    def __post_init__(self) -> None:
        if not isinstance(self.attack, Attack):
            raise BadValueError(f"{TRANSFER}: attack: expected an attack, got {self.attack!r}")
        if any(getattr(part, "early_stop", False) for part in parts_of(self.attack)):
            raise BadValueError(
                f"{TRANSFER}: attack: expected one without early_stop, which leaves points that hardly fool another "
                f"model, got {describe(self.attack)}"
            )
        check_count(TRANSFER, "images", self.images)

    @property
    def passes(self) -> float:
        """About how many passes an image costs where it is made."""
        return Adversarial(attacks=(self.attack,), budgets=(self.attack.eps,)).passes


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is compared.

    Attributes:
        name: one word, such as "quickstart"; also the folder of its report in the store.
        title: for people.
        question: what the study answers, in a sentence or two.
        recipes: what is trained; the one labelled "baseline" is what the others are compared with.
        evaluations: what is measured of every model.
        data: the data set, see `assay.data.load_task`.
        outliers: the anomalous test sets.
        each_class: whether the study stands for one study of each class of the data, see `part_of`: the class is
            trained on alone, and every other class is anomalous.
        kept: the number of the class that is trained on alone, see `assay.data.one_class`; None trains on all.
        seeds: one training each.
        replicates: how many trainings of the baseline a seed are evaluated, the first of which is the seed's own; their
            spread is the noise of training. They are the members of a baseline ensemble, which shares them.
        transfer: how attacks are tried across recipes, of the first seed; None leaves it out. Of one recipe there is
            nothing to try, and of more than `MOST` it is left out too.
        presets: slices of the study.
        published: the numbers that the study has published, to stand beside ours; None where there are none.
        preset: the name of the slice that this is, or None for the whole.
        slice: what that slice holds, in a sentence or two.
    """

    name: str
    title: str
    question: str
    recipes: tuple[Recipe, ...]
    evaluations: tuple[Evaluation, ...]
    data: str = "mnist"
    outliers: tuple[str, ...] = ("fashion_mnist", "kmnist")
    each_class: bool = False
    kept: int | None = None
    seeds: tuple[int, ...] = (0,)
    replicates: int = 1
    transfer: Transferred | None = None
    presets: tuple[Preset, ...] = ()
    published: Published | None = None
    preset: str | None = None
    slice: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.name) or self.name in ROOMS:
            raise BadValueError(
                f"study: name: expected one word of letters, digits, '_' and '-', other than {', '.join(ROOMS)}, "
                f"got {self.name!r}"
            )
        labels = [recipe.label for recipe in self.recipes]
        if not labels or not self.evaluations or not self.seeds:
            raise BadValueError(f"{self.name}: expected at least one recipe, one evaluation and one seed")
        for what, names in (("recipes", labels), ("evaluations", [item.name for item in self.evaluations])):
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled:
                raise BadValueError(f"{self.name}: {what}: expected each once, got {', '.join(doubled)} several times")
        check_count(self.name, "replicates", self.replicates)
        if self.kept is not None:
            check_count(self.name, "kept", self.kept, low=0)
            if self.each_class:
                raise BadValueError(
                    f"{self.name}: kept: is of a study of one class, not of each; leave out one of both"
                )
        for seed in self.seeds:
            check_count(self.name, "seeds", seed, low=0)
        if max(self.seeds) >= MEMBER_STRIDE or len(set(self.seeds)) < len(self.seeds):
            raise BadValueError(
                f"{self.name}: seeds: expected different numbers in 0..{MEMBER_STRIDE - 1}, got {self.seeds}"
            )

    @property
    def exposure(self) -> tuple[str, ...]:
        """Names of the data sets that recipes train on as outliers."""
        return tuple(sorted({name for recipe in self.recipes for name in recipe.exposure}))

    @property
    def baseline(self) -> str | None:
        """The label of the baseline, or None where the study has none."""
        return next((recipe.label for recipe in self.recipes if recipe.label == BASELINE), None)
