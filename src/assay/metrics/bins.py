"""Bins of examples sorted by confidence.

A binning is given by its ends, ascending int64 (B,) of which the last is N: bin b holds the sorted examples from
ends[b - 1] to ends[b] - 1, and may be empty.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError


class Sorted(NamedTuple):
    """Examples sorted by confidence, float64 (N,) each."""

    confidence: Tensor
    correct: Tensor


def sort(confidence: Tensor, correct: Tensor) -> Sorted:
    """Sort by confidence, stably."""
    ordered, index = confidence.sort(stable=True)
    return Sorted(ordered, correct[index])


def share_ties(examples: Sorted) -> Sorted:
    """Give examples of equal confidence their mean correctness.

    Where a bin's border falls among equal confidences, which of them lies on which side is arbitrary; their mean
    stands for every order, so that results do not depend on the order of the examples.
    """
    _, group, counts = torch.unique_consecutive(examples.confidence, return_inverse=True, return_counts=True)
    right = torch.zeros(len(counts), dtype=torch.float64).index_add_(0, group, examples.correct)
    return Sorted(examples.confidence, (right / counts)[group])


def equal_width(confidence: Tensor, bins: int) -> Tensor:
    """Ends of the bins (b / B, (b + 1) / B] of sorted confidences (N,); 0 lies in the first bin, 1 in the last."""
    check_bins(bins)
    edges = torch.arange(1, bins + 1, dtype=torch.float64) / bins
    return torch.searchsorted(confidence, edges, right=True)


def equal_mass(n: int, bins: int) -> Tensor:
    """Ends of B bins of n examples whose sizes differ by at most 1; some are empty where n < B."""
    check_bins(bins)
    return torch.arange(1, bins + 1) * n // bins


def of_size(n: int, size: int) -> Tensor:
    """Ends of floor(n / size) bins of `size` examples, the last of which takes the rest too; one bin where n < size."""
    check_bins(size)
    ends = torch.arange(1, max(1, n // size) + 1) * size
    ends[-1] = n
    return ends


def check_bins(bins: int) -> None:
    """Raise BadValueError unless bins is at least 1."""
    if bins < 1:
        raise BadValueError(f"bins: expected a whole number >= 1, got {bins!r}")


def bin_counts(ends: Tensor) -> Tensor:
    """How many examples each bin holds: (B,) float64."""
    return ends.diff(prepend=ends.new_zeros(1)).double()


def bin_sums(values: Tensor, ends: Tensor) -> Tensor:
    """Sums of values (..., N) over each bin: (..., B)."""
    running = values.cumsum(-1)
    at_ends = running.index_select(-1, (ends - 1).clamp(min=0))
    at_ends = torch.where(ends > 0, at_ends, 0)
    return at_ends.diff(dim=-1, prepend=torch.zeros_like(at_ends[..., :1]))
