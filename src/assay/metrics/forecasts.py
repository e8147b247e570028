"""Scores of probability forecasts given as probabilities or intervals, an example each; lower is better.

Proper scoring rules, whose mean no forecaster can lower by stating other than what they believe (Gneiting and Raftery
2007, "Strictly proper scoring rules, prediction, and estimation").
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.bins import bin_counts, bin_sums, equal_width, sort
from assay.metrics.calibration import BINS
from assay.metrics.checks import confidence_and_correct, vector


class MurphyParts(NamedTuple):
    """What the refinement of a Brier score is made of: refinement = uncertainty - resolution + within_bins.

    Attributes:
        uncertainty: a (1 - a) with a the share of 1 among the outcomes; the Brier score of always stating a.
        resolution: sum_b n_b / n (a_b - a)^2 over bins, >= 0; higher is better.
        within_bins: what differences of confidence inside bins add or take: 0 where each bin holds one confidence.
    """

    uncertainty: float
    resolution: float
    within_bins: float


def squared_error_each(probabilities: Tensor, outcomes: Tensor) -> Tensor:
    """sum_k (p_k - 1[k = y])^2 (Brier 1950), for p (N, K) in [0, 1] and y (N,) in 0..K-1: (N,) float64 in [0, 2]."""
    p = probabilities.detach().cpu().double()
    return (p - torch.nn.functional.one_hot(outcomes.cpu().long(), p.shape[1])).square().sum(1)


def log_score_each(happened: Tensor) -> Tensor:
    """-log p in nats (Good 1952), for p (N,) in [0, 1] the probability of what happened: (N,) float64, >= 0.

    Infinite where p is 0: what was called impossible happened. Nothing is clipped.

    Raises:
        BadValueError: p is empty, holds NaN, or lies outside [0, 1].
    """
    p, _ = confidence_and_correct(happened, torch.ones_like(happened))
    return p.log().neg() + 0.0  # -log 1 is -0.0, which would be shown with its sign


def interval_score_each(low: Tensor, high: Tensor, outcome: Tensor, level: float) -> Tensor:
    """(u - l) + 2 / alpha ((l - x)+ + (x - u)+) with alpha = 1 - level (Gneiting and Raftery 2007): (N,), >= 0.

    For central prediction intervals [l, u] of that level, whose ends are the quantiles alpha / 2 and 1 - alpha / 2;
    these ends minimise its expectation. In the units of the outcome.

    Args:
        low: (N,) lower ends l.
        high: (N,) upper ends u >= l.
        outcome: (N,) what happened, x.
        level: in (0, 1).

    Raises:
        BadValueError: a value is not finite, shapes differ, an interval is upside down, or level lies outside (0, 1).
    """
    lower, upper, x = vector("low", low), vector("high", high), vector("outcome", outcome)
    if not lower.shape == upper.shape == x.shape:
        raise BadValueError(f"outcome: expected shapes as low {tuple(lower.shape)}, got {tuple(x.shape)}")
    if bool((lower > upper).any()):
        raise BadValueError("low: expected low <= high, got an interval upside down")
    if not 0 < level < 1:
        raise BadValueError(f"level: expected a number between 0 and 1, got {level!r}")
    return upper - lower + 2 / (1 - level) * ((lower - x).clamp(min=0) + (x - upper).clamp(min=0))


def murphy_parts(confidence: Tensor, correct: Tensor, bins: int = BINS) -> MurphyParts:
    """Split the refinement of the Brier score over B bins of equal width (Murphy 1973).

    Murphy's split is exact where each bin holds one confidence; within_bins = sum_b n_b / n (Var_b(c) - 2 Cov_b(c, y))
    makes it so for any binning (Stephenson, Coelho and Jolliffe 2008).

    Raises:
        BadValueError: the input is empty, holds NaN, leaves its ranges, or bins < 1.
    """
    examples = sort(*confidence_and_correct(confidence, correct))
    ends = equal_width(examples.confidence, bins)
    count, n = bin_counts(ends), len(examples.confidence)

    def around_means(values: Tensor) -> Tensor:
        means = torch.where(count > 0, bin_sums(values, ends) / count.clamp(min=1), 0)
        return values - means.repeat_interleave(count.long())

    share = examples.correct.mean()
    rates = torch.where(count > 0, bin_sums(examples.correct, ends) / count.clamp(min=1), share)
    c, y = around_means(examples.confidence), around_means(examples.correct)
    return MurphyParts(
        uncertainty=float(share * (1 - share)),
        resolution=float((count * (rates - share).square()).sum() / n),
        within_bins=float((c.square() - 2 * c * y).mean()),
    )
