"""Build the zoo of a study: its table, the baseline's replicates and the bootstrap draws as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.analysis.corruption import METRICS, REASON, set_corruption_draws, set_corruption_errors
from assay.analysis.families import family, parameters
from assay.analysis.measures import MEAN, Keys, absences, number
from assay.analysis.zoo import Floats, Key, Zoo
from assay.errors import BadValueError
from assay.evaluations.draws import draw_name
from assay.evaluations.flags import EVIDENCE, FLAG
from assay.metrics.intervals import RESAMPLES
from assay.results import Results

# Warnings of single models, what attacks cost, a fact of data: nothing that a technique gains or loses.
NO_MEASURES = (
    "accuracy_rise", "out_of_bounds", "queries_per_image", "gradients_per_image", "one_class", FLAG, EVIDENCE,
    "base_rate",
)  # fmt: skip
USED = ("recipe", "seed", "evaluation", "setting", "metric", "value", "n", "higher_is_better", "reason", "seen")


@dataclass(eq=False)
class _Trainings:
    """Every number of every training: T trainings by M measures."""

    keys: tuple[Key, ...]
    higher_is_better: tuple[bool | None, ...]
    models: list[tuple[int, int]]  # (place of the recipe, seed), T of them
    values: Floats  # (T, M), NaN where there is none
    n: NDArray[np.int64]  # (T, M) images behind each value, 0 where unknown
    reasons: dict[tuple[int, int], str] = field(default_factory=dict)  # (recipe, measure) -> why there is no value
    seen: dict[tuple[int, int], str] = field(default_factory=dict)  # (recipe, measure) -> what of it training met

    @cached_property
    def _members(self) -> dict[int, NDArray[np.int64]]:
        recipes = np.array([recipe for recipe, _ in self.models], dtype=np.int64)
        return {recipe: np.flatnonzero(recipes == recipe) for recipe in set(recipes.tolist())}

    def of(self, recipe: int | None) -> NDArray[np.int64]:
        """The places of a recipe's trainings."""
        return self._members.get(-1 if recipe is None else recipe, np.empty(0, dtype=np.int64))


def build_zoo(results: Results) -> Zoo:
    """Gather a study, complete or in part, into arrays.

    A recipe's value is the mean over the seeds that were measured; the baseline's over all its trainings, those of
    `results.replicates` among them. Mean corruption errors are taken anew, against that mean baseline, see
    `assay.analysis.corruption`: they differ a little from the table's. A number that was measured on another count of
    images than the baseline's (without one, than most) is left out, with the reason. "accuracy_rise", "out_of_bounds",
    "one_class", "flag", "evidence" and "base_rate" are no measures.
    """
    baseline = results.recipes.index(results.baseline) if results.baseline in results.recipes else None
    trainings = _trainings(results)
    _leave_out_other_counts(trainings, baseline)
    set_corruption_errors(trainings.keys, trainings.values, trainings.of(baseline))
    members = [trainings.of(recipe) for recipe in range(len(results.recipes))]
    values, spread, seeds = _means(trainings.values, members)
    noise = spread[baseline] if baseline is not None else np.full(len(trainings.keys), np.nan)
    return Zoo(
        recipes=results.recipes,
        baseline=baseline,
        families=tuple(family(label) for label in results.recipes),
        parameters=tuple(_parameters(label) for label in results.recipes),
        keys=trainings.keys,
        higher_is_better=trainings.higher_is_better,
        values=values,
        draws=_draws(results, trainings, seeds, baseline),
        seeds=seeds,
        spread=spread,
        noise=noise.copy(),
        replicates=seeds[baseline].copy() if baseline is not None else np.zeros(len(trainings.keys), dtype=np.int64),
        reasons=_reasons(results, trainings, values),
        unlearned=results.unlearned,
        trainings=trainings.values,
        models=np.array([recipe for recipe, _ in trainings.models], dtype=np.int64),
        seen={
            (results.recipes[recipe], trainings.keys[column]): names
            for (recipe, column), names in trainings.seen.items()
        },
    )


def _trainings(results: Results) -> _Trainings:
    keys: dict[Key, int] = {}
    directions: dict[int, bool] = {}
    models: dict[tuple[int, int], int] = {}
    found: list[tuple[int, int, float | None, int]] = []
    reasons, seen = dict[tuple[int, int], str](), dict[tuple[int, int], str]()
    places = {label: place for place, label in enumerate(results.recipes)}
    known, own, further = Keys(), results.table, results.replicates
    rows = chain(*(zip(*(table[name].tolist() for name in USED), strict=True) for table in (own, further)))
    for label, seed, evaluation, setting, metric, value, n, higher_is_better, reason, met in rows:
        if metric in NO_MEASURES or seed == MEAN or label not in places:
            continue
        column = keys.setdefault(known(evaluation, metric, setting), len(keys))
        recipe = places[label]
        training = models.setdefault((recipe, int(seed)), len(models))
        found.append((training, column, number(value), int(number(n) or 0)))
        if column not in directions and not pd.isna(higher_is_better):
            directions[column] = bool(higher_is_better)
        if reason:
            reasons.setdefault((recipe, column), str(reason))
        if met:
            seen.setdefault((recipe, column), str(met))
    values = np.full((len(models), len(keys)), np.nan)
    n = np.zeros(values.shape, dtype=np.int64)
    for training, column, value, count in found:
        if value is not None:
            values[training, column], n[training, column] = value, count
    directed = tuple(directions.get(column) for column in range(len(keys)))
    return _Trainings(tuple(keys), directed, list(models), values, n, reasons, seen)


