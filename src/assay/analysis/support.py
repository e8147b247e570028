"""How surely a recipe stands on the Pareto front, since a front of noisy numbers holds some by luck.

For each of 200 resamples of the test images, the same for all recipes, every value gets a normal error with the
standard deviation of the training noise, and the front is drawn anew: a recipe's support is the share of these fronts
that it stands on (the bootstrap's view of a set; Efron and Tibshirani 1993, "An introduction to the bootstrap").

The errors come on top of those that the values already hold, so fronts spread more than they would in truth: read
support as a ranking of how firmly recipes stand, not as a probability.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from assay.analysis.pareto import pareto
from assay.analysis.zoo import Floats
from assay.randomness import derive

FRONTS = 200


def front_support(draws: NDArray[np.float32], higher_is_better: Sequence[bool], training: Sequence[float]) -> Floats:
    """(R,) the share of resampled fronts that each recipe stands on; NaN where a recipe lacks draws on some axis.

    Args:
        draws: (R, A, B) bootstrap values, draw b on the same images for every recipe; NaN where there are none.
        higher_is_better: (A,) the direction of each axis.
        training: (A,) standard deviation of the training noise; NaN where unknown, which adds none.
    """
    support = np.full(len(draws), np.nan)
    places = np.flatnonzero(~np.isnan(draws).any(axis=(1, 2)))
    rounds = min(FRONTS, draws.shape[2])
    if not len(places) or not rounds or not len(training):
        return support
    scale, random = np.nan_to_num(np.asarray(training, dtype=np.float64)), derive(0, "front support")
    counts = np.zeros(len(places))
    for b in range(rounds):
        errors = torch.randn(len(places), len(scale), generator=random, dtype=torch.float64).numpy()
        found = pareto(draws[places, :, b] + scale * errors, higher_is_better)
        counts[list(found.front)] += 1
    support[places] = counts / rounds
    return support
