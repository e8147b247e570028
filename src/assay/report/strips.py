"""Where the dots of a strip lie: one recipe a dot, better to the right, stacked where they would cover each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.analysis.tiers import Tiers
from assay.analysis.zoo import Floats

Integers = NDArray[np.int64]
BINS = 120  # columns of dots across the strip
HEIGHT = 84  # pixels from the lowest dot to the highest
STEP = 7  # pixels between dots of one column, less where the column would not fit


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One recipe: `x` in percent of the width, `y` in pixels above the ground, `tier` counted from 1, the best."""

    recipe: int
    x: float
    y: float
    tier: int


@dataclass(frozen=True, kw_only=True)
class Band:
    """One tier: its number, 1 being best, where it lies in percent of the width, its extreme values and recipes."""

    tier: int
    left: float
    right: float
    worst: float
    best: float
    recipes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The dots and tiers of one axis; without tiers all dots have tier 1 and there is no band."""

    dots: tuple[Dot, ...]
    bands: tuple[Band, ...]


def strip(values: Floats, higher_is_better: bool, tiers: Tiers | None) -> Strip:
    """Lay out the values of one axis.

    Args:
        values: (R,) with NaN where not measured; those have no dot.
        higher_is_better: the axis's direction; the better end is on the right.
        tiers: of these values, or None.
    """
    places = np.flatnonzero(~np.isnan(values))
    x = _across(values[places], higher_is_better)
    numbers = _numbers(tiers, higher_is_better)[places] if tiers is not None else np.ones(len(places), dtype=np.int64)
    x, heights = _stack(x, numbers)
    dots = tuple(
        Dot(recipe=int(place), x=round(float(x[k]), 2), y=round(float(heights[k]), 1), tier=int(numbers[k]))
        for k, place in enumerate(places)
    )
    known = sorted(set(numbers.tolist())) if tiers is not None else []
    return Strip(dots=dots, bands=tuple(_band(tier, places, values, x, numbers, higher_is_better) for tier in known))


def position(value: float, values: Floats, higher_is_better: bool) -> float:
    """Where a value lies on the strip of these values, in percent of the width."""
    present = values[~np.isnan(values)]
    low, high = float(present.min()), float(present.max())
    share = 0.5 if low == high else (value - low) / (high - low)
    return 2 + 96 * (share if higher_is_better else 1 - share)


def _across(values: Floats, higher_is_better: bool) -> Floats:
    return np.array([position(float(value), values, higher_is_better) for value in values])


def _numbers(tiers: Tiers, higher_is_better: bool) -> Integers:
    return len(tiers.means) - tiers.labels if higher_is_better else tiers.labels + 1


def _stack(x: Floats, numbers: Integers) -> tuple[Floats, Floats]:
    """Dots of one tier in one column stand above each other, at their mean place: where each lies, and how high."""
    columns: dict[tuple[int, int], list[int]] = {}
    for place in np.argsort(x, kind="stable").tolist():
        columns.setdefault((int(x[place] / 100 * BINS), int(numbers[place])), []).append(place)
    step = min(STEP, HEIGHT / max(max(map(len, columns.values()), default=1) - 1, 1))
    across, height = x.copy(), np.zeros(len(x))
    for own in columns.values():
        across[own] = x[own].mean()
        height[own] = step * np.arange(len(own))
    return across, height


def _band(
    tier: int,
    places: Integers,
    values: Floats,
    x: Floats,
    numbers: Integers,
    higher_is_better: bool,
) -> Band:
    own = numbers == tier
    ends = sorted((float(values[places[own]].min()), float(values[places[own]].max())), reverse=not higher_is_better)
    return Band(
        tier=tier,
        left=round(float(x[own].min()), 2),
        right=round(float(x[own].max()), 2),
        worst=ends[0],
        best=ends[1],
        recipes=tuple(int(place) for place in places[own]),
    )
