"""Detection: how well a score tells anomalies (positives) from ordinary examples (negatives).

Everywhere: negatives (N0,) are the scores of ordinary examples, positives (N1,) those of anomalies; higher = more
anomalous. An example is flagged where its score is >= the threshold. All metrics lie in [0, 1] and do not change under
an increasing map of the scores. BadValueError is raised where a side is empty, or a score is NaN or infinite.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.checks import vector
from assay.metrics.thinning import thinned

TPR = 0.95


class RocCurve(NamedTuple):
    """Points of a ROC curve, float64 (P,) each, ascending from (0, 0) to (1, 1); straight lines join them."""

    fpr: Tensor
    tpr: Tensor


class Placements(NamedTuple):
    """For each positive, the share of negatives below it, and for each negative, that of positives above; ties half."""

    positives: Tensor
    negatives: Tensor


def both_sides(negatives: Tensor, positives: Tensor) -> tuple[Tensor, Tensor]:
    """The scores of both sides sorted ascending, float64 on the CPU; errors as the module says."""
    return vector("negatives", negatives).sort().values, vector("positives", positives).sort().values


def placements(negatives: Tensor, positives: Tensor) -> Placements:
    """The placement values of sorted scores, in O(n log n) (Sun and Xu 2014)."""
    below = torch.searchsorted(negatives, positives) + torch.searchsorted(negatives, positives, right=True)
    not_above = torch.searchsorted(positives, negatives) + torch.searchsorted(positives, negatives, right=True)
    return Placements(below.double() / (2 * len(negatives)), 1 - not_above.double() / (2 * len(positives)))


def auroc(negatives: Tensor, positives: Tensor) -> float:
    """P(positive > negative) + P(tie) / 2 over all pairs: the area under the ROC curve. Higher is better."""
    return float(placements(*both_sides(negatives, positives)).positives.mean())


def average_precision(negatives: Tensor, positives: Tensor) -> float:
    """AUPR as average precision: the mean over positives of the precision at their own score as threshold.

    Precision at t is TP(t) / (TP(t) + FP(t)), ties included, without interpolation (Davis and Goadrich 2006 warn of
    linear interpolation). Higher is better; chance is about the base rate N1 / (N0 + N1), to be stated beside it.
    """
    low, high = both_sides(negatives, positives)
    true = len(high) - torch.searchsorted(high, high)
    false = len(low) - torch.searchsorted(low, high)
    return float((true / (true + false).double()).mean())


def base_rate(negatives: Tensor, positives: Tensor) -> float:
    """N1 / (N0 + N1): the share of anomalies."""
    return len(positives) / (len(negatives) + len(positives))


def rank_at_tpr(positives: Tensor, tpr: float = TPR) -> int:
    """The k = ceil(tpr * N1) for which the k-th highest positive is the highest threshold that flags that share."""
    if not 0 < tpr <= 1:
        raise BadValueError(f"tpr: expected a number in (0, 1], got {tpr!r}")
    return max(1, math.ceil(tpr * len(positives) - 1e-9))  # 0.95 * 20 may round to just above 19


def fpr_at_tpr(negatives: Tensor, positives: Tensor, tpr: float = TPR) -> float:
    """The share of negatives flagged at the highest threshold that flags at least `tpr` of the positives.

    The threshold t is the k-th highest positive score, k = ceil(tpr * N1); FPR = #(negatives >= t) / N0, so negatives
    that tie with t count as flagged, and no point between two thresholds is interpolated. Lower is better.
    """
    low, high = both_sides(negatives, positives)
    threshold = high[len(high) - rank_at_tpr(high, tpr)]
    return float((low >= threshold).double().mean())


def roc_points(negatives: Tensor, positives: Tensor) -> RocCurve:
    """The whole ROC curve: (0, 0), then the shares flagged at every distinct score as threshold, from the highest down.

    A tie of negatives with positives is one slanted step, so that the area under the curve is the AUROC (Fawcett 2006,
    "An introduction to ROC analysis").
    """
    low, high = both_sides(negatives, positives)
    thresholds = torch.unique_consecutive(torch.cat([low, high]).sort().values).flip(0)
    fpr = (len(low) - torch.searchsorted(low, thresholds)).double() / len(low)
    tpr = (len(high) - torch.searchsorted(high, thresholds)).double() / len(high)
    return RocCurve(torch.cat([fpr.new_zeros(1), fpr]), torch.cat([tpr.new_zeros(1), tpr]))


def roc_curve(negatives: Tensor, positives: Tensor, points: int = 500) -> RocCurve:
    """The ROC curve thinned to at most `points` points; points on a straight line are left out in any case.

    See `assay.metrics.thinning`.

    Raises:
        BadValueError: points < 2, or as the module says.
    """
    fpr, tpr = roc_points(negatives, positives)
    keep = torch.from_numpy(thinned(fpr.numpy(), tpr.numpy(), points=points))
    return RocCurve(fpr[keep], tpr[keep])
