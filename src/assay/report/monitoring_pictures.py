"""The monitoring page's pictures: what is drawn of which recipe's observations, and why nothing is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from markupsafe import Markup
from torch import Tensor

from assay.analysis.measures import absences
from assay.data.kinds import kind_of
from assay.data.known import FAR, NEAR
from assay.evaluations.anomaly import INSIDE
from assay.evaluations.base import Observations
from assay.report.confidence_svg import confidence_svg
from assay.report.monitoring import titled
from assay.report.observed import by_set
from assay.report.roc_svg import roc_figure
from assay.report.score_histogram import histogram_svg
from assay.results import Results

DRAWN = 8  # recipes of which pictures are drawn
TEST = "test images"
GROUPS = {NEAR: "near outliers", FAR: "far outliers", None: "other outliers"}
NOTE = "not measured/score/"  # the beginning of a note that says why a score was not measured


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Observations of one evaluation.

    Attributes:
        found: recipe -> the seed and the observations, of the first DRAWN recipes that have any, of their first seed.
        absent: reason -> the recipes that have none, among those up to the last that is drawn.
    """

    found: Mapping[str, tuple[int, Observations]]
    absent: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What is drawn of one recipe: charts with their titles.

    Attributes:
        recipe: its label.
        histograms: one a score.
        curves: one an outlier set.
        missing: score -> why it was not measured.
    """

    recipe: str
    histograms: tuple[tuple[str, Markup], ...]
    curves: tuple[tuple[str, Markup], ...]
    missing: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """The pictures of all recipes that are drawn.

    Attributes:
        groups: the names of the histograms' groups, in order.
        scores: the names of the ROC curves' lines, in order.
        drawn: the recipes'.
        absent: as that of `Observed`.
    """

    groups: tuple[str, ...]
    scores: tuple[str, ...]
    drawn: tuple[Drawn, ...]
    absent: Mapping[str, tuple[str, ...]]


def observed_of(results: Results, evaluation: str) -> Observed:
    """The observations of an evaluation to draw from; none of an evaluation that the table does not hold."""
    found: dict[str, tuple[int, Observations]] = {}
    absent: dict[str, tuple[str, ...]] = {}
    if evaluation not in set(results.table["evaluation"]):
        return Observed(found=found, absent=absent)
    why = absences(results)
    for recipe in results.recipes:
        if len(found) == DRAWN:
            break
        loaded = ((seed, results.load(recipe, seed, evaluation)) for seed in results.seeds)
        first = next(((seed, seen) for seed, seen in loaded if seen is not None), None)
        if first is None:
            reason = why(recipe, evaluation)
            absent[reason] = (*absent.get(reason, ()), recipe)
        else:
            found[recipe] = first
    return Observed(found=found, absent=absent)


def score_pictures(results: Results) -> Pictures:
    """Histograms and ROC curves of every anomaly score."""
    observed = observed_of(results, "anomaly")
    order = _order(results)
    scored = {recipe: _ordered(by_set(seen), order) for recipe, (_, seen) in observed.found.items()}
    groups = tuple(_grouped(dict.fromkeys(name for own in scored.values() for name in own)))
    names = tuple(dict.fromkeys(score for own in scored.values() for score in own.get(INSIDE, {})))
    return Pictures(
        groups=groups,
        scores=names,
        drawn=tuple(
            Drawn(
                recipe=recipe,
                histograms=_histograms(results, recipe, seed, scored[recipe], groups),
                curves=_curves(recipe, scored[recipe], names),
                missing={
                    name.removeprefix(NOTE): reason for name, reason in seen.notes.items() if name.startswith(NOTE)
                },
            )
            for recipe, (seed, seen) in observed.found.items()
        ),
        absent=observed.absent,
    )


def _order(results: Results) -> dict[str, int]:
    """The places of scores and outlier sets in the table: observations are kept in none."""
    settings = results.table.loc[results.table["evaluation"] == "anomaly", "setting"]
    names = dict.fromkeys(str(setting[key]) for key in ("score", "outliers") for setting in settings if key in setting)
    return {name: place for place, name in enumerate(names)}


def _ordered(sets: Mapping[str, Mapping[str, Tensor]], order: Mapping[str, int]) -> dict[str, dict[str, Tensor]]:
    def place(name: str) -> int:
        return order.get(name, len(order))

    return {
        name: {score: sets[name][score] for score in sorted(sets[name], key=place)} for name in sorted(sets, key=place)
    }


def confidences(results: Results) -> tuple[list[tuple[str, Markup]], Mapping[str, tuple[str, ...]]]:
    """The histogram of each recipe's confidences, and why some have none, as `Observed.absent`."""
    observed = observed_of(results, "calibration")
    charts = [
        (
            recipe,
            confidence_svg(
                seen.tensors["logits"],
                seen.tensors["labels"],
                f"{recipe}: how many test images have which confidence, right and wrong answers apart",
            ),
        )
        for recipe, (_, seen) in observed.found.items()
    ]
    return charts, observed.absent


