"""Mean corruption error and its relative form: a model's errors under corruption over those of a baseline.

    mCE = mean over corruptions c of E_c / B_c
    relative mCE = mean over corruptions c of (E_c - E_clean) / (B_c - B_clean)

with E the model's and B the baseline's error rates; 1 is as the baseline, lower is better (published figures are often
times 100). Source: Hendrycks and Dietterich, 2019, Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations. Deviation: there is one severity, so nothing is summed over severities.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.evaluations.base import Measurement, Observations
from assay.metrics.intervals import RESAMPLES, bootstrap_blocks, percentile_interval
from assay.randomness import derive

PREFIX = "correct/"


class Errors(NamedTuple):
    """How often a model errs, on the images and on each of their resamples.

    Attributes:
        labels: of the corruptions.
        n: the number of images.
        counts: (1 + resamples, 1 + corruptions) float64 errors; row 0 is of the images themselves, column 0 clean.
    """

    labels: list[str]
    n: int
    counts: Tensor


def compare(observations: Observations, baseline: Observations) -> list[Measurement]:
    """As `compare_errors`, from what `Shift` observed of the model and of the baseline."""
    own, theirs = count_errors([observations, baseline])
    return compare_errors([own], theirs)[0]


def compare_errors(models: Sequence[Errors], baseline: Errors) -> list[list[Measurement]]:
    """Measure "mce" and "relative_mce" of models against a baseline.

    Both are None where a denominator is not positive for some corruption: a ratio to no error has no value, and one to
    an error that fell has the wrong sign. Intervals are paired bootstraps over images, each image with all its
    corruptions and both models; there is none, and `reason` says so, where a denominator is not positive in some
    resample.

    Args:
        models: errors of each.
        baseline: those of the baseline, on the same images and corruptions.

    Returns:
        The measurements of each model.

    Raises:
        BadValueError: a model and the baseline saw different corruptions or different numbers of images.
    """
    labels, n = baseline.labels, baseline.n
    for own in models:
        if own.labels != labels:
            raise BadValueError(
                f"compare: expected the baseline's corruptions ({', '.join(labels)}), got ({', '.join(own.labels)}); "
                "observe both with the same evaluation"
            )
        if own.n != n:
            raise BadValueError(
                f"compare: expected the baseline's {n} images, got {own.n}; observe both with the same evaluation"
            )
    if not models:
        return []
    above, below = torch.stack([own.counts for own in models]), baseline.counts
    rise, base_rise = above[:, :, 1:] - above[:, :, :1], below[:, 1:] - below[:, :1]
    plain = _ratios("mce", above[:, :, 1:], below[:, 1:], labels, n, "makes no error")
    relative = _ratios("relative_mce", rise, base_rise, labels, n, "loses no accuracy")
    return [list(pair) for pair in zip(plain, relative, strict=True)]


def count_errors(observed: Sequence[Observations]) -> list[Errors]:
    """Count the errors of models, from what `Shift` observed of each; many at once take half the time of each alone."""
    return [errors for _, own in groupby(observed, _size) for errors in _count(list(own))]


def _count(observed: list[Observations]) -> Iterator[Errors]:
    """The errors of models that saw equally many images."""
    labels = [_labels(observations) for observations in observed]
    right = [
        observations.tensors[name]
        for observations, own in zip(observed, labels, strict=True)
        for name in ("clean", *(PREFIX + label for label in own))
    ]
    wrong = (~torch.stack(right, 1).bool()).float()
    # Whole numbers up to n: float32 holds them exactly, in whatever order they are added.
    counts = torch.cat([wrong.sum(0)[None], *(block @ wrong for block in _resamples(len(wrong)))])
    ends = torch.tensor([1 + len(own) for own in labels]).cumsum(0)[:-1]
    each = counts.tensor_split(ends, dim=1)
    for own, columns in zip(labels, each, strict=True):
        whole = columns.to(torch.float64, memory_format=torch.contiguous_format)  # what follows is a quarter faster so
        yield Errors(labels=own, n=len(wrong), counts=whole)


def _size(observations: Observations) -> int:
    return len(observations.tensors["clean"])


@lru_cache(maxsize=1)
def _resamples(n: int) -> tuple[Tensor, ...]:
    """Kept, since every model of a study meets the same: 4 bytes a count, 40 MB for 10,000 images."""
    return tuple(bootstrap_blocks(n, RESAMPLES, derive(0, "shift", "compare")))


def _labels(observations: Observations) -> list[str]:
    return sorted(key.removeprefix(PREFIX) for key in observations.tensors if key.startswith(PREFIX))


def _ratios(
    metric: str, above: Tensor, below: Tensor, labels: list[str], n: int, failing: str
) -> Iterator[Measurement]:
    """The mean over corruptions of above / below: (models, 1 + resamples, corruptions) counts over those of one.

    Of the resamples, row 0 is the value itself.
    """
    zero = [label for label, bottom in zip(labels, below[0].tolist(), strict=True) if bottom <= 0]
    if zero:
        reason = f"the baseline {failing} under {', '.join(zero)}; take a weaker baseline or more images"
    elif bool(below[1:].min() <= 0):
        reason = f"no interval, since the baseline {failing} in some resamples; take more images"
    else:
        reason = ""
    for means in (above / below).mean(2):
        low, high = (None, None) if reason else percentile_interval(means[1:])
        yield _row(metric, None if zero else float(means[0]), low, high, n, reason)


def _row(metric: str, value: float | None, low: float | None, high: float | None, n: int, reason: str) -> Measurement:
    return Measurement(
        setting={},
        metric=metric,
        value=value,
        low=low,
        high=high,
        n=n,
        interval="" if low is None else "bootstrap",
        higher_is_better=False,
        reason=reason,
    )
