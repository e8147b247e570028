"""Intervals: how far a number may be from the truth, for proportions, bootstraps, paired differences and seeds.

Every interval is two-sided, of the given level (0.95 unless told), and in the units of its metric.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import ndtri, stdtrit
from torch import Tensor

from assay.errors import BadValueError

RESAMPLES = 1000  # resamples of a bootstrap: the ends of a 95 % interval rest on about 25 of them
BLOCK = 2_000_000  # weights held at once: 8 MB, which stays near the processor's cache


class Interval(NamedTuple):
    """The two ends of an interval, low <= high."""

    low: float
    high: float


class Difference(NamedTuple):
    """A mean difference a - b with the ends of its interval."""

    value: float
    low: float
    high: float


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927, "Probable inference").

    With p = successes / n and z the normal quantile of (1 + level) / 2, the ends are
    (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n). It has width even where p is 0 or 1.

    Raises:
        BadValueError: n < 1, successes outside 0..n, or level outside (0, 1).
    """
    if n < 1 or not 0 <= successes <= n:
        raise BadValueError(f"successes: expected a count in 0..n with n >= 1, got {successes} of n = {n}")
    z = normal_quantile(level)
    p, shrink = successes / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    low = 0.0 if successes == 0 else max(centre - half, 0.0)  # exact ends, which rounding would miss
    high = 1.0 if successes == n else min(centre + half, 1.0)
    return Interval(low, high)


def normal_quantile(level: float) -> float:
    """The z for which a standard normal lies in [-z, z] with probability `level` in (0, 1): 1.96 for 0.95."""
    if not 0 < level < 1:
        raise BadValueError(f"level: expected a number between 0 and 1, got {level!r}")
    return _normal_quantile(level)


def bootstrap_blocks(n: int, resamples: int, generator: torch.Generator, *, block: int = BLOCK) -> Iterator[Tensor]:
    """Yield multinomial resamples of n examples in blocks of rows (b, n), float32 counts that sum to n in each row.

    The draws do not depend on `block`, which only bounds the memory: about that many counts are held at once.

    Raises:
        BadValueError: n or resamples is below 1.
    """
    if n < 1 or resamples < 1:
        raise BadValueError(f"bootstrap: expected n >= 1 and resamples >= 1, got n = {n}, resamples = {resamples}")
    rows = max(1, min(block, 2**30) // n)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = torch.randint(n, (size, n), generator=generator, dtype=torch.int32)  # half the memory, twice the speed
        drawn += torch.arange(size, dtype=torch.int32)[:, None] * n
        yield torch.bincount(drawn.flatten(), minlength=size * n).view(size, n).float()


def bootstrap_weights(n: int, resamples: int, generator: torch.Generator) -> Tensor:
    """As `bootstrap_blocks`, all at once: (resamples, n) float32 counts, 4 bytes each."""
    return torch.cat(list(bootstrap_blocks(n, resamples, generator)))


def percentile_interval(values: Tensor, level: float = 0.95) -> Interval:
    """The quantiles (1 - level) / 2 and (1 + level) / 2 of bootstrap values (R,), interpolated linearly.

    Raises:
        BadValueError: values are empty or not finite, or level lies outside (0, 1).
    """
    normal_quantile(level)
    if values.ndim != 1 or len(values) == 0 or not bool(values.isfinite().all()):
        raise BadValueError(f"values: expected finite numbers (R,) with R >= 1, got shape {tuple(values.shape)}")
    ordered = torch.from_numpy(np.sort(values.double().numpy(force=True)))  # in a third of the time that torch takes
    last = len(values) - 1
    return Interval(_quantile(ordered, (1 - level) / 2 * last), _quantile(ordered, (1 + level) / 2 * last))


def _quantile(ordered: Tensor, place: float) -> float:
    """The value at that place between the first and the last: to the bit torch.quantile's, in a third of its time."""
    below = math.floor(place)
    return float(torch.lerp(ordered[below], ordered[math.ceil(place)], place - below))


def paired_difference(
    a: Tensor, b: Tensor, generator: torch.Generator, *, resamples: int = RESAMPLES, level: float = 0.95
) -> Difference:
    """The mean of a - b over the same examples, with a paired percentile bootstrap (Efron and Tibshirani 1993).

    Args:
        a: (N,) values of one model on N examples, such as 1 where it is right.
        b: (N,) values of another model on the same examples in the same order.
        generator: a CPU generator.
        resamples: the number of resamples.
        level: of the interval.

    Raises:
        BadValueError: the shapes differ, or a value is not finite.
    """
    if a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise BadValueError(f"paired difference: expected two (N,) tensors, got {tuple(a.shape)} and {tuple(b.shape)}")
    difference = a.cpu().double() - b.cpu().double()
    if not bool(difference.isfinite().all()):
        raise BadValueError("paired difference: expected finite values, got NaN or infinity")
    n = len(difference)
    means = torch.cat([block.double() @ difference for block in bootstrap_blocks(n, resamples, generator)]) / n
    return Difference(float(difference.mean()), *percentile_interval(means, level))


def across_seeds(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t interval of the mean over seeds: mean -+ t_(n - 1) s / sqrt(n).

    Raises:
        BadValueError: fewer than two values, or a value that is not finite.
    """
    if len(values) < 2 or not all(map(math.isfinite, values)):
        raise BadValueError(f"values: expected at least two finite numbers, one a seed, got {list(values)}")
    normal_quantile(level)
    n = len(values)
    mean = math.fsum(values) / n
    spread = math.sqrt(math.fsum([(value - mean) ** 2 for value in values]) / (n - 1))
    half = _student_quantile(level, n - 1) * spread / math.sqrt(n)
    return Interval(mean - half, mean + half)


@cache  # here and below: a large study asks for the same one a hundred thousand times
def _normal_quantile(level: float) -> float:
    return float(ndtri((1 + level) / 2))


@cache
def _student_quantile(level: float, degrees: int) -> float:
    return float(stdtrit(degrees, (1 + level) / 2))
