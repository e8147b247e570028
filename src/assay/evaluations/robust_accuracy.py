"""Robust accuracy: from which images stand at each budget to numbers with intervals."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from assay.evaluations.base import Measurement
from assay.metrics.intervals import RESAMPLES, bootstrap_blocks, paired_difference, percentile_interval, wilson
from assay.randomness import derive


def accuracy(setting: dict[str, str | float], right: Tensor) -> Measurement:
    """The share of images that are right (N,) bool, with Wilson's interval."""
    hits, n = int(right.sum()), len(right)
    low, high = wilson(hits, n)
    return Measurement(
        setting=setting,
        metric="accuracy",
        value=hits / n,
        low=low,
        high=high,
        n=n,
        interval="wilson",
        higher_is_better=True,
    )


def mean_accuracy(setting: dict[str, str | float], right: Tensor) -> Measurement:
    """The mean over budgets and images of right (budgets, N) bool; images are resampled with all their budgets."""
    per_image = right.double().mean(0)
    n = len(per_image)
    blocks = bootstrap_blocks(n, RESAMPLES, derive(0, "adversarial", "mean_accuracy"))
    low, high = percentile_interval(torch.cat([block.double() @ per_image for block in blocks]) / n)
    return Measurement(
        setting=setting,
        metric="mean_accuracy",
        value=float(per_image.mean()),
        low=low,
        high=high,
        n=n,
        interval="bootstrap",
        higher_is_better=True,
    )


def rises(label: str, curve: list[tuple[float, Tensor]]) -> Iterator[Measurement]:
    """Where an attack's own accuracy is higher at a budget than at the one before, beyond chance.

    Args:
        label: what the attack is called.
        curve: (eps, right (N,) bool) by ascending eps; the same images throughout.

    Yields:
        "accuracy_rise" at the larger budget where the paired bootstrap's 95 % interval lies above 0.
    """
    for (_, smaller), (eps, larger) in pairwise(curve):
        if int(larger.sum()) <= int(smaller.sum()):
            continue
        rise = paired_difference(larger, smaller, derive(0, "adversarial", "rise", label, eps))
        if rise.low > 0:
            yield Measurement(
                setting={"attack": label, "eps": eps},
                metric="accuracy_rise",
                value=rise.value,
                low=rise.low,
                high=rise.high,
                n=len(larger),
                interval="bootstrap",
                higher_is_better=False,
            )


def costs(label: str, spent: Tensor, n: int) -> tuple[Measurement, Measurement]:
    """What an attack spent on n images: `spent` (2,), images passed forward and differentiated, each over n."""
    forwarded, differentiated = spent.tolist()
    return (
        Measurement(setting={"attack": label}, metric="queries_per_image", value=forwarded / n, n=n),
        Measurement(setting={"attack": label}, metric="gradients_per_image", value=differentiated / n, n=n),
    )
