"""Rejection: what a classifier gets wrong when it may leave the images of the highest scores to somebody else.

At threshold t the images with score <= t are answered. Coverage is their share of all, risk the share of errors among
them. AURC is the mean of the risk over the images' own scores as thresholds (Geifman and El-Yaniv 2017, "Selective
classification for deep neural networks"; Geifman, Uziel and El-Yaniv 2019, "Bias-reduced uncertainty estimation for
deep neural classifiers"):

    AURC = (1 / N) sum_i  #{j: s_j <= s_i and j is wrong} / #{j: s_j <= s_i}

Images of equal score are answered together, so that no order among them flatters. Excess AURC is what is left after the
AURC of scores that put every error above every right answer. Both lie in [0, 1]; lower is better.

Everywhere: scores (N,), higher = rejected sooner; wrong (N,), 1 (or True) where the model errs. BadValueError is raised
where they are empty, differ in shape, or hold anything else.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.checks import vector
from assay.metrics.intervals import RESAMPLES, Interval, bootstrap_blocks, percentile_interval


class RiskCoverage(NamedTuple):
    """The curve at every distinct score, float64 (P,) each, by rising coverage; it ends at coverage 1."""

    coverage: Tensor
    risk: Tensor


class Answered(NamedTuple):
    """How many images are answered, and how many of those wrongly."""

    images: int
    errors: int


def risk_coverage(scores: Tensor, wrong: Tensor) -> RiskCoverage:
    """The risk-coverage curve."""
    order = _Order(scores, wrong)
    ends = torch.unique(order.end)
    answered = ends.double() + 1
    return RiskCoverage(answered / len(order.wrong), order.wrong.cumsum(0)[ends] / answered)


def aurc(scores: Tensor, wrong: Tensor) -> float:
    """The area under the risk-coverage curve."""
    order = _Order(scores, wrong)
    return float(order.area(torch.ones(1, len(order.wrong), dtype=torch.float64)))


def excess_aurc(scores: Tensor, wrong: Tensor) -> float:
    """AURC less that of the best order of the same answers.

    0 where every error has a higher score than all else, and no two errors the same.
    """
    _, errors = _checked(scores, wrong)
    best = aurc(torch.arange(len(errors)), errors.sort().values)
    return max(0.0, aurc(scores, wrong) - best)  # rounding may put it below


def aurc_interval(scores: Tensor, wrong: Tensor, generator: torch.Generator, *, resamples: int = RESAMPLES) -> Interval:
    """The 95 % interval of the AURC: percentiles of a bootstrap over images."""
    order = _Order(scores, wrong)
    blocks = [order.area(weights.double()) for weights in bootstrap_blocks(len(order.wrong), resamples, generator)]
    return percentile_interval(torch.cat(blocks))


def answered_at(scores: Tensor, wrong: Tensor, coverage: float) -> Answered:
    """What is answered at the lowest threshold that covers at least that share, in (0, 1], of the images."""
    if not 0 < coverage <= 1:
        raise BadValueError(f"coverage: expected a number in (0, 1], got {coverage!r}")
    values, errors = _checked(scores, wrong)
    rank = max(1, int(-(-coverage * len(values) // 1))) if coverage < 1 else len(values)
    if rank > 1 and (rank - 1) / len(values) >= coverage:  # coverage * N may be rounded to just above a whole number
        rank -= 1
    taken = values <= values.sort().values[rank - 1]
    return Answered(int(taken.sum()), int(errors[taken].sum()))


class _Order:
    """Errors by rising score; `end` (N,) is the last place of an image's tie."""

    def __init__(self, scores: Tensor, wrong: Tensor) -> None:
        values, errors = _checked(scores, wrong)
        rising = values.sort()
        self.wrong = errors[rising.indices]
        self.end = torch.searchsorted(rising.values, rising.values, right=True) - 1

    def area(self, weights: Tensor) -> Tensor:
        """The AURC (R,) of resamples in which an image, by rising score, counts as often as its weight (R, N)."""
        answered, errors = weights.cumsum(1)[:, self.end], (weights * self.wrong).cumsum(1)[:, self.end]
        return (weights * errors / answered.clamp(min=1)).sum(1) / weights.sum(1)


def _checked(scores: Tensor, wrong: Tensor) -> tuple[Tensor, Tensor]:
    values, errors = vector("scores", scores), vector("wrong", wrong)
    if values.shape != errors.shape:
        raise BadValueError(f"wrong: expected shape {tuple(values.shape)} as scores, got {tuple(errors.shape)}")
    if not bool(((errors == 0) | (errors == 1)).all()):
        raise BadValueError("wrong: expected 0 or 1 for each image, got other numbers")
    return values, errors
