"""Calibration: how far confidence is from accuracy. All lie in [0, 1]; 0 is calibrated, lower is better.

With bins B_b of n_b among n examples, c_i the confidence and y_i whether the prediction is right:
gap_b = |mean of (y_i - c_i) over B_b|. All are plug-in estimates, biased upwards: noise in a bin counts as a gap.

Everywhere: confidence (N,) in [0, 1] is the probability of the predicted class; correct (N,) is bool, or 0 and 1.
BadValueError is raised for empty input, NaN, other shapes or other values.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.bins import Sorted, bin_counts, bin_sums, equal_mass, equal_width, of_size, share_ties, sort
from assay.metrics.checks import confidence_and_correct

BINS = 15
BIN_SIZE = 100  # examples a bin of the RMS calibration error holds


@dataclass(frozen=True, kw_only=True, eq=False)
class Reliability:
    """What a reliability diagram draws, a value for each bin of equal width; NaN where a bin is empty.

    Attributes:
        count: (B,) int64.
        confidence: (B,) mean confidence.
        accuracy: (B,) share of right predictions.
    """

    count: Tensor
    confidence: Tensor
    accuracy: Tensor


def reliability_bins(confidence: Tensor, correct: Tensor, bins: int = BINS) -> Reliability:
    """Count, mean confidence and accuracy of each bin (b / B, (b + 1) / B]; 0 lies in the first, 1 in the last."""
    examples = _sorted(confidence, correct)
    ends = equal_width(examples.confidence, bins)
    count = bin_counts(ends)
    return Reliability(
        count=count.long(),
        confidence=bin_sums(examples.confidence, ends) / count,
        accuracy=bin_sums(examples.correct, ends) / count,
    )


class Histogram(NamedTuple):
    """How many examples of each bin of equal width are right, and how many wrong: (B,) int64 each."""

    right: Tensor
    wrong: Tensor


def confidence_histogram(confidence: Tensor, correct: Tensor, bins: int = BINS) -> Histogram:
    """Count right and wrong predictions in each bin (b / B, (b + 1) / B]; 0 lies in the first, 1 in the last."""
    examples = _sorted(confidence, correct)
    ends = equal_width(examples.confidence, bins)
    right = bin_sums(examples.correct, ends).round().long()
    return Histogram(right=right, wrong=bin_counts(ends).long() - right)


def expected_calibration_error(confidence: Tensor, correct: Tensor, bins: int = BINS) -> float:
    """ECE: sum_b n_b / n * gap_b over bins of equal width (Naeini et al. 2015; Guo et al. 2017)."""
    examples = _sorted(confidence, correct)
    return _expected(examples, equal_width(examples.confidence, bins))


def adaptive_calibration_error(confidence: Tensor, correct: Tensor, bins: int = BINS) -> float:
    """Adaptive ECE: as ECE, over bins of equal mass (Nguyen and O'Connor 2015).

    Equal confidences share their mean correctness, so that their order does not matter.
    """
    examples = share_ties(_sorted(confidence, correct))
    return _expected(examples, equal_mass(len(examples.confidence), bins))


def max_calibration_error(confidence: Tensor, correct: Tensor, bins: int = BINS) -> float:
    """The largest gap_b over the bins of equal width that hold an example (Naeini et al. 2015)."""
    examples = _sorted(confidence, correct)
    ends = equal_width(examples.confidence, bins)
    count = bin_counts(ends)
    gaps = bin_sums(examples.correct - examples.confidence, ends).abs() / count
    return min(float(gaps[count > 0].max()), 1.0)


def rms_calibration_error(confidence: Tensor, correct: Tensor, size: int = BIN_SIZE) -> float:
    """sqrt(sum_b n_b / n * gap_b^2) over bins of `size` examples sorted by confidence (Hendrycks et al. 2019).

    The last bin takes the remainder of n / size too. Equal confidences share their mean correctness. Noise alone
    gives about sqrt(accuracy * (1 - accuracy) / size) or less.
    """
    return float(_squared_gaps(confidence, correct, size).sum().sqrt())


def rms_calibration_error_without_last_bin(confidence: Tensor, correct: Tensor, size: int = BIN_SIZE) -> float:
    """As `rms_calibration_error` with the last, most confident bin left out of the sum, though not of n.

    Code that many have copied computes this; it flatters. It is here to compare with published numbers alone.

    Raises:
        BadValueError: fewer than two bins can be filled.
    """
    if len(confidence) < 2 * size:
        raise BadValueError(
            f"confidence: expected at least {2 * size} examples, two bins of {size}, got {len(confidence)}"
        )
    return float(_squared_gaps(confidence, correct, size)[:-1].sum().sqrt())


def _sorted(confidence: Tensor, correct: Tensor) -> Sorted:
    return sort(*confidence_and_correct(confidence, correct))


def _expected(examples: Sorted, ends: Tensor) -> float:
    gaps = bin_sums(examples.correct - examples.confidence, ends).abs().sum() / len(examples.confidence)
    return min(float(gaps), 1.0)


def _squared_gaps(confidence: Tensor, correct: Tensor, size: int) -> Tensor:
    """n_b / n * gap_b^2 of each bin: (B,)."""
    examples = share_ties(_sorted(confidence, correct))
    n = len(examples.confidence)
    ends = of_size(n, size)
    return bin_sums(examples.correct - examples.confidence, ends).square() / bin_counts(ends) / n


def top_label(logits: Tensor) -> Tensor:
    """The probability of the predicted class, max softmax(z), for logits (N, K): (N,) float64."""
    return torch.softmax(logits.detach().cpu().double(), dim=1).amax(1)
