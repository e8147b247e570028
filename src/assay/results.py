"""Results: everything a report needs of one study, read from the store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from assay.evaluations.base import Measurement, Observations

COLUMNS = (
    "study", "recipe", "seed", "evaluation", "setting", "metric", "value", "low", "high", "interval", "n",
    "higher_is_better", "reason", "limited", "name",
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
        history: one record an epoch: {"epoch", "loss", "accuracy", "seconds", "validation_accuracy", ...}.
        provenance: versions, commit, device, seconds, peak memory, time of the run.
    """

    recipe: str
    name: str
    seed: int
    baseline: bool
    parameters: int
    history: list[dict[str, float]] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A cell that could not be computed: what it was, and the sentence that says why."""

    recipe: str
    seed: int
    stage: str  # "training" or an evaluation's name
    reason: str


@dataclass(frozen=True, kw_only=True)
class Results:
    """What is known of one study, complete or in part.

    Attributes:
        study: the study's name, such as "quickstart".
        title: its title for people.
        question: the question it answers, a sentence or two.
        recipes: labels of all recipes in the study's order, the measured and the missing.
        baseline: the label of the baseline, or None.
        seeds: the seeds asked for.
        trained: the models that are in the store.
        table: tidy rows (columns: COLUMNS). `seed` is a number as text, or "mean" for the mean over several seeds;
            `setting` is a dict. Rows with value None carry a reason.
        failures: cells that failed.
        pending: cells that have not run yet, as readable texts.
        missing: data sets that are not here: name -> sentence with the remedy.
        limit: the limit of images per set, or None for a full run.
        provenance: of the run as a whole: versions, machine, dates, data fingerprints, command.
        load: (recipe label, seed, evaluation name) -> observations, or None where they are not in the store.
    """

    study: str
    title: str
    question: str
    recipes: tuple[str, ...]
    baseline: str | None
    seeds: tuple[int, ...]
    trained: tuple[Trained, ...]
    table: pd.DataFrame
    failures: tuple[Failure, ...] = ()
    pending: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    load: Callable[[str, int, str], Observations | None]


def rows(
    measurements: list[Measurement],
    *,
    study: str,
    recipe: str,
    name: str,
    seed: int | str,
    evaluation: str,
    limited: bool,
) -> list[dict[str, Any]]:
    """Rows of the tidy table for the measurements of one model on one axis."""
    return [
        {
            "study": study,
            "recipe": recipe,
            "seed": str(seed),
            "evaluation": evaluation,
            "setting": dict(item.setting),
            "metric": item.metric,
            "value": item.value,
            "low": item.low,
            "high": item.high,
            "interval": item.interval,
            "n": item.n,
            "higher_is_better": item.higher_is_better,
            "reason": item.reason,
            "limited": limited,
            "name": name,
        }
        for item in measurements
    ]


def setting_text(setting: Mapping[str, str | float]) -> str:
    """A setting as people read it: "attack=fgsm, eps=0.3"."""
    return ", ".join(f"{key}={value}" for key, value in setting.items())
