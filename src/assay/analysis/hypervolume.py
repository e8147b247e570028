"""Hypervolume: how much of the space of possible results a set of recipes dominates.

The hypervolume of points p_1..p_F against a reference point r is the volume of the union of the boxes [r, p_i], higher
= better on every axis (Zitzler and Thiele 1998, "Multiobjective optimization using evolutionary algorithms"). It is
computed exactly by WFG (While, Bradstreet and Barone 2012, "A fast way of calculating exact hypervolumes"): the volume
is the sum over points of the part that no earlier point dominates, each the volume of the point's own box less the
hypervolume of the earlier points cut to that box; sorting by one axis makes every cut set constant on it, so that one
dimension falls away a level. What a point alone adds is its box less all others cut to it (Bradstreet, While and Barone
2008, "A fast incremental hypervolume algorithm"), and what a group adds is the sum over its points of what each adds to
those outside and those of the group before it.

Deviation: the papers' recursion takes one set at a time. Here all sets of a level are cut, filtered and measured as one
array, padded with points at the origin, which dominate nothing; and in three dimensions each is a grid of columns, as
high as the highest point that reaches over them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.analysis.pareto import undominated
from assay.analysis.zoo import Floats
from assay.errors import BadValueError

BLOCK = 30_000  # pairs of points compared at once: their arrays stay in the processor's cache
KEEN = 12  # points of the largest sums, which dominate most of the others
FEW = 24  # points, of which a grid is quicker made than the dominated are found


def hypervolume(points: Floats, reference: Sequence[float] | Floats) -> float:
    """The exact hypervolume of points against a reference point, higher = better on every axis.

    Points that are not better than the reference on every axis add nothing. Exponential in the number of axes at
    worst; some hundred points in five dimensions take tenths of a second.

    Args:
        points: (F, A), A >= 1; dominated and repeated points are allowed.
        reference: (A,).

    Raises:
        BadValueError: the shapes do not fit, or a number is not finite.
    """
    return float(_volumes(_above(points, reference)[None])[0])


def contributions(points: Floats, reference: Sequence[float] | Floats) -> Floats:
    """(F,) what each point alone adds: the hypervolume of all points less that of all others.

    A point that another one matches or dominates adds nothing.
    """
    return group_contributions(points, reference, np.arange(len(points)))


def group_contributions(points: Floats, reference: Sequence[float] | Floats, groups: NDArray[np.int64]) -> Floats:
    """(G,) what the points of each group add together: the hypervolume of all points less that of all other groups'.

    Args:
        points: (F, A) and reference (A,) as for `hypervolume`.
        reference: see there.
        groups: (F,) the group of each point, counted from 0.
    """
    above, owners = _above(points, reference), np.asarray(groups, dtype=np.int64)
    found = np.zeros(int(owners.max(initial=-1)) + 1)
    on_front = undominated(above)  # what the others add, a point of the front adds as well
    front, places = np.flatnonzero(on_front), np.arange(len(above))
    for own in np.array_split(front, -(-len(front) * len(above) // BLOCK) or 1):
        cut = np.minimum(above, above[own, None])
        cut[(owners == owners[own, None]) & ~(on_front & (places < own[:, None]))] = 0
        parts = above[own].prod(axis=1) - _volumes(cut)
        found += np.bincount(owners[own], weights=parts, minlength=len(found))
    return np.maximum(found, 0.0)


def _above(points: Floats, reference: Sequence[float] | Floats) -> Floats:
    """The points measured from the reference point; what is below it on an axis is at it."""
    origin = np.asarray(reference, dtype=np.float64)
    if points.ndim != 2 or origin.shape != points.shape[1:] or not len(origin):
        raise BadValueError(f"points: expected shape (F, A) and a reference (A,), got {points.shape}, {origin.shape}")
    if not np.isfinite(points).all() or not np.isfinite(origin).all():
        raise BadValueError("points: expected finite numbers, got NaN or infinity; leave out recipes that lack an axis")
    return np.clip(np.asarray(points - origin, dtype=np.float64), 0.0, None)


def _volumes(sets: Floats) -> Floats:
    """(S,) the hypervolumes above the origin of S sets of at most n points, (S, n, D) >= 0, padded with zeros."""
    sets = _trimmed(sets)
    count, n, dimensions = sets.shape
    if count > 1 and count * n**2 > BLOCK:
        return np.concatenate([_volumes(half) for half in (sets[: count // 2], sets[count // 2 :])])
    if dimensions > 3 or n > FEW:
        sets = _filtered(sets)
    return _levels(sets) if dimensions > 3 else _columns(sets)


def _levels(sets: Floats) -> Floats:
    """The hypervolumes in D > 3 dimensions from those of sets cut to each point, in D - 1."""
    sets = _sorted(sets, sets[:, :, -1])
    place, which = np.nonzero(sets[:, :, -1].T > 0)  # by place, so that sets of similar size follow each other
    own = sets[which, place]
    cut = np.minimum(sets[which, :, :-1], own[:, None, :-1])
    cut[np.arange(sets.shape[1]) >= place[:, None]] = 0  # the points before are at least as high as the point
    parts = own[:, -1] * (own[:, :-1].prod(axis=1) - _volumes(cut))
    return np.asarray(np.bincount(which, weights=parts, minlength=len(sets)), dtype=np.float64)


def _columns(sets: Floats) -> Floats:
    """The hypervolumes in at most three dimensions: columns over the grid of all x and y."""
    count, n, dimensions = sets.shape
    sets = np.concatenate([sets, np.ones((count, n, 3 - dimensions))], axis=2)
    orders = np.argsort(-sets[:, :, :2], axis=1, kind="stable")
    ranks = np.argsort(orders, axis=1)
    heights = np.zeros((count, n, n))
    heights[np.arange(count)[:, None], ranks[:, :, 0], ranks[:, :, 1]] = sets[:, :, 2]
    for axis in (1, 2):
        np.maximum.accumulate(heights, axis=axis, out=heights)
    widths = -np.diff(np.take_along_axis(sets[:, :, :2], orders, axis=1), axis=1, append=0.0)
    return np.asarray(np.einsum("si,sij,sj->s", widths[:, :, 0], heights, widths[:, :, 1]))


def _filtered(sets: Floats) -> Floats:
    """The sets without points that others of theirs match or dominate: first by the keenest, then by all."""
    for keen in (KEEN, sets.shape[1]):
        sets = _sorted(sets, sets.sum(axis=2))  # whoever dominates comes before
        n = sets.shape[1]
        beaten = np.tri(n, min(keen, n), -1, dtype=bool).T & (sets[:, :keen, None, 0] >= sets[:, None, :, 0])
        for axis in range(1, sets.shape[2]):
            beaten &= sets[:, :keen, None, axis] >= sets[:, None, :, axis]
        sets[beaten.any(axis=1)] = 0
    return sets


def _sorted(sets: Floats, by: Floats) -> Floats:
    """The points of each set in falling order of `by` (S, n) >= 0, without places where it is 0 in every set.

    What has no sum is padding, and what has no height on one axis has no volume.
    """
    order = np.argsort(-by, axis=1, kind="stable")[:, : int((by > 0).sum(axis=1).max(initial=0))]
    return sets[np.arange(len(sets))[:, None], order]


def _trimmed(sets: Floats) -> Floats:
    """Without the places where every set has padding."""
    return sets[:, sets.any(axis=(0, 2))]