def _leave_out_other_counts(trainings: _Trainings, baseline: int | None) -> None:
    """Numbers on different counts of images were measured on different images: they are never compared."""
    own = trainings.of(baseline)
    for column in range(len(trainings.keys)):
        counts = trainings.n[:, column]
        known = counts[own][counts[own] > 0] if (counts[own] > 0).any() else counts[counts > 0]
        if len(known) == 0:
            continue
        wanted = int(np.bincount(known).argmax())
        for training in np.flatnonzero((counts > 0) & (counts != wanted)):
            trainings.values[training, column] = np.nan
            recipe = trainings.models[training][0]
            trainings.reasons[recipe, column] = (
                f"measured on {counts[training]} images, where the others were on {wanted}; measure all on the same"
            )


def _means(values: Floats, members: list[NDArray[np.int64]]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Mean, standard deviation (NaN below two) and count over the trainings of each recipe: (R, M) each."""
    mean, spread = (np.full((len(members), values.shape[1]), np.nan) for _ in range(2))
    seeds = np.zeros(mean.shape, dtype=np.int64)
    for recipe, own in enumerate(members):
        there = ~np.isnan(values[own])
        seeds[recipe] = there.sum(0)
        some, several = seeds[recipe] > 0, seeds[recipe] > 1
        mean[recipe, some] = np.nanmean(values[own][:, some], axis=0)
        spread[recipe, several] = np.nanstd(values[own][:, several], axis=0, ddof=1)
    return mean, spread, seeds


def _draws(
    results: Results, trainings: _Trainings, seeds: NDArray[np.int64], baseline: int | None
) -> NDArray[np.float32]:
    """(R, M, B) mean draws over the seeds; NaN unless each training with a value has draws."""
    total = np.zeros((*seeds.shape, RESAMPLES), dtype=np.float32)
    count = np.zeros(seeds.shape, dtype=np.int64)
    columns: dict[str, dict[str, int]] = {}
    for column, key in enumerate(trainings.keys):
        columns.setdefault(key.evaluation, {})[draw_name(key.metric, dict(key.setting))] = column
    for (recipe, seed), values in zip(trainings.models, trainings.values, strict=True):
        there = (~np.isnan(values)).tolist()
        for evaluation, named in columns.items():
            wanted = {name: column for name, column in named.items() if there[column]}
            found = (results.load_draws(results.recipes[recipe], seed, evaluation) if wanted else None) or {}
            for name, column in wanted.items():  # one by one: as one array they would be copied twice
                own = found.get(name)
                if own is not None and len(own) == RESAMPLES:
                    np.add(total[recipe, column], own, out=total[recipe, column])
                    count[recipe, column] += 1
    complete = (count == seeds) & (seeds > 0)
    total /= np.maximum(count, 1).astype(np.float32)[:, :, None]
    total[~complete] = np.nan
    set_corruption_draws(trainings.keys, total, baseline)
    return total


def _parameters(label: str) -> Mapping[str, float]:
    try:
        return parameters(label)
    except BadValueError:
        return {}  # a model of someone's own, whose name is no recipe's


def _reasons(results: Results, trainings: _Trainings, values: Floats) -> dict[tuple[str, Key], str]:
    ran = {
        (recipe, trainings.keys[column].evaluation)
        for (recipe, _), row in zip(trainings.models, trainings.values, strict=True)
        for column in np.flatnonzero(~np.isnan(row))
    } | {(recipe, trainings.keys[column].evaluation) for recipe, column in trainings.reasons}
    why, found = absences(results), dict[tuple[str, Key], str]()
    for recipe, column in np.argwhere(np.isnan(values)).tolist():
        key = trainings.keys[column]
        reason = trainings.reasons.get((recipe, column))
        if reason is None and (recipe, key.evaluation) not in ran:
            reason = why(results.recipes[recipe], key.evaluation)
        elif reason is None:
            none = f"the {key.evaluation} evaluation of this recipe gave no such number"
            reason = REASON if key.metric in METRICS else none
        found[results.recipes[recipe], key] = reason
    return found
