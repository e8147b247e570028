"""Training noise: the standard deviation of one training, and how well it is known.

A recipe that was trained once shows no spread: it is given the baseline's, s^2 of K trainings with K - 1 degrees of
freedom (seeds as noise: Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks").
Recipes with several seeds are pooled over their family, the same techniques with other settings: s^2 = sum of squares /
nu with nu = sum over its recipes of (S_r - 1). That is used from nu = 2 on; a single degree of freedom says next to
nothing, and is pooled with the baseline's.

The value of an ensemble of m networks is taken for the mean of their values, trained independently, so its variance is
s^2 / m: an approximation to first order, since the mean of the softmaxes is not a mean of values. s is that of one
network: an ensemble that was trained several times tells m times its own variance of it.

Nothing is borrowed where it would mislead: where the baseline is next to the end of a proportion, such as a robust
accuracy of 0, its trainings agree by force, and they tell nothing of a recipe far from that end
(`assay.analysis.bounds`). Such a recipe has its family's noise, however little is known of it, or none: it is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.analysis.bounds import PROPORTIONS, far_from_end
from assay.analysis.zoo import Floats, Zoo

ENOUGH = 2  # degrees of freedom from which a family's own noise is used


class TrainingNoise(NamedTuple):
    """Of R recipes on M measures, (R, M) each.

    Attributes:
        variance: of one training, of an ensemble of all its members; NaN where unknown.
        freedom: its degrees of freedom; NaN where unknown.
        source: where it is from: equal numbers are the same estimate, up to the size of ensembles.
    """

    variance: Floats
    freedom: Floats
    source: NDArray[np.int64]


def training_noise(zoo: Zoo, measures: Sequence[int] | None = None) -> TrainingNoise:
    """The training noise of every recipe on those measures; None takes all."""
    chosen = np.arange(len(zoo.keys)) if measures is None else np.asarray(measures, dtype=np.int64)
    spread = zoo.spread[:, chosen]
    freedom = np.where(np.isnan(spread), 0, np.maximum(zoo.seeds[:, chosen] - 1, 0)).astype(np.float64)
    return _pooled(zoo, freedom, freedom * np.nan_to_num(spread) ** 2, _misled(zoo, chosen))


def noise_of_sum(zoo: Zoo, weights: Mapping[int, float]) -> TrainingNoise:
    """The training noise of every recipe on a weighted sum of measures, (R, 1), by the same rule.

    Each training gives the sum as a whole, so measures that err together from training to training do so in it; a
    training counts that has all of them. The baseline's noise misleads where it does so on any of the measures.

    Args:
        zoo: what was measured.
        weights: by the place of the measure.
    """
    measures = list(weights)
    sums = zoo.trainings[:, measures] @ np.array(list(weights.values()), dtype=np.float64)
    whole = ~np.isnan(sums)
    sums, models, recipes = sums[whole], zoo.models[whole], len(zoo.recipes)
    count = np.bincount(models, minlength=recipes)
    mean = np.bincount(models, weights=sums, minlength=recipes) / np.maximum(count, 1)
    squares = np.bincount(models, weights=(sums - mean[models]) ** 2, minlength=recipes)
    freedom = np.maximum(count - 1, 0).astype(np.float64)
    misled = np.asarray(_misled(zoo, np.array(measures, dtype=np.int64)).any(axis=1))
    return _pooled(zoo, freedom[:, None], squares.astype(np.float64)[:, None], misled[:, None])


@dataclass(frozen=True)
class KnownNoise:
    """The training noise of a zoo for those who ask for it again and again: each number is worked out once."""

    zoo: Zoo
    _sums: dict[tuple[tuple[int, float], ...], TrainingNoise] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _whole(self) -> TrainingNoise:
        return training_noise(self.zoo)

    def of(self, measure: int) -> TrainingNoise:
        """As `training_noise` of that measure alone, (R, 1)."""
        variance, freedom, source = self._whole
        chosen = slice(measure, measure + 1)
        return TrainingNoise(variance[:, chosen], freedom[:, chosen], source[:, chosen])

    def of_sum(self, weights: Mapping[int, float]) -> TrainingNoise:
        """As `noise_of_sum`."""
        terms = tuple(weights.items())
        if terms not in self._sums:
            self._sums[terms] = noise_of_sum(self.zoo, weights)
        return self._sums[terms]


def _pooled(zoo: Zoo, freedom: Floats, squares: Floats, misled: NDArray[np.bool_]) -> TrainingNoise:
    """The noise from each recipe's degrees of freedom and sum of squares, (R, M) each; `misled` borrows nothing."""
    families, members = zoo.family_places, zoo.members[:, None]
    known, total = (np.zeros((families.max(initial=-1) + 1, freedom.shape[1])) for _ in range(2))
    np.add.at(known, families, freedom)
    np.add.at(total, families, squares * members)
    known, total, source = known[families], total[families], np.repeat(families[:, None], freedom.shape[1], axis=1)
    if zoo.baseline is not None:
        borrows = (known < ENOUGH) & (families != families[zoo.baseline])[:, None] & ~misled
        pooled = np.where(known > 0, source + len(families), families[zoo.baseline])
        source = np.where(borrows, pooled, source)
        known, total = known + borrows * known[zoo.baseline], total + borrows * total[zoo.baseline]
    variance = np.divide(total, known * members, out=np.full(known.shape, np.nan), where=known > 0)
    return TrainingNoise(variance, np.where(known > 0, known, np.nan), source)


def _misled(zoo: Zoo, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(R, M) whether the baseline's trainings agree by force and tell nothing of the recipe."""
    values = zoo.values[:, chosen]
    if zoo.baseline is None:
        return np.zeros(values.shape, dtype=bool)
    proportions = np.array([zoo.keys[measure].metric in PROPORTIONS for measure in chosen], dtype=bool)
    misled: NDArray[np.bool_] = proportions & far_from_end(values[zoo.baseline], values)
    return misled
