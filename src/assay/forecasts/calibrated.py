"""Calibration of stated probabilities of one yes-or-no outcome: errors, the parts of the Brier score, the diagram."""

from collections.abc import Mapping
from typing import Generic, NamedTuple

from torch import Tensor

from assay.forecasts.compare import ONE, Key, Means
from assay.forecasts.scores import Diagram, Point, Score
from assay.metrics.calibration import expected_calibration_error, reliability_bins, rms_calibration_error
from assay.metrics.calibration_intervals import CalibrationIntervals, CalibrationResamples
from assay.metrics.forecasts import murphy_parts
from assay.metrics.intervals import RESAMPLES, Interval, bootstrap_blocks, wilson
from assay.metrics.proper_scores import brier_decomposition
from assay.randomness import derive


class Resampled(NamedTuple, Generic[Key]):
    """One bootstrap of the rows: the means of columns in every resample, and the intervals of calibration errors."""

    means: dict[Key, Tensor]
    ends: CalibrationIntervals | None


def resampled(of: str, probability: Tensor, outcome: Tensor, columns: Mapping[Key, Tensor]) -> Resampled[Key]:
    """Resample the rows once for all; of fewer than two rows, nothing.

    Args:
        of: what is scored.
        probability: (N,) stated for one outcome.
        outcome: (N,) whether it came, 0 or 1.
        columns: (N,) finite scores of the same rows, at least one.
    """
    if len(outcome) < 2:
        return Resampled({}, None)
    binned = CalibrationResamples(probability, outcome)
    means = Means(columns, binned.order)
    for weights in bootstrap_blocks(len(outcome), RESAMPLES, derive(0, "forecasts", of, "binned")):
        means.take(weights)
        binned.take(weights)
    return Resampled(means.draws(), binned.intervals())


def calibration_rows(of: str, probability: Tensor, outcome: Tensor, ends: CalibrationIntervals | None) -> list[Score]:
    """Calibration errors and the parts of the Brier score, with the house's intervals; see `assay.metrics`."""
    n = len(outcome)
    parts = brier_decomposition(probability, outcome)
    return [
        _row(of, "rms_calibration_error", rms_calibration_error(probability, outcome), n, ends and ends.rms),
        _row(of, "ece", expected_calibration_error(probability, outcome), n, ends and ends.ece),
        _row(of, "brier_calibration", parts.calibration, n, ends and ends.brier_calibration),
        _row(of, "brier_refinement", parts.refinement, n, ends and ends.brier_refinement),
        *murphy_rows(of, [(probability, outcome)]),
    ]


def murphy_rows(of: str, events: list[tuple[Tensor, Tensor]]) -> list[Score]:
    """Murphy's parts of the refinement, summed over events: values alone."""
    parts = [murphy_parts(probability, outcome) for probability, outcome in events]
    n = len(events[0][1])
    directions = {"uncertainty": None, "resolution": True, "within_bins": False}
    return [
        Score(
            of=of,
            metric=f"brier_{name}",
            value=sum(getattr(part, name) for part in parts),
            n=n,
            higher_is_better=direction,
        )
        for name, direction in directions.items()
    ]


def share_rows(of: str, probability: Tensor, outcome: Tensor) -> list[Score]:
    """How often it happened, and the mean of the probabilities stated for it: forecasts without a bias agree."""
    n, hits = len(outcome), int(outcome.sum())
    ends = wilson(hits, n)
    return [
        Score(of=of, metric="base_rate", value=hits / n, low=ends.low, high=ends.high, n=n, interval="wilson"),
        Score(of=of, metric="mean_probability", value=float(probability.mean()), n=n),
    ]


def reliability_diagram(title: str, probability: Tensor, outcome: Tensor, x: str, y: str) -> Diagram:
    """Share that happened against mean probability, over the bins of the ECE that hold a forecast."""
    bins = reliability_bins(probability, outcome)
    filled = zip(bins.count.tolist(), bins.confidence.tolist(), bins.accuracy.tolist(), strict=True)
    return Diagram(title=title, x=x, y=y, points=tuple(_point(*item) for item in filled if item[0]))


def _point(count: int, stated: float, share: float) -> Point:
    ends = wilson(round(share * count), count)
    return Point(x=stated, y=share, low=ends.low, high=ends.high, n=count)


def _row(of: str, metric: str, value: float, n: int, ends: Interval | None) -> Score:
    low, high = ends or (None, None)
    return Score(
        of=of,
        metric=metric,
        value=value,
        low=low,
        high=high,
        n=n,
        interval="bootstrap" if ends else "",
        higher_is_better=False,
        reason="" if ends else ONE,
    )
