"""Hypervolume: how much of the space of possible results a set of recipes dominates.

The hypervolume of points p_1..p_F against a reference point r is the volume of the union of the boxes [r, p_i], higher
= better on every axis (Zitzler and Thiele 1998, "Multiobjective optimization using evolutionary algorithms"). It is
computed exactly by WFG (While, Bradstreet and Barone 2012, "A fast way of calculating exact hypervolumes"): the volume
is the sum over points of the part that no later point dominates, each the volume of the point's own box less the
hypervolume of the later points cut to that box; sorting by one axis makes every cut set constant on it, so that one
dimension falls away a level. With three axes a sweep takes over (Fonseca, Paquete and Lopez-Ibanez 2006, "An
improved dimension-sweep algorithm for the hypervolume indicator").
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from assay.analysis.pareto import front_of
from assay.analysis.zoo import Floats
from assay.errors import BadValueError


def hypervolume(points: Floats, reference: Sequence[float] | Floats) -> float:
    """The exact hypervolume of points against a reference point, higher = better on every axis.

    Points that are not better than the reference on every axis add nothing. Exponential in the number of axes at
    worst; some hundred points in five dimensions take seconds.

    Args:
        points: (F, A), A >= 1; dominated and repeated points are allowed.
        reference: (A,).

    Raises:
        BadValueError: the shapes do not fit, or a number is not finite.
    """
    above = _above(points, reference)
    return _volume(front_of(above[(above > 0).all(axis=1)]))


def contributions(points: Floats, reference: Sequence[float] | Floats) -> Floats:
    """(F,) what each point alone adds: the hypervolume of all points less that of all others.

    A point that another one matches or dominates adds nothing.
    """
    above = np.clip(_above(points, reference), 0.0, None)
    found = np.zeros(len(above))
    for place, point in enumerate(above):
        others = np.minimum(np.delete(above, place, axis=0), point)
        found[place] = max(float(np.prod(point)) - hypervolume(others, np.zeros(len(point))), 0.0)
    return found


def _above(points: Floats, reference: Sequence[float] | Floats) -> Floats:
    """The points measured from the reference point."""
    origin = np.asarray(reference, dtype=np.float64)
    if points.ndim != 2 or origin.shape != points.shape[1:] or not len(origin):
        raise BadValueError(f"points: expected shape (F, A) and a reference (A,), got {points.shape}, {origin.shape}")
    if not np.isfinite(points).all() or not np.isfinite(origin).all():
        raise BadValueError("points: expected finite numbers, got NaN or infinity; leave out recipes that lack an axis")
    return np.asarray(points - origin, dtype=np.float64)


def _volume(front: Floats) -> float:
    """WFG on mutually non-dominated points above the origin."""
    if not len(front):
        return 0.0
    dimensions = front.shape[1]
    if len(front) == 1 or dimensions == 1:
        return float(front.max(axis=0).prod())
    if dimensions == 2:
        return _volume(np.column_stack([front, np.ones(len(front))]))
    if dimensions == 3:
        return _sweep(front)
    front = front[np.argsort(front[:, -1], kind="stable")]  # the points behind the first are at least as high as it
    total = 0.0
    for place, point in enumerate(front):
        later = np.minimum(front[place + 1 :, :-1], point[:-1])
        own = float(point[:-1].prod()) - _volume(front_of(later))
        total += float(point[-1]) * own
    return total


def _sweep(front: Floats) -> float:
    """The volume in three dimensions: slices from the top down, each the area under a growing staircase."""
    xs, ys = [0.0, float("inf")], [float("inf"), 0.0]  # the staircase: x rises, y falls
    area, volume, height = 0.0, 0.0, 0.0
    for x, y, z in sorted(front.tolist(), key=lambda point: -point[2]):
        volume += area * (height - z)
        height = z
        right = bisect_left(xs, x)
        if ys[right] >= y:  # an earlier step covers it
            continue
        left = right - 1
        while ys[left] <= y:  # steps that the new one swallows
            left -= 1
        edge = xs[left]
        for place in range(left + 1, right + 1):  # the new step rises above each old one, out to x
            end = min(xs[place], x)
            area += (end - edge) * (y - ys[place])
            edge = end
        last = right + 1 if xs[right] == x else right
        xs[left + 1 : last], ys[left + 1 : last] = [x], [y]
    return volume + area * height
