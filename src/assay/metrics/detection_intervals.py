"""95 % intervals of the detection metrics, both sides resampled on their own (the base rate is given, not estimated).

A perfect sample is no proof of a perfect detector: a resample of perfectly parted scores is parted perfectly again, and
would give an interval of no width. Each interval here therefore reaches at least as far as Wilson's does after so many
trials without a failure: about z^2 / (m + z^2) = 3.84 / (m + 3.84) for 95 %.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from scipy.special import betaincinv
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.detection import (
    TPR,
    average_precision,
    both_sides,
    fpr_at_tpr,
    placements,
    rank_at_tpr,
)
from assay.metrics.intervals import (
    BLOCK,
    RESAMPLES,
    Interval,
    bootstrap_blocks,
    normal_quantile,
    percentile_interval,
    wilson,
)


def auroc_interval(negatives: Tensor, positives: Tensor, level: float = 0.95) -> Interval:
    """DeLong's interval of the AUROC on the logit scale (DeLong et al. 1988; Sun and Xu 2014 for O(n log n)).

    Var(A) = S_10 / N1 + S_01 / N0, the sample variances of the placement values; the interval is that of logit(A) with
    standard error sqrt(Var) / (A (1 - A)), mapped back, so that it stays inside [0, 1].

    Near 0 and 1 it is widened: min(N0, N1) pairs that share no example are independent trials of P(positive > negative)
    = A, so no end comes nearer to 1 (or 0) than Wilson's interval for as many successes (failures) in a row. With
    a single example on a side there is no variance to estimate, and the interval is [0, 1].

    Raises:
        BadValueError: a side is empty, a score is not finite, or level lies outside (0, 1).
    """
    z = normal_quantile(level)
    pairs = placements(*both_sides(negatives, positives))
    m = min(len(pairs.positives), len(pairs.negatives))
    if m < 2:
        return Interval(0.0, 1.0)
    area = float(pairs.positives.mean())
    low = high = area
    if 0 < area < 1:
        variance = sum(float(side.var()) / len(side) for side in pairs)
        centre, half = math.log(area / (1 - area)), z * math.sqrt(variance) / (area * (1 - area))
        low, high = _sigmoid(centre - half), _sigmoid(centre + half)
    return Interval(min(low, wilson(m, m, level).low), max(high, wilson(0, m, level).high))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def average_precision_interval(
    negatives: Tensor,
    positives: Tensor,
    generator: torch.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """The percentile bootstrap of average precision.

    The lower end is at most the average precision of a detector whose true share f = z^2 / (N0 + z^2) of negatives lies
    above every positive, which would show in no sample as often as Wilson's interval allows:
    integral over recall r of r / (r + c) = 1 - c log(1 + 1 / c), with c = f N0 / N1.

    Raises:
        BadValueError: a side is empty, a score is not finite, or level lies outside (0, 1).
    """
    return average_precision_intervals([(negatives, positives)], generator, resamples=resamples, level=level)[0]


def average_precision_intervals(
    sides: Sequence[tuple[Tensor, Tensor]],
    generator: torch.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> list[Interval]:
    """`average_precision_interval` of several scores of the same images, (negatives, positives) each.

    Each is what it would be alone with that generator: the resamples, whose drawing takes most of the time, are shared.
    Of no scores there are none.

    Raises:
        BadValueError: as there, or the scores are not of equally many images.
    """
    if not sides:
        return []
    found = []
    values = average_precisions(sides, generator, resamples)
    for (negatives, positives), drawn in zip(sides, values, strict=True):
        unseen = wilson(0, len(negatives), level).high * len(negatives) / len(positives)
        cap = 1 - unseen * math.log1p(1 / unseen)
        low, high = percentile_interval(drawn, level)
        estimate = average_precision(negatives, positives)
        found.append(Interval(min(low, cap, estimate), max(high, estimate)))
    return found


def average_precisions(
    sides: Sequence[tuple[Tensor, Tensor]], generator: torch.Generator, resamples: int = RESAMPLES
) -> list[Tensor]:
    """Average precision in each of R resamples, (R,) float64 for each of several scores, at least one."""
    ranked = [_Ranked.of(*both_sides(negatives, positives)) for negatives, positives in sides]
    sizes = {(len(negatives), len(positives)) for negatives, positives in sides}
    if len(sizes) > 1:
        raise BadValueError(f"sides: expected scores of the same images, got {sorted(sizes)} negatives and positives")
    ((n0, n1),) = sizes
    rows = max(1, BLOCK // max(n0, n1))
    streams = (bootstrap_blocks(n, resamples, generator, block=rows * n) for n in (n0, n1))
    values: list[list[Tensor]] = [[] for _ in sides]
    for of_negatives, of_positives in zip(*streams, strict=True):
        true_running = of_positives.cumsum(1)
        false_running = torch.nn.functional.pad(of_negatives.cumsum(1), (1, 0))
        for parts, one in zip(values, ranked, strict=True):
            true = true_running.index_select(1, one.true_end)
            false = false_running.index_select(1, one.false_end)
            precision = true / (true + false).clamp_(min=1)
            parts.append((of_positives * precision).sum(1).double() / n1)
    return [torch.cat(parts) for parts in values]


class _Ranked(NamedTuple):
    """For the positives of one score from the highest down, (N1,) int64 each.

    Attributes:
        true_end: the last of those that tie with it.
        false_end: how many negatives reach its score.
    """

    true_end: Tensor
    false_end: Tensor

    @classmethod
    def of(cls, low: Tensor, high: Tensor) -> "_Ranked":
        falling = high.flip(0)
        return cls(
            len(high) - torch.searchsorted(high, falling) - 1,
            len(low) - torch.searchsorted(low, falling),
        )


def fpr_at_tpr_interval(
    negatives: Tensor,
    positives: Tensor,
    generator: torch.Generator,
    *,
    tpr: float = TPR,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """The percentile bootstrap of FPR at TPR, and at least Wilson's interval of the share flagged at the threshold.

    The bootstrap is drawn from its exact distribution at no cost in n: the k-th highest of N1 positives drawn with
    replacement is the original at position floor(N1 U), with U ~ Beta(k, N1 - k + 1) the k-th of N1 uniform numbers;
    and the resampled negatives that reach it are Binomial(N0, their share).

    Raises:
        BadValueError: a side is empty, a score is not finite, or level or tpr lies outside (0, 1).
    """
    low, high = both_sides(negatives, positives)
    n0, n1 = len(low), len(high)
    k = rank_at_tpr(high, tpr)
    uniform = torch.rand(resamples, generator=generator, dtype=torch.float64)
    position = torch.from_numpy(betaincinv(k, n1 - k + 1, uniform.numpy()) * n1).long().clamp(0, n1 - 1)
    share = (n0 - torch.searchsorted(low, high.flip(0)[position])).double() / n0
    flagged = torch.binomial(torch.full_like(share, n0), share, generator=generator) / n0
    drawn = percentile_interval(flagged, level)
    at_threshold = wilson(round(fpr_at_tpr(low, high, tpr) * n0), n0, level)
    return Interval(min(drawn.low, at_threshold.low), max(drawn.high, at_threshold.high))
