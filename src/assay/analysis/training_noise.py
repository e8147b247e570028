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

from collections.abc import Sequence
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
    families, members = zoo.family_places, zoo.members[:, None]
    spread = zoo.spread[:, chosen]
    freedom = np.where(np.isnan(spread), 0, np.maximum(zoo.seeds[:, chosen] - 1, 0)).astype(np.float64)
    known, total = (np.zeros((families.max(initial=-1) + 1, len(chosen))) for _ in range(2))
    np.add.at(known, families, freedom)
    np.add.at(total, families, freedom * np.nan_to_num(spread) ** 2 * members)
    borrows = _borrows(zoo, chosen, known[families])
    known, total, source = known[families], total[families], np.repeat(families[:, None], len(chosen), axis=1)
    if zoo.baseline is not None:
        pooled = np.where(known > 0, source + len(families), families[zoo.baseline])
        source = np.where(borrows, pooled, source)
        known, total = known + borrows * known[zoo.baseline], total + borrows * total[zoo.baseline]
    variance = np.divide(total, known * members, out=np.full(known.shape, np.nan), where=known > 0)
    return TrainingNoise(variance, np.where(known > 0, known, np.nan), source)


def _borrows(zoo: Zoo, chosen: NDArray[np.int64], known: Floats) -> NDArray[np.bool_]:
    """(R, M) whether a recipe whose family has that many degrees of freedom takes the baseline's noise."""
    if zoo.baseline is None:
        return np.zeros(known.shape, dtype=bool)
    others = (zoo.family_places != zoo.family_places[zoo.baseline])[:, None]
    values = zoo.values[:, chosen]
    proportions = np.array([zoo.keys[measure].metric in PROPORTIONS for measure in chosen], dtype=bool)
    misled = proportions & far_from_end(values[zoo.baseline], values)
    borrows: NDArray[np.bool_] = (known < ENOUGH) & others & ~misled
    return borrows
