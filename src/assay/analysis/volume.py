"""The hypervolume of a zoo: how far its recipes together reach over all axes, and which of them it rests on.

Every axis is scaled so that the worst value among the recipes compared is 0, the reference point, and the best is 1:
the volume is the share of the box between worst and best that some recipe dominates. A zoo with one recipe best at
everything has 1. The scale is the zoo's own, so volumes of different zoos are not comparable.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.analysis.hypervolume import contributions, group_contributions, hypervolume
from assay.analysis.pareto import Pareto, oriented
from assay.analysis.zoo import Floats


class Volume(NamedTuple):
    """A zoo's hypervolume, in shares of the box between the worst and the best values.

    Attributes:
        value: of all recipes that have every axis; None with `reason`.
        reference: (A,) the worst value of each axis, in its own units.
        ideal: (A,) the best value of each axis.
        baseline: what the baseline dominates alone; None where it lacks an axis.
        recipes: recipe of the front -> what would be lost without it.
        families: family -> what would be lost without all its recipes.
        reason: why it was not measured, or "".
    """

    value: float | None
    reference: tuple[float, ...]
    ideal: tuple[float, ...]
    baseline: float | None
    recipes: Mapping[int, float]
    families: Mapping[str, float]
    reason: str = ""


def volume(
    values: Floats, higher_is_better: Sequence[bool], pareto: Pareto, families: Sequence[str], baseline: int | None
) -> Volume:
    """The hypervolume of recipes over the axes.

    Args:
        values: (R, A) with NaN where not measured.
        higher_is_better: (A,) directions.
        pareto: the fronts of these values.
        families: (R,).
        baseline: the baseline's place, or None.
    """
    good = oriented(values, higher_is_better)
    places = [place for place in range(len(good)) if pareto.ranks[place] > 0]
    if len(higher_is_better) < 2 or len(places) < 2:
        reason = f"it needs two axes and two recipes that have both; there are {len(higher_is_better)} axes and "
        return Volume(None, (), (), None, {}, {}, reason + f"{len(places)} recipes with all of them")
    low, high = good[places].min(axis=0), good[places].max(axis=0)
    if (low == high).any():
        return Volume(None, (), (), None, {}, {}, "all recipes have the same value on one of the axes")
    unit = (good - low) / (high - low)
    zero = np.zeros(len(low))
    sign = np.where(np.asarray(higher_is_better), 1.0, -1.0)
    front = list(pareto.front)
    owners = {name: place for place, name in enumerate(dict.fromkeys(families))}
    alone = group_contributions(unit[places], zero, np.array([owners[families[place]] for place in places])).tolist()
    return Volume(
        value=hypervolume(unit[front], zero),
        reference=tuple((sign * low).tolist()),
        ideal=tuple((sign * high).tolist()),
        baseline=float(unit[baseline].prod()) if baseline is not None and baseline in places else None,
        recipes=dict(zip(front, contributions(unit[front], zero).tolist(), strict=True)),
        families={name: alone[owners[name]] for name in dict.fromkeys(families[place] for place in front)},
    )
