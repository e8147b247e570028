"""The mean of each number over the seeds of a study, with Student's t interval."""

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

import pandas as pd

from assay.metrics.intervals import across_seeds

_SHARES = (
    "accuracy", "mean_accuracy", "auroc", "aupr", "fpr95", "base_rate", "ece", "adaptive_ece", "smooth_ece",
    "classwise_ece", "max_calibration_error", "rms_calibration_error", "rms_calibration_error_without_last_bin",
    "brier_calibration", "brier_refinement", "brier_top_label", "aurc", "excess_aurc", "failure_auroc",
    "selective_accuracy", "false_positive_rate", "promised_false_positive_rate", "caught", "mean_ece", "mean_auroc",
)  # fmt: skip
RANGES = dict.fromkeys(_SHARES, (0.0, 1.0)) | {
    **dict.fromkeys(("brier", "mean_brier"), (0.0, 2.0)),
    **dict.fromkeys(("nll", "mean_nll", "mce"), (0.0, inf)),
}


def with_means(table: pd.DataFrame, seeds: int) -> pd.DataFrame:
    """Add rows with seed "mean" where a study has several seeds: Student's t interval over the seeds.

    The interval is at least as wide as the mean of the seeds' own, since their test images are the same, and is cut to
    the range of the metric, which with few seeds it would leave. A mean is given only where each of the study's seeds
    has a value; otherwise it is None with the reason.
    """
    if seeds < 2:
        return table
    names = ("recipe", "evaluation", "metric", "setting", "value", "low", "high", "reason")
    groups: dict[tuple[object, ...], list[_Seed]] = {}  # groups of pandas cost a millisecond each
    firsts = []
    for place, row in enumerate(zip(*(table[name].tolist() for name in names), strict=True)):
        key = (*row[:3], *row[3].items())
        if key not in groups:
            groups[key] = []
            firsts.append(place)
        groups[key].append(_Seed(*row[4:]))
    means = [_mean(own, seeds, *RANGES.get(str(metric), (-inf, inf))) for (_, _, metric, *_), own in groups.items()]
    columns = {name: [getattr(mean, name) for mean in means] for name in _Mean._fields}
    extra = table.iloc[firsts].assign(seed="mean", **columns)
    return pd.concat([table, extra], ignore_index=True)


class _Seed(NamedTuple):
    """A number with one seed; what is not there is None or NaN."""

    value: float | None
    low: float | None
    high: float | None
    reason: str


class _Mean(NamedTuple):
    """The mean over the seeds: columns of the table."""

    value: float | None
    low: float | None
    high: float | None
    interval: str
    reason: str


def _mean(own: list[_Seed], seeds: int, least: float, most: float) -> _Mean:
    """The mean of a number in [least, most] over the seeds that were measured."""
    values, lows, highs = map(_there, list(zip(*own, strict=True))[:3])
    if len(values) != seeds:
        told = (seed.reason for seed in own if seed.reason)
        return _Mean(None, None, None, "", next(told, f"{len(own)} of {seeds} seeds are measured"))
    low, high = across_seeds(values)
    if len(lows) == len(own):  # seeds that agree by chance still share a sample of test images
        low, high = min(low, sum(lows) / seeds), max(high, sum(highs) / seeds)
    low, high = min(max(low, least), most), min(max(high, least), most)
    return _Mean(sum(values) / seeds, low, high, "student t across seeds", "")


def _there(values: Iterable[float | None]) -> list[float]:
    return [float(value) for value in values if value is not None and value == value]  # NaN is not itself
