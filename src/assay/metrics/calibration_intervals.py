"""95 % intervals of the calibration errors and the proper scores, by one bootstrap over the examples.

Calibration errors have the intervals of `gap_norms`; those of the smooth and the classwise ECE are in `linear_gaps`.
Errors that never occurred cannot be resampled: with hardly any errors, intervals are too short.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from assay.metrics.bins import Sorted, bin_counts, bin_sums, equal_mass, equal_width, of_size, sort
from assay.metrics.calibration import (
    BIN_SIZE,
    BINS,
    adaptive_calibration_error,
    expected_calibration_error,
    max_calibration_error,
    rms_calibration_error,
    rms_calibration_error_without_last_bin,
)
from assay.metrics.checks import confidence_and_correct, vector
from assay.metrics.gap_norms import ONE, TWO, Norm, interval_of_norm
from assay.metrics.intervals import (
    RESAMPLES,
    Interval,
    bootstrap_blocks,
    normal_quantile,
    percentile_interval,
    wilson,
)
from assay.metrics.proper_scores import brier_decomposition


class CalibrationIntervals(NamedTuple):
    """Intervals of the calibration errors; without_last_bin is None where there are fewer than two bins of 100."""

    ece: Interval
    adaptive_ece: Interval
    rms: Interval
    rms_without_last_bin: Interval | None
    brier_calibration: Interval
    brier_refinement: Interval


def calibration_intervals(
    confidence: Tensor,
    correct: Tensor,
    generator: torch.Generator,
    *,
    bins: int = BINS,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> CalibrationIntervals:
    """Intervals of all binned calibration errors from the same resamples.

    The borders of bins of equal mass and of fixed size stay where the sample puts them.

    Args:
        confidence: (N,) in [0, 1].
        correct: (N,) of 0 and 1.
        generator: a CPU generator.
        bins: bins of equal width or equal mass.
        resamples: the number of resamples.
        level: of the intervals.

    Raises:
        BadValueError: the input is empty, holds NaN, or leaves those ranges.
    """
    taken = CalibrationResamples(confidence, correct, bins=bins)
    for weights in bootstrap_blocks(len(confidence), resamples, generator):
        taken.take(weights)
    return taken.intervals(level)


class CalibrationResamples:
    """What the intervals of `calibration_intervals` need of resamples that others may use too.

    Attributes:
        order: (N,) the examples' places in ascending order of confidence, to which weights are given.
    """

    def __init__(self, confidence: Tensor, correct: Tensor, *, bins: int = BINS) -> None:
        self.confidence, self.correct = confidence_and_correct(confidence, correct)
        self.order, self.bins = self.confidence.argsort(stable=True), bins
        examples, self.n = sort(self.confidence, self.correct), len(self.order)
        binnings = (equal_width(examples.confidence, bins), equal_mass(self.n, bins), of_size(self.n, BIN_SIZE))
        self.width, self.mass, self.size = (_Gaps(examples, ends) for ends in binnings)
        self.error = (examples.correct - examples.confidence).float()
        self.refinements: list[Tensor] = []

    def take(self, weights: Tensor) -> None:
        """Take in a block of resamples with weights (R, N) of the examples in `order`."""
        errors = (weights * self.error).cumsum(1)
        counts = weights.cumsum(1)
        for gaps in (self.width, self.mass, self.size):
            gaps.resample(errors, counts)
        square = (weights @ self.error.square()).double() / self.n
        self.refinements.append(square - self.width.last_squares())

    def intervals(self, level: float = 0.95) -> CalibrationIntervals:
        """The intervals from all resamples taken in."""
        c, y, bins = self.confidence, self.correct, self.bins
        parts = brier_decomposition(c, y, bins)
        calibration = self.width.interval(TWO, math.sqrt(parts.calibration), level)
        last = slice(0, -1)
        return CalibrationIntervals(
            ece=self.width.interval(ONE, expected_calibration_error(c, y, bins), level),
            adaptive_ece=self.mass.interval(ONE, adaptive_calibration_error(c, y, bins), level),
            rms=self.size.interval(TWO, rms_calibration_error(c, y), level),
            rms_without_last_bin=None
            if self.n < 2 * BIN_SIZE
            else self.size.interval(TWO, rms_calibration_error_without_last_bin(c, y), level, last),
            brier_calibration=Interval(calibration.low**2, calibration.high**2),
            brier_refinement=_basic(torch.cat(self.refinements), parts.refinement, level),
        )


def _basic(values: Tensor, estimate: float, level: float) -> Interval:
    """The basic bootstrap 2 estimate - q, which takes off a bias as large as the estimate's own; never below 0."""
    low, high = percentile_interval(values, level)
    return Interval(max(2 * estimate - high, 0.0), max(2 * estimate - low, 0.0))


