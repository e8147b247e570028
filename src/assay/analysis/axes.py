"""The axes of an analysis: the one measure that stands for each, where it is in the zoo, and how noisy it is."""

from collections import Counter
from dataclasses import dataclass
from math import hypot, inf, isinf, isnan, nan, sqrt

import numpy as np
import torch
from numpy.typing import NDArray

from assay.analysis.columns import AXES, Column, choose
from assay.analysis.measures import Measure, collect
from assay.analysis.training_noise import training_noise
from assay.analysis.zoo import Key, Zoo
from assay.metrics.intervals import normal_quantile
from assay.randomness import derive
from assay.results import Results

PAIRS = 1000  # of recipes: enough for a median
NONE = "no recipe that learned anything has a value"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of safety, by its primary measure (`assay.analysis.columns.choose`).

    Attributes:
        name: "clean", "attack", "shift", "anomaly" or "calibration".
        label: its measure's short name, such as "worst case, ε = 0.3".
        key: what is measured.
        higher_is_better: its direction.
        place: its column in the zoo; None where no recipe has a value.
        sampling: what resamples of the test images do to the difference of two recipes: its standard deviation over
            sqrt(2), the median over pairs; NaN where there are no draws.
        training: standard deviation of one training, over trainings of the baseline; NaN below two.
        replicates: K, how many trainings that is.
        retraining: what other seeds do to the difference of two recipes, whose values are means over their trainings:
            its standard deviation over sqrt(2), the median over pairs; NaN where it is unknown for half of them.
        reason: why the axis is not measured, or "".
    """

    name: str
    label: str
    key: Key
    higher_is_better: bool
    place: int | None
    sampling: float
    training: float
    replicates: int
    retraining: float
    reason: str = ""

    @property
    def title(self) -> str:
        """The axis and what stands for it, such as "Attack: worst case, ε = 0.3"."""
        return f"{AXES[self.name]}: {self.label}"

    @property
    def noise(self) -> float:
        """What both noises do to the difference of two recipes, over sqrt(2); NaN where nothing is known."""
        if isnan(self.sampling) and isnan(self.retraining):
            return nan
        return hypot(*(0.0 if isnan(part) else part for part in (self.sampling, self.retraining)))

    @property
    def margin(self) -> float:
        """Two typical recipes differ by more than this in 5 % of cases if only noise parts them: 1.96 sqrt(2) noise."""
        return 0.0 if isnan(self.noise) else normal_quantile(0.95) * sqrt(2) * self.noise


def find_axes(results: Results, zoo: Zoo, measures: list[Measure] | None = None) -> tuple[Axis, ...]:
    """The axes of a study, measured or not, in the order of `AXES`.

    `measures` are all of the results', where they are collected already.
    """
    return tuple(
        _axis(zoo, column)
        for column in choose(results, collect(results) if measures is None else measures)
        if column.primary
    )


def _axis(zoo: Zoo, column: Column) -> Axis:
    measure = column.measure
    key = Key(measure.evaluation, measure.metric, tuple(sorted(measure.setting.items())))
    place = zoo.keys.index(key) if key in zoo.keys else None
    known = place is not None and not np.isnan(zoo.values[:, place]).all()
    reasons = Counter(cell.reason for cell in measure.cells.values() if cell.value is None)
    return Axis(
        name=column.axis,
        label=column.label,
        key=key,
        higher_is_better=measure.higher_is_better is not False,
        place=place if known else None,
        sampling=_sampling(zoo, place) if known and place is not None else nan,
        training=float(zoo.noise[place]) if known else nan,
        replicates=int(zoo.replicates[place]) if known else 0,
        retraining=_retraining(zoo, place) if known and place is not None else nan,
        reason="" if known else next((text for text, _ in reasons.most_common(1)), NONE),
    )


def _sampling(zoo: Zoo, place: int) -> float:
    draws = zoo.draws[~np.isnan(zoo.values[:, place]), place]
    whole = draws[~np.isnan(draws).any(axis=1)]
    first, second = _pairs(len(whole))
    if not len(first) or not draws.size:
        return nan
    return float(np.median((whole[first] - whole[second]).std(axis=1, dtype=np.float64))) / sqrt(2)


def _retraining(zoo: Zoo, place: int) -> float:
    valued = np.flatnonzero(zoo.seeds[:, place] > 0)
    variance = training_noise(zoo, [place]).variance[valued, 0] / zoo.seeds[valued, place]
    first, second = _pairs(len(valued))
    if not len(first):
        return nan
    middle = float(np.median(np.nan_to_num(variance[first] + variance[second], nan=inf)))
    return nan if isinf(middle) else sqrt(middle / 2)


def _pairs(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of n recipes: all of them, or 1,000 drawn from them, always the same."""
    first, second = np.triu_indices(n, k=1)
    chosen = torch.randperm(len(first), generator=derive(0, "pairs of recipes", n))[:PAIRS].numpy()
    return first[chosen], second[chosen]