def _grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """The sets of these names in groups that have any: the test set, then near, far and other outlier sets."""
    found: dict[str, list[str]] = {TEST: [], **{group: [] for group in GROUPS.values()}}
    for name in names:
        found[TEST if name == INSIDE else GROUPS[kind_of(name)]].append(name)
    return {group: own for group, own in found.items() if own}


def _histograms(
    results: Results, recipe: str, seed: int, sets: Mapping[str, Mapping[str, Tensor]], groups: Sequence[str]
) -> tuple[tuple[str, Markup], ...]:
    inside = sets.get(INSIDE, {})
    thresholds = _thresholds(results, recipe, seed, inside)
    charts = []
    for score in inside:
        having = _grouped(name for name, own in sets.items() if score in own)
        grouped = {group: [sets[name][score] for name in own] for group, own in having.items()}
        label = f"{recipe}: how {_words(score)} is distributed on {', '.join(grouped)}"
        charts.append((_words(score), histogram_svg(grouped, TEST, groups, label, thresholds.get(score, ()))))
    return tuple(charts)


def _thresholds(
    results: Results, recipe: str, seed: int, inside: Mapping[str, Tensor]
) -> dict[str, list[tuple[float, str]]]:
    """The deployable thresholds of each score that the rejection evaluation fitted alike, with their wanted rates.

    It may have been told to fit a score to other images, or to score others: its thresholds are then of another score
    or cannot be known to be of this one, and are not marked.
    """
    table = results.table
    own = table[
        (table["evaluation"] == "rejection")
        & (table["metric"] == "threshold")
        & (table["recipe"] == recipe)
        & (table["seed"] == str(seed))
        & table["value"].notna()
    ]
    seen = results.load(recipe, seed, "rejection") if len(own) else None
    if seen is None:
        return {}
    found: dict[str, list[tuple[float, str]]] = {}
    for setting, value in zip(own["setting"], own["value"], strict=True):
        score = str(setting["score"])
        ours, theirs = inside.get(score), seen.tensors.get(f"score/{INSIDE}/{score}")
        if ours is not None and theirs is not None and _alike(ours, theirs):
            found.setdefault(score, []).append((float(value), f"{100 * float(setting['fpr']):g} %"))
    return found


def _alike(ours: Tensor, theirs: Tensor) -> bool:
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def _curves(
    recipe: str, sets: Mapping[str, Mapping[str, Tensor]], names: Sequence[str]
) -> tuple[tuple[str, Markup], ...]:
    """A chart an outlier set: near ones first, as in the tables."""
    return tuple(
        (title, roc_figure(sets.get(INSIDE, {}), sets[name], names, f"{recipe}: ROC curves on {title}, a line a score"))
        for kind in GROUPS
        for name in sets
        if name != INSIDE and kind_of(name) == kind
        for title in [_words(titled(name))]
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
