"""A threshold that can be deployed: chosen on validation scores for a wanted false positive rate, with its promise.

An image is flagged where its score is >= t. Of n validation scores t is the k-th highest, k = floor(alpha (n + 1)):
where new images come from where validation came from, without ties, one of them is flagged with probability
k / (n + 1) <= alpha (Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world": a conformal test).

Over draws of the validation set the rate of that very threshold is Beta(k, n + 1 - k) distributed, so of m new images
the number that it flags is beta-binomial(m, k, n + 1 - k): the promised interval of the rate holds 95 % of that. Where
scores tie with the k-th highest, so that more than k would be flagged, t is the next higher score and k its own rank.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.checks import vector
from assay.metrics.intervals import Interval


class Threshold(NamedTuple):
    """A threshold, and where it comes from.

    Attributes:
        value: flag where the score is >= this.
        rank: k, how many validation scores it flags.
        n: how many validation scores there were.
    """

    value: float
    rank: int
    n: int

    @property
    def rate(self) -> float:
        """The expected false positive rate, k / (n + 1)."""
        return self.rank / (self.n + 1)

    def promised(self, images: int, level: float = 0.95) -> Interval:
        """Where the false positive rate on that many new images lies with probability `level`."""
        from scipy.stats import betabinom  # here, since it takes a second and a report needs none

        if images < 1 or not 0 < level < 1:
            raise BadValueError(f"promised: expected images >= 1 and a level in (0, 1), got {images} and {level!r}")
        flagged = betabinom(images, self.rank, self.n + 1 - self.rank)
        return Interval(float(flagged.ppf((1 - level) / 2)) / images, float(flagged.ppf((1 + level) / 2)) / images)


def threshold_at_fpr(validation: Tensor, fpr: float) -> Threshold:
    """The lowest threshold that keeps the expected false positive rate at or below `fpr`.

    Args:
        validation: (N,) scores of ordinary images that tuned nothing else; higher = more anomalous.
        fpr: the wanted rate, in (0, 1).

    Raises:
        BadValueError: a rate outside (0, 1), scores that are empty or not finite, or too few of them, or too many
            ties, for that rate.
    """
    if not 0 < fpr < 1:
        raise BadValueError(f"fpr: expected a number in (0, 1), got {fpr!r}")
    scores = vector("validation", validation)
    rank = min(int(fpr * (len(scores) + 1) + 1e-9), len(scores))  # 0.05 * 20 may be rounded to just below 1
    if rank < 1:
        raise BadValueError(
            f"fpr: expected at least 1 / (N + 1) = {1 / (len(scores) + 1):.2g} with N = {len(scores)} validation "
            f"images, got {fpr:g}; use more of them"
        )
    falling = scores.sort(descending=True).values
    values = torch.unique_consecutive(falling[:rank]).flip(0)
    flagged = torch.searchsorted(scores.sort().values, values)
    allowed = values[len(scores) - flagged <= rank]
    if len(allowed) == 0:
        tied = int(torch.eq(scores, falling[0]).sum())
        raise BadValueError(
            f"fpr: {tied} of {len(scores)} validation scores are equal and the highest, so that no threshold flags "
            f"{fpr:g} of them at most; use another score"
        )
    value = float(allowed[0])
    return Threshold(value, int((scores >= value).sum()), len(scores))