class _Gaps:
    """The signed gaps of one binning, and those of each resample: sums of y - c over a bin / n, and shares n_b / n."""

    def __init__(self, examples: Sorted, ends: Tensor) -> None:
        self.n = len(examples.confidence)
        self.ends = ends
        self.sums = bin_sums(examples.correct - examples.confidence, ends) / self.n
        self.shares = bin_counts(ends) / self.n
        chance = examples.confidence * (1 - examples.confidence)
        self.chance = bin_sums(chance, ends).sqrt() / self.n  # a gap's standard deviation under calibration
        self.resampled: list[tuple[Tensor, Tensor]] = []

    def resample(self, errors: Tensor, counts: Tensor) -> None:
        """Take in the running sums (R, N) of a block of resamples."""
        self.resampled.append((_between(errors, self.ends) / self.n, _between(counts, self.ends) / self.n))

    def last_squares(self) -> Tensor:
        """sum_b n_b / n gap_b^2 of each resample of the last block: (R,)."""
        sums, shares = self.resampled[-1]
        return TWO.value(sums * TWO.scale(shares)).square()

    def interval(self, norm: Norm, estimate: float, level: float, part: slice = slice(None)) -> Interval:
        """The interval of `norm` over the bins of `part`, around the estimate, inside [0, 1]."""
        sums, shares = (torch.cat(pieces)[:, part] for pieces in zip(*self.resampled, strict=True))
        scale = norm.scale(self.shares[part])
        gaps = self.sums[part] * scale
        noise = sums * norm.scale(shares) - gaps
        return interval_of_norm(norm, gaps, noise, self.chance[part] * scale, self.n, estimate, level)


def _between(running: Tensor, ends: Tensor) -> Tensor:
    """Sums of each bin from running sums (R, N): (R, B) float64."""
    at_ends = running.index_select(1, (ends - 1).clamp(min=0)).double()
    return torch.where(ends > 0, at_ends, 0).diff(dim=1, prepend=at_ends.new_zeros(len(at_ends), 1))


def max_calibration_error_interval(
    confidence: Tensor, correct: Tensor, *, bins: int = BINS, level: float = 0.95
) -> Interval:
    """An interval of the largest gap, from Wilson's interval of the accuracy in each bin, given the confidences.

    With m bins that hold an example, each gets the level 1 - (1 - level) / m (Bonferroni), so that all hold at once;
    the largest gap then lies between the largest of the nearest and the largest of the farthest distances from mean
    confidence to those intervals. Wide where a bin holds few examples, as the truth there is open.

    Raises:
        BadValueError: the input is empty, holds NaN, or leaves its ranges, or level lies outside (0, 1).
    """
    normal_quantile(level)
    c, y = confidence_and_correct(confidence, correct)
    examples = sort(c, y)
    ends = equal_width(examples.confidence, bins)
    counts = bin_counts(ends)
    rows = torch.stack([counts, bin_sums(examples.correct, ends), bin_sums(examples.confidence, ends)], 1)[counts > 0]
    largest = max_calibration_error(c, y, bins)
    near, far = 0.0, largest  # the largest gap itself, which rounding could leave just outside
    for count, right, total in rows.tolist():
        low, high = wilson(round(right), round(count), 1 - (1 - level) / len(rows))
        near = max(near, total / count - high, low - total / count)
        far = max(far, total / count - low, high - total / count)
    return Interval(min(near, largest), far)


def mean_interval(
    values: Tensor, generator: torch.Generator, *, resamples: int = RESAMPLES, level: float = 0.95
) -> Interval:
    """The percentile bootstrap of a mean of values (N,), such as those of `nll_each` (Efron and Tibshirani 1993).

    A mean is unbiased, so the percentiles need no correction.

    Raises:
        BadValueError: values are empty, or not finite.
    """
    each = vector("values", values)
    centre = float(each.mean())
    centred = (each - centre).float()  # float32 sums of what is left lose nothing that matters
    n = len(each)
    means = torch.cat([(weights @ centred).double() for weights in bootstrap_blocks(n, resamples, generator)]) / n
    low, high = percentile_interval(means, level)
    return Interval(centre + low, centre + high)
