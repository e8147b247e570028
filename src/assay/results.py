"""Results: everything a report needs of one study."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.again import command
from assay.evaluations.base import Measurement, Observations
from assay.metrics.transfer import Rates
from assay.published import Published

COLUMNS = (
    "study", "recipe", "seed", "evaluation", "setting", "metric", "value", "low", "high", "interval", "n",
    "higher_is_better", "reason", "limited", "name", "seen",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One trained model of a study: a recipe with one seed.

    Attributes:
        recipe: the recipe's label, unique in its study, such as "pgd(eps=0.3, steps=40)".
        name: the recipe's full name, which parses back to the recipe.
        seed: the seed of the training.
        baseline: whether this is the study's baseline.
        parameters: the number of trained weights.
        history: one record an epoch, see `assay.fit.Epoch`; older stores lack what it has gained since. Of an ensemble,
            its first member's; of a tuned model, both trainings'.
        provenance: versions, commit, device, seconds, peak memory, time of the run; the seconds of all members, and of
            both trainings where a model is tuned.
    """

    recipe: str
    name: str
    seed: int
    baseline: bool
    parameters: int
    history: list[dict[str, float | None]] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A cell that could not be computed: what it was, and the sentence that says why."""

    recipe: str
    seed: int
    stage: str  # "training" or an evaluation's name
    reason: str


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How far attacks transfer between the recipes of a study.

    Attributes:
        recipes: labels, in the order of rows and columns.
        rates: fooling rates; a row the recipe that the points were made on, a column the one that judges them.
        seed: of the trainings.
        attack: its description.
    """

    recipes: tuple[str, ...]
    rates: Rates
    seed: int
    attack: str


def no_draws(recipe: str, seed: int, evaluation: str) -> dict[str, NDArray[np.float32]] | None:
    """Results without bootstrap draws."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Results:
    """What is known of one study, complete or in part.

    Attributes:
        study: the study's name, such as "quickstart".
        preset: the name of the slice of the study that this is, or None for the whole.
        slice: what that slice holds, in a sentence or two.
        title: its title for people.
        question: the question it answers, a sentence or two.
        recipes: labels of all recipes in the study's order, the measured and the missing.
        baseline: the label of the baseline, or None.
        seeds: the seeds asked for.
        trained: the models that are in the store.
        table: tidy rows (columns: COLUMNS). `seed` is a number as text, or "mean" for the mean over several seeds;
            `setting` is a dict. Rows with value None carry a reason. `seen` names, by commas, the corruptions and
            outlier sets behind the value whose like the model met in training; "" where none is known.
        replicates: rows as in the table of the baseline's further trainings, which differ from it in their seed alone.
        failures: cells that failed.
        waiting: cells that wait to be computed, each once, as readable texts; as many as `assay status` counts.
        missing: data sets that are not here: name -> sentence with the remedy.
        limit: the limit of images per set, or None for a full run.
        published: what the study itself has published, or None.
        transfer: how far attacks transfer between the recipes, or None where that is not in the store.
        no_transfer: why it is not, where the study asks for it; "" where it failed, which `failures` tells.
        data: the folder with data sets that the last run was given, or None.
        out: the store's folder or address, or None for results that are of no store.
        provenance: of the run as a whole: versions, machine, dates, data fingerprints, command.
        load: (recipe label, seed, evaluation name) -> observations, or None where they are not in the store.
        load_draws: the same -> bootstrap draws of its numbers, see `assay.evaluations.draws`, or None.
    """

    study: str
    title: str
    question: str
    recipes: tuple[str, ...]
    baseline: str | None
    seeds: tuple[int, ...]
    trained: tuple[Trained, ...]
    table: pd.DataFrame
    replicates: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))
    failures: tuple[Failure, ...] = ()
    waiting: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    preset: str | None = None
    slice: str = ""
    published: Published | None = None
    transfer: Transfer | None = None
    no_transfer: str = ""
    data: str | None = None
    out: Path | str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    load: Callable[[str, int, str], Observations | None]
    load_draws: Callable[[str, int, str], dict[str, NDArray[np.float32]] | None] = no_draws

    def __repr__(self) -> str:
        counts = f"recipes={len(self.recipes)}, rows={len(self.table)}, failures={len(self.failures)}"
        return f"Results(study={self.study!r}, {counts}, waiting={len(self.waiting)}, out={self.out!r})"

    @property
    def again(self) -> str:
        """The command that computes what is missing; "" of results that are of no store."""
        if self.out is None:
            return ""
        return command(self.study, preset=self.preset, limit=self.limit, seeds=self.seeds, data=self.data, out=self.out)

    @cached_property
    def unlearned(self) -> tuple[str, ...]:
        """Labels of recipes that, with any seed, answer one class for every image: they have learned nothing."""
        return tuple(dict.fromkeys(self.table.loc[self.table["metric"] == "one_class", "recipe"]))

    @cached_property
    def limited(self) -> bool:
        """Whether any number comes from fewer images than it is meant for."""
        return self.limit is not None or any(bool(value) for value in self.table["limited"])


def rows(
    measurements: list[Measurement],
    *,
    study: str,
    recipe: str,
    name: str,
    seed: int | str,
    evaluation: str,
    limited: bool,
    seen: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Rows of the tidy table for the measurements of one model on one axis.

    `seen` names corruptions and outlier sets whose like the model met in training, see `Recipe.seen`.
    """
    shared = {"study": study, "recipe": recipe, "seed": str(seed), "evaluation": evaluation}
    return rows_of_fields([vars(item) for item in measurements], shared | {"limited": limited, "name": name}, seen)


def rows_of_fields(
    measurements: Sequence[Mapping[str, Any]], shared: Mapping[str, Any], seen: Collection[str]
) -> list[dict[str, Any]]:
    """Rows for the fields of measurements, with what the rows have in common."""
    found = [{**shared, **item, "seen": ""} for item in measurements]
    if seen:
        met = [tested if (tested := _tested(row["setting"])) in seen else "" for row in found]
        over = ", ".join(dict.fromkeys(filter(None, met)))  # of a number without a setting, over all that was tested
        for row, own in zip(found, met, strict=True):
            row["seen"] = own if row["setting"] else over
    return found


def _tested(setting: Mapping[str, Any]) -> str:
    """What is tested on: a corruption without its parameters, an outlier set, or "" for anything else."""
    return str(setting.get("corruption", setting.get("outliers", ""))).split("(")[0]


def records(table: pd.DataFrame, names: Sequence[str] = COLUMNS) -> Iterator[dict[str, Any]]:
    """The rows of a table as plain dicts of those columns, in a tenth of the time that pandas takes for them."""
    for row in zip(*(table[name].tolist() for name in names), strict=True):
        yield dict(zip(names, row, strict=True))


def setting_text(setting: Mapping[str, str | float]) -> str:
    """A setting as people read it: "attack=fgsm, eps=0.3"."""
    return ", ".join([f"{key}={value}" for key, value in setting.items()])


def corruption_errors_missing(why: str) -> list[Measurement]:
    """Rows that say why mean corruption errors could not be measured."""
    reason = f"needs the baseline's errors: {why}"
    return [
        Measurement(setting={}, metric=metric, value=None, higher_is_better=False, reason=reason)
        for metric in ("mce", "relative_mce")
    ]
