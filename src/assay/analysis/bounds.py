"""The ends of a proportion, at 0 and at 1, where there is no room to differ: neither for recipes nor for trainings."""

import numpy as np
from numpy.typing import NDArray

FLOOR, CEILING = 0.01, 0.99  # proportions beyond these leave no room to differ
PROPORTIONS = frozenset({"accuracy", "mean_accuracy", "auroc", "aupr", "fpr95"})  # metrics
FAR = 10


def far_from_end(own: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a proportion is next to an end and others are far from that end, so that its spread is none for theirs.

    Next to an end is below `FLOOR` or above `CEILING`. Far is beyond them, and more than ten times as far from the end:
    nearer, the spread says at least how large theirs must be.

    Args:
        own: (M,) the proportions.
        others: (R, M) to compare with each; NaN is far from nothing.
    """
    at_end = (own <= FLOOR) | (own >= CEILING)
    room, others_room = (np.where(own >= CEILING, 1 - values, values) for values in (own, others))
    far: NDArray[np.bool_] = at_end & (others_room > np.maximum(FLOOR, FAR * room))
    return far
