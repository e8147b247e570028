"""How surely a recipe stands on the Pareto front, since a front of noisy numbers holds some by luck.

For each of 200 resamples of the test images, the same for all recipes, every value is moved by as much as its draw lies
off the mean of its draws, and by a normal error with the standard deviation of its training noise. The front is drawn
anew: a recipe's support is the share of these fronts that it stands on (the bootstrap's view of a set; Efron and
Tibshirani 1993, "An introduction to the bootstrap").

The errors come on top of those that the values already hold, so fronts spread more than they would in truth: read
support as a ranking of how firmly recipes stand, not as a probability.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from assay.analysis.pareto import oriented, undominated
from assay.analysis.zoo import Floats
from assay.randomness import derive

FRONTS = 200


def front_support(
    values: Floats, draws: NDArray[np.float32], training: Floats, higher_is_better: Sequence[bool]
) -> Floats:
    """(R,) the share of resampled fronts that each recipe stands on; NaN where a recipe lacks draws on some axis.

    Args:
        values: (R, A) with NaN where not measured.
        draws: (R, A, B) bootstrap values, draw b on the same images for every recipe; NaN where there are none. Only
            their spread about their mean is used (see `assay.evaluations.draws`).
        training: (R, A) standard deviation of each value's training noise; NaN where unknown, which adds none.
        higher_is_better: (A,) the direction of each axis.
    """
    support = np.full(len(draws), np.nan)
    places = np.flatnonzero(~np.isnan(values).any(axis=1) & ~np.isnan(draws).any(axis=(1, 2)))
    rounds = min(FRONTS, draws.shape[2])
    if not len(places) or not rounds or not values.shape[1]:
        return support
    scale, random = np.nan_to_num(training[places]), derive(0, "front support")
    centred = values[places] - draws[places].mean(axis=2, dtype=np.float64)
    counts = np.zeros(len(places))
    for b in range(rounds):
        errors = torch.randn(scale.shape, generator=random, dtype=torch.float64).numpy()
        counts += undominated(oriented(centred + draws[places, :, b] + scale * errors, higher_is_better))
    support[places] = counts / rounds
    return support
