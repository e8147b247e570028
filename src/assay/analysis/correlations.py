"""Spearman's rank correlation between axes, over the whole zoo and within families.

rho is Pearson's correlation of the ranks, ties sharing their mean rank (Spearman 1904, "The proof and measurement of
association between two things"). The 95 % interval is tanh(atanh(rho) -+ 1.96 sqrt((1 + rho^2 / 2) / (n - 3)))
(Bonett and Wright 2000, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations").

Deviation: at rho = +-1 that interval has no width, whatever n. There its inner end is that of the nearest
value which n ranks without ties can take, 1 - 12 / (n^3 - n), and the outer end is +-1.

The interval treats recipes as a random sample. A study's recipes are chosen, and many are alike, so over the whole zoo
it is narrower than honest: a correlation there may also only say that families differ (Simpson 1951, "The
interpretation of interaction in contingency tables"), which is why those within families stand beside it.
"""

from collections.abc import Sequence
from itertools import combinations
from math import atanh, sqrt, tanh
from typing import NamedTuple

import numpy as np

from assay.analysis.zoo import Floats
from assay.metrics.intervals import normal_quantile

LEAST = 4  # recipes: the interval divides by n - 3


class Correlation(NamedTuple):
    """rho of two axes with its 95 % interval over n recipes; all three None where it was not measured."""

    first: int
    second: int
    rho: float | None
    low: float | None
    high: float | None
    n: int
    reason: str = ""


def correlate(good: Floats, places: Sequence[int] | None = None) -> list[Correlation]:
    """The correlation of every pair of axes over the recipes that have both.

    Args:
        good: (R, A), every axis turned so that higher is better: a negative rho is a trade-off.
        places: the recipes to take; None takes all.
    """
    chosen = good if places is None else good[list(places)]
    return [_pair(chosen, a, b) for a, b in combinations(range(good.shape[1]), 2)]


def spearman(x: Floats, y: Floats) -> float:
    """Spearman's rho of two samples of equal length without NaN; NaN where one of them is constant."""
    a, b = (_ranks(values) - (len(values) + 1) / 2 for values in (x, y))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return min(max(float(a @ b) / scale, -1.0), 1.0) if scale > 0 else float("nan")


def _ranks(values: Floats) -> Floats:
    """Ranks from 1 on; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def interval(rho: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a rho in [-1, 1] over n >= 4 recipes."""
    inner = 1 - 12 / (n**3 - n)
    if abs(rho) > inner:
        end = _bonett_wright(inner, n)[0]
        return (end, 1.0) if rho > 0 else (-1.0, -end)
    return _bonett_wright(rho, n)


def _bonett_wright(rho: float, n: int) -> tuple[float, float]:
    half = normal_quantile(0.95) * sqrt((1 + rho**2 / 2) / (n - 3))
    return tanh(atanh(rho) - half), tanh(atanh(rho) + half)


def _pair(good: Floats, a: int, b: int) -> Correlation:
    both = good[~np.isnan(good[:, [a, b]]).any(axis=1)]
    n = len(both)
    if n < LEAST:
        reason = f"{n} {'recipe has' if n == 1 else 'recipes have'} both axes; an interval needs at least {LEAST}"
        return Correlation(a, b, None, None, None, n, reason)
    rho = spearman(both[:, a], both[:, b])
    if np.isnan(rho):
        return Correlation(a, b, None, None, None, n, "all recipes have the same value on one of the axes")
    return Correlation(a, b, rho, *interval(rho, n), n)
