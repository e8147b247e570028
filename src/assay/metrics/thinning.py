"""A rising curve drawn with fewer points (Douglas and Peucker 1973, in its best-first form)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import BadValueError

TOLERANCE = 1e-12  # of rounding: what is off by less lies on the line


def thinned(
    x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], *, points: int, tolerance: float = TOLERANCE
) -> NDArray[np.int64]:
    """Ascending indices of at most `points` points that stand for a curve: straight lines join them.

    Starting from the two ends, the point farthest from the thinned curve is added until none is off it by more than
    `tolerance`, or `points` are reached. How far a point is off is measured across the diagonal, in |y - x| where x + y
    is the same, so that neither steps upward nor steps to the right are favoured.

    Args:
        x: (N,), N >= 1.
        y: (N,). Neither falls, and at least one of both rises, from each point to the next.
        points: >= 2.
        tolerance: in the unit of x and y, which is to be the same.

    Raises:
        BadValueError: points < 2.
    """
    if points < 2:
        raise BadValueError(f"points: expected a whole number >= 2, got {points!r}")
    along, across = x + y, y - x
    kept = [0, len(along) - 1] if len(along) > 1 else [0]
    while len(kept) < points:
        off = np.abs(across - np.interp(along, along[kept], across[kept]))
        worst = int(off.argmax())
        if off[worst] <= tolerance:
            break
        kept = sorted([*kept, worst])
    return np.asarray(kept)
