"""Classwise ECE: the calibration of every class's probability, not of the predicted one alone.

    classwise ECE = 1/K sum_k sum_b n_bk / n |share of class k - mean p_k over bin b of p_k|

over bins (b / B, (b + 1) / B] of equal width of each class's probability p_k over all n examples; 0 lies in the first
bin. Source: Kull et al. 2019, "Beyond temperature scaling: obtaining well-calibrated multiclass probabilities with
Dirichlet calibration". The static calibration error of Nixon et al. 2019, "Measuring calibration in deep learning", is
the same number. In [0, 1]; 0 is calibrated, lower is better. With many classes most probabilities are near 0, and so is
their share of the mean: compare models of the same number of classes alone.
"""

import torch
from torch import Tensor

from assay.metrics.bins import check_bins
from assay.metrics.calibration import BINS
from assay.metrics.checks import logits_and_labels


def classwise_calibration_error(logits: Tensor, labels: Tensor, bins: int = BINS) -> float:
    """Classwise ECE of softmax(z), for logits (N, K) and labels (N,).

    Raises:
        BadValueError: a shape is wrong, a logit is not finite, a label lies outside the classes, or bins < 1.
    """
    z, y = logits_and_labels(logits, labels)
    error, bin_of = class_errors(z, y, bins)
    sums = torch.zeros(z.shape[1] * bins, dtype=torch.float64).index_add_(0, bin_of.flatten(), error.flatten())
    return min(float(sums.abs().sum()) / error.numel(), 1.0)


def class_errors(z: Tensor, y: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """1[k = y] - p_k, (N, K) float64, and the bin k * B + b that it lies in, (N, K) int64, for checked input."""
    check_bins(bins)
    p = z.softmax(1)
    edges = torch.arange(1, bins, dtype=torch.float64) / bins
    own = torch.searchsorted(edges, p)
    return torch.nn.functional.one_hot(y, z.shape[1]) - p, own + bins * torch.arange(z.shape[1])
