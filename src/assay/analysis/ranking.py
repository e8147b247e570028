"""One ranking over all axes, by weights that the reader sees and can change.

A recipe's share on an axis is the share of the other recipes measured there that it beats, ties counting half
(its normalised mid-rank: the chance of beating another recipe drawn at random). Its score is the mean of its shares,
weighted by the weights of the axes. Ranks rather than values, since a point of AUROC and a point of accuracy have no
common unit.

Two recipes tie on an axis where they differ by no more than its margin. A recipe that lacks an axis with a positive
weight has no score: nothing is imputed.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from assay.analysis.pareto import oriented
from assay.analysis.zoo import Floats
from assay.errors import BadValueError, nearest


class Ranked(NamedTuple):
    """A recipe's place in the ranking: 1 is best, equal scores share a place."""

    recipe: int
    rank: int
    score: float


class Ranking(NamedTuple):
    """The ranking, best first, and what it rests on.

    Attributes:
        order: the recipes with a score, best first.
        shares: (R, A) each recipe's share on each axis; NaN where not measured.
        weights: (A,) as used.
        left_out: recipe -> places of the weighted axes that it lacks.
    """

    order: tuple[Ranked, ...]
    shares: Floats
    weights: tuple[float, ...]
    left_out: Mapping[int, tuple[int, ...]]


def rank(
    values: Floats,
    higher_is_better: Sequence[bool],
    weights: Sequence[float] | None = None,
    margins: Sequence[float] | None = None,
) -> Ranking:
    """Rank recipes over all axes.

    Args:
        values: (R, A) with NaN where not measured.
        higher_is_better: (A,) the direction of each axis.
        weights: (A,) >= 0, not all 0; None weighs all axes alike. Only their proportions matter.
        margins: (A,) >= 0: differences that count as ties; None: only equal values tie.

    Raises:
        BadValueError: weights or margins outside their domain.
    """
    good = oriented(values, higher_is_better)
    axes = good.shape[1]
    chosen = _checked("weights", weights, axes, 1.0)
    if axes and not sum(chosen) > 0:
        raise BadValueError("weights: expected at least one axis with a weight > 0, got none")
    found = shares(good, _checked("margins", margins, axes, 0.0))
    weighed = np.asarray(chosen) > 0
    lacking = np.isnan(found) & weighed
    left_out = {
        int(place): tuple(int(axis) for axis in np.flatnonzero(lacking[place]))
        for place in np.flatnonzero(lacking.any(axis=1))
    }
    kept = [place for place in range(len(good)) if place not in left_out]
    scores = found[:, weighed][kept] @ np.asarray(chosen)[weighed] / sum(chosen) if axes else np.zeros(0)
    return Ranking(_order(kept, scores), found, chosen, left_out)


def weights_by_name(weights: Mapping[str, float], axes: Sequence[str]) -> tuple[float, ...]:
    """Weights in the order of the axes; an axis that is not named weighs 1.

    Raises:
        BadValueError: a name that is no axis.
    """
    for name in weights:
        if name not in axes:
            raise BadValueError(f"weights: no axis is called {name!r}; {nearest(name, axes)}")
    return tuple(weights.get(name, 1.0) for name in axes)


def shares(good: Floats, margins: Sequence[float]) -> Floats:
    """(R, A) the share of others that each recipe beats, higher = better; a recipe alone on an axis gets 0.5."""
    found = np.full(good.shape, np.nan)
    for axis, margin in enumerate(margins):
        places = np.flatnonzero(~np.isnan(good[:, axis]))
        own = good[places, axis]
        if len(own) == 1:
            found[places, axis] = 0.5
        elif len(own):
            gap = own[:, None] - own[None, :]
            points = (gap > margin) + 0.5 * (np.abs(gap) <= margin)
            found[places, axis] = (points.sum(axis=1) - 0.5) / (len(own) - 1)  # each ties with itself
    return found


def _order(kept: list[int], scores: Floats) -> tuple[Ranked, ...]:
    rounded = np.round(scores, 12)  # sums in another order are the same score
    return tuple(
        Ranked(kept[place], 1 + int((rounded > rounded[place]).sum()), float(scores[place]))
        for place in np.argsort(-rounded, kind="stable")
    )


def _checked(field: str, values: Sequence[float] | None, axes: int, default: float) -> tuple[float, ...]:
    found = (default,) * axes if values is None else tuple(float(value) for value in values)
    if len(found) != axes or not all(isfinite(value) and value >= 0 for value in found):
        raise BadValueError(f"{field}: expected {axes} numbers >= 0, one an axis, got {list(found)}")
    return found
