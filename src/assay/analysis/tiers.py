"""Tiers: groups of recipes along one axis that stand apart beyond noise.

For each number of tiers k the values are split at the places that minimise W_k, the sum of squared distances to the
tiers' means: one-dimensional k-means, solved exactly by dynamic programming (Wang and Song 2011, "Ckmeans.1d.dp:
optimal k-means clustering in one dimension by dynamic programming"). Equal values always share a tier.

k is chosen by the gap statistic (Tibshirani, Walther and Hastie 2001, "Estimating the number of clusters in a data set
via the gap statistic"), which asks how much more the values fall into k groups than as many values spread evenly over
the same range do: Gap(k) = mean over 99 such references of log W*_k, less log W_k.

There is one tier unless the largest rise, max_k Gap(k) - Gap(1), is among the largest 5 % of the references' own (a
Monte Carlo test; Barnard 1963, discussion of "The spectral analysis of point processes"). Otherwise the smallest k
counts whose gap is within s of the largest, s being the spread of the references' log W* there (the global rule of
Dudoit and Fridlyand 2002, "A prediction-based resampling method for estimating the number of clusters in a dataset").

Deviations: the test, since the papers' rules see tiers in about a third of even spreads; W_k / n is not let fall below
noise^2, in values and references alike, so that a group no wider than noise gains nothing by being split; k <= min(8,
sqrt(n)), so that tiers remain groups.
"""

from functools import lru_cache
from math import isqrt
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from assay.analysis.zoo import Floats
from assay.errors import BadValueError
from assay.randomness import derive

MOST = 8  # tiers: more than people tell apart
REFERENCES = 99
LEVEL = 0.05  # how often an even spread is given tiers


class Tiers(NamedTuple):
    """The tiers of R recipes on one axis.

    Attributes:
        labels: (R,) the tier of each recipe, counted from 0 at the lowest values; -1 where it has no value.
        means: (k,) the tiers' means, rising.
        gaps: Gap(1), Gap(2) and so on, as far as tried.
    """

    labels: NDArray[np.int64]
    means: tuple[float, ...]
    gaps: tuple[float, ...]


def tiers(values: Floats, noise: float) -> Tiers:
    """Split the values of one axis into tiers.

    Args:
        values: (R,) with NaN where not measured; at least one value.
        noise: standard deviation of a recipe's value if all were trained and tested again, beside what they share, > 0.

    Raises:
        BadValueError: no value, or noise that is not positive.
    """
    present = ~np.isnan(values)
    if not present.any() or not noise > 0:
        raise BadValueError(f"tiers: expected values and a noise > 0, got {int(present.sum())} values and {noise}")
    own = values[present]
    points, place, counts = np.unique(own, return_inverse=True, return_counts=True)
    n = len(own)
    splits = optimal_splits(points, counts, min(MOST, max(isqrt(n), 1), len(points)))
    within = np.array([_within(points, counts, split) for split in splits])
    even = np.log(np.maximum(_even(n, len(splits)) * float(points[-1] - points[0]) ** 2, noise**2))
    gaps = even.mean(axis=0) - np.log(np.maximum(within, noise**2))
    best = splits[_choose(gaps, even)]
    labels = np.full(len(values), -1, dtype=np.int64)
    labels[present] = best[place]
    means = tuple(float(own[best[place] == tier].mean()) for tier in range(int(best.max()) + 1))
    return Tiers(labels, means, tuple(gaps.tolist()))


def optimal_splits(points: Floats, counts: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    """For k = 1..most the labels (U,) of the points in the split with the least sum of squares.

    Args:
        points: (U,) distinct values, rising.
        counts: (U,) how many recipes have each.
        most: the largest k, 1 <= most <= U.
    """
    cost = _costs(points, counts)
    size = len(points)
    best = cost[0].copy()  # best[i]: the least cost of points 0..i in k tiers
    starts: list[NDArray[np.int64]] = [np.zeros(size, dtype=np.int64)]  # where the last of k tiers starts, for each end
    splits = [np.zeros(size, dtype=np.int64)]
    for k in range(2, most + 1):
        total = _totals(best, cost, k)
        starts.append(total.argmin(axis=0))
        best = total.min(axis=0)
        splits.append(_labels(starts, size))
    return splits


def _totals(best: Floats, cost: Floats, k: int) -> Floats:
    """(U, U): the least cost of points 0..j in k tiers whose last one is i..j, given the least costs of k - 1."""
    before = np.concatenate([[np.inf], best[:-1]])
    before[: k - 1] = np.inf
    return before[:, None] + cost


def _costs(points: Floats, counts: NDArray[np.int64]) -> Floats:
    """(U, U): the sum of squares about their mean of points i..j; infinite where j < i."""
    centred = points - np.average(points, weights=counts)  # else the difference of large sums loses digits
    sums = [np.concatenate([[0.0], np.cumsum(counts * centred**power)]) for power in (0, 1, 2)]
    n, first, second = (total[None, 1:] - total[:-1, None] for total in sums)
    with np.errstate(divide="ignore", invalid="ignore"):  # in place: of many points most of the time goes into memory
        second -= np.divide(np.square(first, out=first), n, out=first)
    cost: Floats = np.maximum(second, 0.0, out=second)
    cost[np.tri(len(points), k=-1, dtype=bool)] = np.inf
    return cost


def _labels(starts: list[NDArray[np.int64]], size: int) -> NDArray[np.int64]:
    labels, end = np.zeros(size, dtype=np.int64), size
    for k in range(len(starts) - 1, 0, -1):
        start = int(starts[k][end - 1])
        labels[start:end] = k
        end = start
    return labels


def _within(points: Floats, counts: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """W_k / n of a split."""
    means = np.bincount(labels, weights=counts * points) / np.bincount(labels, weights=counts)
    return float((counts * (points - means[labels]) ** 2).sum() / counts.sum())


def _choose(gaps: Floats, even: Floats) -> int:
    """The place of the chosen k in 1..K, given Gap (K,) and the references' log W* (references, K)."""
    own = even.mean(axis=0) - even  # the references' own gaps
    chance = (own - own[:, :1]).max(axis=1)
    as_large = 1 + int((chance >= (gaps - gaps[0]).max()).sum())
    if as_large > LEVEL * (REFERENCES + 1):
        return 0
    largest = int(gaps.argmax())
    return int(np.flatnonzero(gaps >= gaps[largest] - even[:, largest].std())[0])


@lru_cache(maxsize=64)
def _even(n: int, most: int) -> Floats:
    """(references, K): W*_k / n of n values spread evenly over a range of width 1."""
    random, ones = derive(0, "tiers", n), np.ones(n, dtype=np.int64)
    found = np.zeros((REFERENCES, most))
    for place in range(REFERENCES):
        cost = _costs(np.sort(torch.rand(n, generator=random, dtype=torch.float64).numpy()), ones)
        best = cost[0]
        found[place, 0] = best[-1]
        for k in range(2, most + 1):
            best = _totals(best, cost, k).min(axis=0)
            found[place, k - 1] = best[-1]
    return found / n
