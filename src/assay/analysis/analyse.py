"""The whole analysis of a study: what its techniques gain and cost, and what can be said of its axes together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assay.analysis.axes import Axis, find_axes
from assay.analysis.columns import AXES
from assay.analysis.correlations import LEAST, Correlation, correlate
from assay.analysis.effects import Comparison
from assay.analysis.measures import Measure
from assay.analysis.pareto import Pareto, oriented, pareto
from assay.analysis.ranking import Ranking, rank, weights_by_name
from assay.analysis.support import front_support
from assay.analysis.tiers import Tiers, tiers
from assay.analysis.tradeoffs import Tradeoffs, tradeoffs
from assay.analysis.training_noise import training_noise
from assay.analysis.volume import Volume, volume
from assay.analysis.zoo import Floats, Zoo
from assay.results import Results


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What the numbers of a study say. Recipes and axes are named by their places in `recipes` and `axes`.

    Attributes:
        recipes: (R,) labels.
        families: (R,).
        baseline: the baseline's place, or None.
        axes: (A,) the axes on which something was measured.
        absent: the others, each with its reason.
        unlearned: places of recipes that learned nothing. Only `tradeoffs` holds them, and only their losses: good
            calibration, say, is no merit of a recipe that answers one class for every image.
        values: (R, A) in each axis's own units; NaN where not measured, and of recipes that learned nothing.
        tradeoffs: gains and losses against the baseline, by recipe and by technique.
        pareto: the fronts.
        support: (R,) how often a recipe stays on the first front under noise, 0 to 1; NaN where unknown.
        volume: the hypervolume of the front.
        correlations: Spearman's rho of every pair of axes over all recipes; a negative one is a trade-off.
        within: the same within each family of at least 4 recipes.
        too_small: the other families and their sizes.
        tiers: (A,) the tiers of each axis, or the reason why there are none.
        ranking: over all axes.
        missing: recipe that lacks an axis -> {axis's place: reason}.
    """

    recipes: tuple[str, ...]
    families: tuple[str, ...]
    baseline: int | None
    axes: tuple[Axis, ...]
    absent: tuple[Axis, ...]
    unlearned: tuple[int, ...]
    values: Floats
    tradeoffs: Tradeoffs
    pareto: Pareto
    support: Floats
    volume: Volume
    correlations: tuple[Correlation, ...]
    within: Mapping[str, tuple[Correlation, ...]]
    too_small: Mapping[str, int]
    tiers: tuple[Tiers | str, ...]
    ranking: Ranking
    missing: Mapping[int, Mapping[int, str]]


def analyse(
    results: Results,
    zoo: Zoo,
    comparisons: Sequence[Comparison],
    measures: list[Measure] | None = None,
    *,
    weights: Mapping[str, float] | None = None,
) -> Analysis:
    """Analyse a study, complete or in part.

    Args:
        results: of the study.
        zoo: its numbers, `assay.analysis.build.build_zoo(results)`.
        comparisons: of its recipes with the baseline, `assay.analysis.effects.compare(zoo)`.
        measures: all of the results', where they are collected already.
        weights: of the axes in the ranking, by name ("clean", "attack", "shift", "anomaly", "calibration"), >= 0; an
            axis that is not named weighs 1, one on which nothing was measured is left out.

    Raises:
        BadValueError: a weight of an unknown axis, a negative one, or no axis with a positive one.
    """
    learned = _learned(zoo)
    found = find_axes(results, learned, measures)
    weighed = dict(zip(AXES, weights_by_name(weights or {}, list(AXES)), strict=True))
    axes = tuple(axis for axis in found if axis.place is not None)
    places = [axis.place for axis in axes if axis.place is not None]
    up = [axis.higher_is_better for axis in axes]
    values = learned.values[:, places]
    fronts = pareto(values, up) if axes else Pareto((), np.zeros(len(values), dtype=np.int64), ())
    good, sizes = oriented(values, up), _sizes(zoo)
    return Analysis(
        recipes=zoo.recipes,
        families=zoo.families,
        baseline=zoo.baseline,
        axes=axes,
        absent=tuple(axis for axis in found if axis.place is None),
        unlearned=tuple(np.flatnonzero(~zoo.learned).tolist()),
        values=values,
        tradeoffs=tradeoffs(zoo, comparisons, places),
        pareto=fronts,
        support=front_support(values, zoo.draws[:, places], _training(learned, places), up),
        volume=volume(values, up, fronts, zoo.families, zoo.baseline),
        correlations=tuple(correlate(good)),
        within={name: tuple(correlate(good, own)) for name, own in sizes.items() if len(own) >= LEAST},
        too_small={name: len(own) for name, own in sizes.items() if len(own) < LEAST},
        tiers=tuple(_tiers(values[:, place], axis) for place, axis in enumerate(axes)),
        ranking=rank(values, up, [weighed[axis.name] for axis in axes], [axis.margin for axis in axes]),
        missing=_missing(zoo, axes),
    )


def _learned(zoo: Zoo) -> Zoo:
    """The zoo as if nothing of the recipes that learned nothing were measured."""
    kept = zoo.learned[:, None]
    return replace(
        zoo,
        values=np.where(kept, zoo.values, np.nan),
        seeds=np.where(kept, zoo.seeds, 0),
        spread=np.where(kept, zoo.spread, np.nan),
    )


def _training(zoo: Zoo, places: Sequence[int]) -> Floats:
    """(R, A) the standard deviation of each value's training noise; NaN where unknown."""
    seeds = zoo.seeds[:, places]
    found: Floats = np.sqrt(training_noise(zoo, places).variance / np.where(seeds > 0, seeds, np.nan))
    return found


def _sizes(zoo: Zoo) -> dict[str, list[int]]:
    """The recipes of each family that learned something, the baseline aside."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(zoo.families):
        if place != zoo.baseline and zoo.learned[place]:
            found.setdefault(name, []).append(place)
    return found


def _tiers(values: Floats, axis: Axis) -> Tiers | str:
    if not axis.noise > 0:
        return "no noise is known, so nothing says how far apart tiers must stand"
    return tiers(values, axis.noise)


def _missing(zoo: Zoo, axes: Sequence[Axis]) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    for recipe, label in enumerate(zoo.recipes):
        for place, axis in enumerate(axes):
            if axis.place is not None and np.isnan(zoo.values[recipe, axis.place]):
                reason = zoo.reasons.get((label, axis.key), "no value is stored")
                found.setdefault(recipe, {})[place] = reason
    return found
