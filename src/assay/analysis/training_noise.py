"""Training noise: the standard deviation of one training, and how well it is known.

A recipe that was trained once shows no spread: it is given the baseline's, s^2 of K trainings with K - 1 degrees of
freedom (seeds as noise: Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks").
Recipes with several seeds are pooled over their family, the same techniques with other settings: s^2 = sum of squares /
nu with nu = sum over its recipes of (S_r - 1). That is used from nu = 2 on; a single degree of freedom says next to
nothing, and is pooled with the baseline's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.analysis.zoo import Floats, Zoo

ENOUGH = 2  # degrees of freedom from which a family's own noise is used


class TrainingNoise(NamedTuple):
    """Of R recipes on M measures, (R, M) each.

    Attributes:
        variance: of one training; NaN where unknown.
        freedom: its degrees of freedom; NaN where unknown.
        source: where it is from: equal numbers are the same estimate.
    """

    variance: Floats
    freedom: Floats
    source: NDArray[np.int64]


def training_noise(zoo: Zoo, measures: Sequence[int] | None = None) -> TrainingNoise:
    """The training noise of every recipe on those measures; None takes all."""
    chosen = np.arange(len(zoo.keys)) if measures is None else np.asarray(measures, dtype=np.int64)
    spread = zoo.spread[:, chosen]
    freedom = np.where(np.isnan(spread), 0, np.maximum(zoo.seeds[:, chosen] - 1, 0)).astype(np.float64)
    squares = freedom * np.nan_to_num(spread) ** 2
    names = list(dict.fromkeys(zoo.families))
    families = np.array([names.index(name) for name in zoo.families], dtype=np.int64)
    known, total = (np.zeros((len(names), len(chosen))) for _ in range(2))
    np.add.at(known, families, freedom)
    np.add.at(total, families, squares)
    source = np.broadcast_to(np.arange(len(names))[:, None], known.shape).copy()
    if zoo.baseline is not None:
        own = families[zoo.baseline]
        poor = (known < ENOUGH) & (np.arange(len(names)) != own)[:, None]
        source = np.where(poor & (known == 0), own, source)
        known, total = known + poor * known[own], total + poor * total[own]
    variance = np.divide(total, known, out=np.full(known.shape, np.nan), where=known > 0)
    return TrainingNoise(variance[families], np.where(known > 0, known, np.nan)[families], source[families])
