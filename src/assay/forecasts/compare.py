"""Mean scores of forecasts and baselines, and skill scores 1 - score / baseline, from one paired bootstrap.

Each resample draws rows with replacement, and forecasts and baselines are scored on the same rows. A baseline's
forecast (base rates, quantiles) is held as it is: it minimises its own mean score, so making it anew of each resample
would change that resample's score in the second order alone. Rows are taken to be independent.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

import torch
from torch import Tensor

from assay.forecasts.scores import GIVEN, Score
from assay.metrics.intervals import RESAMPLES, bootstrap_blocks, percentile_interval
from assay.randomness import derive

Key = TypeVar("Key")

ONE = "one forecast: no interval"
Column = tuple[str, str]  # metric, forecast
Draws = Mapping[Column, Tensor]  # (R,) means in every resample
Each = Mapping[str, Mapping[str, Tensor]]  # metric -> forecast -> (N,) scores, lower is better


def compared(of: str, each: Each, draws: Draws, infinite: str = "") -> list[Score]:
    """For every metric a row a forecast, then the skill of the given forecasts against each baseline.

    Args:
        of: what is scored.
        each: by metric and forecast, "given" among them, the scores (N,) >= 0.
        draws: of `finite_columns(each)`, the means in every resample.
        infinite: the sentence that tells why a score is infinite.
    """
    columns, finite = _columns(each), finite_columns(each)
    rows = []
    for metric, own in each.items():
        for who, values in own.items():
            key = (metric, who)
            n, mean = len(values), float(values.mean())
            if key not in finite:
                rows.append(_row(of, metric, mean, n, forecast=who, reason=infinite))
                continue
            fixed = who != GIVEN and bool((values == values[0]).all())  # a baseline's, known without a sample
            rows.append(_row(of, metric, mean, n, None if fixed else draws.get(key), forecast=who, reason=_one(n)))
        rows += [_skill(of, metric, columns, draws, who, infinite) for who in own if who != GIVEN]
    return rows


def finite_columns(each: Each) -> dict[Column, Tensor]:
    """The columns of scores (N,) that are all finite, by metric and forecast: those that have intervals."""
    return {key: values for key, values in _columns(each).items() if bool(values.isfinite().all())}


def _columns(each: Each) -> dict[Column, Tensor]:
    return {(metric, who): values for metric, own in each.items() for who, values in own.items()}


def mean_draws(columns: Mapping[Column, Tensor], of: str) -> Draws:
    """The means of the columns in every resample, of a bootstrap of their own; of fewer than two rows, nothing."""
    n = len(next(iter(columns.values()), ()))
    if n < 2:
        return {}
    means = Means(columns)
    for weights in bootstrap_blocks(n, RESAMPLES, derive(0, "forecasts", of)):
        means.take(weights)
    return means.draws()


class Means(Generic[Key]):
    """The means of columns (N,) in resamples, for at least one column; `order` (N,) is that of the weights."""

    def __init__(self, columns: Mapping[Key, Tensor], order: Tensor | None = None) -> None:
        self.names, values = list(columns), torch.stack(list(columns.values()), 1)
        self.centres = values.mean(0)
        rest = (values - self.centres).float()  # float32 sums of what is left lose nothing that matters
        self.rest = rest if order is None else rest[order]
        self.blocks: list[Tensor] = []

    def take(self, weights: Tensor) -> None:
        """Take in a block of resamples with weights (R, N)."""
        self.blocks.append((weights @ self.rest).double())

    def draws(self) -> dict[Key, Tensor]:
        """The mean of each column in every resample: (R,) float64."""
        means = torch.cat(self.blocks) / len(self.rest) + self.centres
        return dict(zip(self.names, means.unbind(1), strict=True))


def _skill(
    of: str,
    metric: str,
    columns: Mapping[Column, Tensor],
    draws: Draws,
    baseline: str,
    infinite: str,
) -> Score:
    score, base = float(columns[metric, GIVEN].mean()), float(columns[metric, baseline].mean())
    n, name = len(columns[metric, GIVEN]), f"{metric}_skill"
    if base <= 0:
        reason = f"the score of {baseline} is 0, since every outcome is the same: there is nothing to compare with"
        return _row(of, name, None, n, against=baseline, higher=True, reason=reason)
    resampled, reason = None, "" if score < torch.inf else infinite
    if (metric, GIVEN) in draws:
        below = draws[metric, baseline]
        if bool((below > 0).all()):
            resampled = 1 - draws[metric, GIVEN] / below
        else:
            reason = f"no interval: in some resamples {baseline} scores 0"
    return _row(of, name, 1 - score / base, n, resampled, against=baseline, higher=True, reason=reason or _one(n))


def _one(n: int) -> str:
    return ONE if n < 2 else ""


def _row(
    of: str,
    metric: str,
    value: float | None,
    n: int,
    draws: Tensor | None = None,
    *,
    forecast: str = GIVEN,
    against: str = "",
    higher: bool = False,
    reason: str = "",
) -> Score:
    low, high = (None, None) if draws is None else percentile_interval(draws)
    return Score(
        of=of,
        forecast=forecast,
        metric=metric,
        against=against,
        value=value,
        low=low,
        high=high,
        n=n,
        interval="" if draws is None else "bootstrap",
        higher_is_better=higher,
        reason=reason,
    )
