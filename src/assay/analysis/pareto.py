"""The Pareto set: recipes that no other recipe matches on every axis and beats on one.

Recipe s dominates r where s is at least as good on every axis and better on one. The recipes that nobody dominates are
the first front; without them the next ones are the second, and so on (Goldberg 1989, "Genetic algorithms in search,
optimization, and machine learning", non-dominated sorting). Equal recipes do not dominate each other, so they share
a front.

A front takes values as they are: of many recipes within noise of each other, some stand on it by luck.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.analysis.zoo import Floats
from assay.errors import BadValueError

KEEN = 12  # rows of the largest sums, which dominate most of the others


class Pareto(NamedTuple):
    """The fronts of R recipes.

    Attributes:
        front: places of the recipes on the first front, in their order.
        ranks: (R,) the front that a recipe stands on, counted from 1; 0 where it was left out.
        left_out: places of the recipes that lack a value on some axis.
    """

    front: tuple[int, ...]
    ranks: NDArray[np.int64]
    left_out: tuple[int, ...]


def oriented(values: Floats, higher_is_better: Sequence[bool]) -> Floats:
    """The values with the sign of each axis chosen so that higher is better.

    Args:
        values: (R, A).
        higher_is_better: (A,) the direction of each axis.

    Raises:
        BadValueError: the shapes do not fit.
    """
    if values.ndim != 2 or values.shape[1] != len(higher_is_better):
        raise BadValueError(
            f"values: expected shape (R, {len(higher_is_better)}), one column a direction, got {values.shape}"
        )
    return values * np.where(np.asarray(higher_is_better, dtype=bool), 1.0, -1.0)


def pareto(values: Floats, higher_is_better: Sequence[bool]) -> Pareto:
    """The fronts of recipes over several axes, in O(R^2 A).

    Args:
        values: (R, A); a recipe with a NaN is left out, since a missing value is neither good nor bad.
        higher_is_better: (A,) the direction of each axis.
    """
    good = oriented(values, higher_is_better)
    whole: NDArray[np.bool_] = np.logical_not(np.isnan(good).any(axis=1))
    dominates = _dominance(good)
    ranks, open_, rank = np.zeros(len(good), dtype=np.int64), whole.copy(), 0
    while open_.any():
        rank += 1
        front = open_ & ~dominates[open_].any(axis=0)
        ranks[front] = rank
        open_ &= ~front
    return Pareto(_places(ranks == 1), ranks, _places(~whole))


def undominated(good: Floats) -> NDArray[np.bool_]:
    """(R,) whether no other row dominates a row of good (R, A), higher = better; equal rows share that."""
    total = good.sum(axis=1)  # rises with every axis: a row of a larger sum that is as good on each is better on one
    found = np.ones(len(good), dtype=bool)
    for keen in np.argsort(-total)[:KEEN]:
        found &= ~((good[keen] >= good).all(axis=1) & (total[keen] > total))
    as_good = _as_good(good[found])
    np.fill_diagonal(as_good, False)
    met = np.flatnonzero(as_good.any(axis=0))  # by rows that are as good on every axis; most are met by none
    found[np.flatnonzero(found)[met]] = ~(as_good[:, met] & ~as_good[met].T).any(axis=0)
    return found


def _dominance(good: Floats) -> NDArray[np.bool_]:
    """(R, R): whether row s dominates row r; False wherever a value is NaN."""
    as_good = _as_good(good)
    return as_good & ~as_good.T  # as good on every axis, and not the other way round: better on one


def _as_good(good: Floats) -> NDArray[np.bool_]:
    """(R, R): whether row s is as good as row r or better on every axis."""
    as_good = np.ones((len(good), len(good)), dtype=bool)
    for axis in np.ascontiguousarray(good.T):  # axis by axis: (R, R, A) at once would be large
        as_good &= axis[:, None] >= axis[None, :]
    return as_good


def _places(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(place) for place in np.flatnonzero(chosen))
