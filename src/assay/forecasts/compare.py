"""Mean scores of forecasts and baselines, and skill scores 1 - score / baseline, from one paired bootstrap.

Each resample draws rows with replacement, and forecasts and baselines are scored on the same rows. A baseline's
forecast (base rates, quantiles) is held as it is: it minimises its own mean score, so making it anew of each resample
would change that resample's score in the second order alone. Rows are taken to be independent.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from assay.forecasts.scores import GIVEN, Score
from assay.metrics.intervals import RESAMPLES, bootstrap_blocks, percentile_interval
from assay.randomness import derive

ONE = "one forecast: no interval"
Each = Mapping[str, Mapping[str, Tensor]]  # metric -> forecast -> (N,) scores, lower is better


def compared(of: str, each: Each, infinite: str = "") -> list[Score]:
    """For every metric a row a forecast, then the skill of the given forecasts against each baseline.

    Args:
        of: what is scored.
        each: by metric and forecast, "given" among them, the scores (N,) >= 0.
        infinite: the sentence that tells why a score is infinite.
    """
    columns = {(metric, who): values for metric, own in each.items() for who, values in own.items()}
    finite = {key: values for key, values in columns.items() if bool(values.isfinite().all())}
    draws = mean_draws(finite, derive(0, "forecasts", of))
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


def mean_draws(columns: Mapping[tuple[str, str], Tensor], generator: torch.Generator) -> dict[tuple[str, str], Tensor]:
    """The mean of each column (N,) in every resample: (R,) float64; of fewer than two rows, nothing."""
    if not columns or len(next(iter(columns.values()))) < 2:
        return {}
    values = torch.stack(list(columns.values()), 1)
    centres = values.mean(0)
    rest = (values - centres).float()  # float32 sums of what is left lose nothing that matters
    blocks = [(weights @ rest).double() for weights in bootstrap_blocks(len(rest), RESAMPLES, generator)]
    return dict(zip(columns, (torch.cat(blocks) / len(rest) + centres).unbind(1), strict=True))


def _skill(
    of: str,
    metric: str,
    columns: Mapping[tuple[str, str], Tensor],
    draws: Mapping[tuple[str, str], Tensor],
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
