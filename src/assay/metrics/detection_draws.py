"""Bootstrap draws of the detection metrics: AUROC, AUPR and FPR at 95 % TPR of resamples given by their weights.

A resample that holds example i w_i times has the metrics of `detection` with every count weighted by w, which is exact:
nothing is sorted again, since a resample keeps the order of the scores.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from assay.metrics.checks import vector
from assay.metrics.detection import TPR, rank_at_tpr


class DetectionDraws(NamedTuple):
    """The metrics of R resamples, (R,) float32 each."""

    auroc: Tensor
    aupr: Tensor
    fpr95: Tensor


@dataclass(frozen=True, eq=False)
class Falling:
    """Scores (N,) of one side from the highest to the lowest.

    Attributes:
        scores: (N,) float64, falling.
        order: where each was, (N,) int64.
    """

    scores: Tensor
    order: Tensor

    def running(self, weights: Tensor) -> Tensor:
        """The weight of the j highest examples, j = 0..N, for weights (R, N): (R, N + 1)."""
        total = weights.new_zeros(len(weights), len(self.order) + 1)
        torch.cumsum(weights.index_select(1, self.order), 1, out=total[:, 1:])
        return total


def falling(scores: Tensor) -> Falling:
    """Sort scores (N,); BadValueError where they are empty or not finite."""
    found = vector("scores", scores).sort(descending=True)
    return Falling(found.values, found.indices)


def detection_draws(negatives: Falling, positives: Falling, below: Tensor, above: Tensor) -> DetectionDraws:
    """The metrics of resamples whose running weights are `below` (R, N0 + 1) of negatives, `above` of positives."""
    n0, n1 = len(negatives.scores), len(positives.scores)
    weight = above.diff(dim=1)
    reach, pass_by = _counts(negatives.scores, positives.scores)
    false = below.index_select(1, reach)
    beyond = false if torch.equal(reach, pass_by) else below.index_select(1, pass_by)
    last, _ = _counts(positives.scores, positives.scores)
    true = above.index_select(1, last)
    wins = 1 - (false + beyond) / (2 * n0)
    k = rank_at_tpr(positives.scores, TPR)
    threshold = torch.searchsorted(above[:, 1:].contiguous(), above.new_full((len(above), 1), k))
    return DetectionDraws(
        auroc=(weight * wins).sum(1) / n1,
        aupr=(weight * true / (true + false).clamp_(min=1)).sum(1) / n1,
        fpr95=false.gather(1, threshold).squeeze(1) / n0,
    )


def _counts(scores: Tensor, thresholds: Tensor) -> tuple[Tensor, Tensor]:
    """How many of the falling scores are >= each threshold, and how many are above it: (T,) int64 each."""
    rising = scores.flip(0)
    return (
        len(scores) - torch.searchsorted(rising, thresholds),
        len(scores) - torch.searchsorted(rising, thresholds, right=True),
    )
