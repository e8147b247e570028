"""Proper scoring rules: means over examples that only the true probabilities minimise. Lower is better.

`..._each` gives the value of each example, from which bootstraps draw.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.metrics.bins import bin_counts, bin_sums, equal_width, sort
from assay.metrics.calibration import BINS
from assay.metrics.checks import confidence_and_correct, logits_and_labels


class BrierParts(NamedTuple):
    """The two parts of the Brier score of the top label, which sum to it exactly; both >= 0, lower is better."""

    calibration: float
    refinement: float


def nll_each(logits: Tensor, labels: Tensor) -> Tensor:
    """-log softmax(z)_y = logsumexp(z) - z_y in nats, for logits (N, K) and labels (N,): (N,) float64, >= 0.

    Raises:
        BadValueError: a shape is wrong, a logit is not finite, or a label lies outside the classes.
    """
    z, y = logits_and_labels(logits, labels)
    return torch.nn.functional.cross_entropy(z, y, reduction="none")


def nll(logits: Tensor, labels: Tensor) -> float:
    """Negative log-likelihood: the mean of `nll_each`, computed from logits, so that no log of 0 arises."""
    return float(nll_each(logits, labels).mean())


def brier_each(logits: Tensor, labels: Tensor) -> Tensor:
    """sum_k (softmax(z)_k - 1[k = y])^2 (Brier 1950), for logits (N, K) and labels (N,): (N,) float64 in [0, 2].

    Raises:
        BadValueError: as `nll_each`.
    """
    z, y = logits_and_labels(logits, labels)
    return (z.softmax(1) - torch.nn.functional.one_hot(y, z.shape[1])).square().sum(1)


def brier(logits: Tensor, labels: Tensor) -> float:
    """The Brier score summed over classes, in [0, 2]: the mean of `brier_each`."""
    return float(brier_each(logits, labels).mean())


def brier_top_label(confidence: Tensor, correct: Tensor) -> float:
    """The mean of (c - y)^2, for confidence c (N,) in [0, 1] and correct y (N,) of 0 and 1; in [0, 1].

    Raises:
        BadValueError: the input is empty, holds NaN, or leaves those ranges.
    """
    c, y = confidence_and_correct(confidence, correct)
    return float((c - y).square().mean())


def brier_decomposition(confidence: Tensor, correct: Tensor, bins: int = BINS) -> BrierParts:
    """Split the Brier score of the top label into calibration and refinement over B bins of equal width.

    With n_b examples, mean confidence c_b and accuracy a_b in bin b:
    calibration = sum_b n_b / n (c_b - a_b)^2, and
    refinement = sum_b n_b / n (a_b (1 - a_b) + Var_b(c) - 2 Cov_b(c, y)) = sum_b n_b / n Var_b(y - c).
    The last two terms, within the bins, make the sum exact for any binning (Stephenson, Coelho and Jolliffe 2008, "Two
    extra components in the Brier score decomposition"); they vanish where each bin holds one confidence, which is
    the decomposition of Murphy 1973.

    Raises:
        BadValueError: as `brier_top_label`, or bins < 1.
    """
    examples = sort(*confidence_and_correct(confidence, correct))
    ends = equal_width(examples.confidence, bins)
    error = examples.correct - examples.confidence
    count, n = bin_counts(ends), len(error)
    mean = torch.where(count > 0, bin_sums(error, ends) / count.clamp(min=1), 0)
    spread = error - mean.repeat_interleave(count.long())
    return BrierParts(float((count * mean.square()).sum() / n), float(spread.square().mean()))
