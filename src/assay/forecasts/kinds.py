"""The scores of each kind of forecasts, against baselines made of the outcomes themselves (in-sample).

Event and classes: "climatology" states the shares of the outcomes of this file for every row, "uniform" 1 / K of K
classes (1 / 2 for an event). Intervals: "quantiles" states, for every row of a level, the empirical quantiles
(1 - level) / 2 and (1 + level) / 2 of that level's outcomes, interpolated linearly. Climatology and quantiles know
the outcomes beforehand, as no forecaster does, so a skill against them is if anything too low.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from assay.forecasts.calibrated import calibration_rows, murphy_rows, reliability_diagram, resampled, share_rows
from assay.forecasts.compare import Column, Draws, Each, compared, finite_columns, mean_draws
from assay.forecasts.parse import Binary, Classes, Ranges
from assay.forecasts.scores import CLIMATOLOGY, GIVEN, QUANTILES, UNIFORM, Diagram, Point, Score
from assay.forecasts.source import Source
from assay.metrics.forecasts import interval_score_each, log_score_each, squared_error_each
from assay.metrics.intervals import wilson
from assay.metrics.proper_scores import brier_decomposition

DRAWN = 12  # classes with a diagram of their own
NAMED = 8  # lines named in a sentence
EVENT, ALL, TOP = "event", "all classes", "top label"

Scored = tuple[list[Score], list[Diagram], list[str]]  # rows, diagrams, warnings


def score_event(data: Binary, source: Source) -> Scored:
    """Scores of the probability of one event."""
    p, y = data.probability, data.outcome
    rate = torch.full_like(p, float(y.mean()))
    stated = {GIVEN: p, CLIMATOLOGY: rate, UNIFORM: torch.full_like(p, 0.5)}
    happened = {who: torch.where(y == 1, q, 1 - q) for who, q in stated.items()}
    each = {
        "brier": {who: (q - y).square() for who, q in stated.items()},
        "log_score": {who: log_score_each(q) for who, q in happened.items()},
    }
    impossible = _impossible(happened[GIVEN], source)
    means, ends = resampled(EVENT, p, y, finite_columns(each))
    rows = [
        *compared(EVENT, each, means, impossible),
        *calibration_rows(EVENT, p, y, ends),
        *share_rows(EVENT, p, y),
    ]
    diagram = reliability_diagram("Event", p, y, "stated probability", "share that happened")
    return rows, [diagram], [text for text in (impossible, *_few(y)) if text]


def score_classes(data: Classes, source: Source) -> Scored:
    """Scores of the probabilities of K classes: of all together, of the top label, and of each class against the rest.

    All classes: the Brier score summed over classes, in [0, 2], whose parts are the sums of the classes' own. Top
    label: the class of the largest probability, of equal ones the first column.
    """
    p, y = data.probability, data.outcome
    n, k = p.shape
    shares = torch.bincount(y, minlength=k).double() / n
    stated = {GIVEN: p, CLIMATOLOGY: shares.expand(n, k), UNIFORM: torch.full((n, k), 1 / k, dtype=torch.float64)}
    happened = {who: q.gather(1, y[:, None])[:, 0] for who, q in stated.items()}
    each = {
        "brier": {who: squared_error_each(q, y) for who, q in stated.items()},
        "log_score": {who: log_score_each(q) for who, q in happened.items()},
    }
    impossible = _impossible(happened[GIVEN], source)
    events = [(p[:, place], (y == place).double()) for place in range(k)]
    confidence, answer = p.max(1)
    right = (answer == y).double()
    squares = {"brier": {GIVEN: (confidence - right).square()}}
    classes = [f"class {name}" for name in data.names]
    own = {of: {"brier": {GIVEN: (q - came).square()}} for of, (q, came) in zip(classes, events, strict=True)}
    means, ends = resampled(TOP, confidence, right, _columns({ALL: each, TOP: squares, **own}))
    rows = [
        *compared(ALL, each, _of(ALL, means), impossible),
        *_summed(events),
        *_accuracy_rows(confidence, right, shares),
        *compared(TOP, squares, _of(TOP, means)),
        *calibration_rows(TOP, confidence, right, ends),
    ]
    for of, event in zip(classes, events, strict=True):
        rows += [*share_rows(of, *event), *compared(of, own[of], _of(of, means)), *_parts(of, *event)]
    diagrams = [reliability_diagram("Top label", confidence, answer == y, "stated confidence", "share right")]
    if k <= DRAWN:
        for name, (probability, outcome) in zip(data.names, events, strict=True):
            diagrams.append(
                reliability_diagram(name, probability, outcome, "stated probability", "share that happened")
            )
    warnings = [impossible, *_few(y), *_tied(p)]
    return rows, diagrams, [text for text in warnings if text]


def score_ranges(data: Ranges) -> Scored:
    """Scores of central prediction intervals, by level."""
    rows: list[Score] = []
    points, warnings = [], []
    for level in sorted(set(data.level.tolist())):
        at = data.level == level
        low, high, outcome = data.low[at], data.high[at], data.outcome[at]
        of, n = f"level {level:.12g}", len(outcome)
        held = int(((low <= outcome) & (outcome <= high)).sum())
        ends = wilson(held, n)
        points.append(Point(x=level, y=held / n, low=ends.low, high=ends.high, n=n))
        rows.append(
            Score(of=of, metric="coverage", value=held / n, low=ends.low, high=ends.high, n=n, interval="wilson")
        )
        tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
        q = _quantiles(outcome, tails)
        score = {
            GIVEN: interval_score_each(low, high, outcome, level),
            QUANTILES: interval_score_each(q[0].expand(n), q[1].expand(n), outcome, level),
        }
        width = {GIVEN: high - low, QUANTILES: (q[1] - q[0]).expand(n)}
        each = {"interval_score": score, "mean_width": width}
        found = compared(of, each, mean_draws(finite_columns(each), of))
        rows += [row for row in found if row.metric != "mean_width_skill"]  # narrow is good only where it covers
        if n * (1 - level) < 1:
            warnings.append(
                f"Level {level:.12g} has {n} row{'' if n == 1 else 's'}, too few for an outcome to be expected outside:"
                " coverage says little."
            )
    diagram = Diagram(title="Coverage", x="stated level", y="share inside", points=tuple(points))
    return rows, [diagram], warnings


def _quantiles(values: Tensor, at: Tensor) -> Tensor:
    """Linear interpolation between order statistics, for any number of values, which torch.quantile limits."""
    ordered = values.sort().values
    place = at * (len(ordered) - 1)
    below = place.floor().long()
    above = (below + 1).clamp(max=len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _summed(events: Sequence[tuple[Tensor, Tensor]]) -> list[Score]:
    """The parts of the Brier score of all classes: sums of the classes' parts, which sum to it exactly."""
    parts = [brier_decomposition(*event) for event in events]
    n = len(events[0][1])
    sums = {"brier_calibration": sum(part.calibration for part in parts)}
    sums["brier_refinement"] = sum(part.refinement for part in parts)
    rows = [Score(of=ALL, metric=name, value=value, n=n, higher_is_better=False) for name, value in sums.items()]
    return [*rows, *murphy_rows(ALL, list(events))]


def _accuracy_rows(confidence: Tensor, right: Tensor, shares: Tensor) -> list[Score]:
    n, hits = len(right), int(right.sum())
    ends = wilson(hits, n)
    return [
        Score(
            of=TOP, metric="accuracy", value=hits / n, low=ends.low, high=ends.high, n=n, interval="wilson",
            higher_is_better=True,
        ),
        Score(of=TOP, forecast=CLIMATOLOGY, metric="accuracy", value=float(shares.max()), n=n, higher_is_better=True),
        Score(of=TOP, metric="mean_probability", value=float(confidence.mean()), n=n),
    ]  # fmt: skip


def _parts(of: str, probability: Tensor, outcome: Tensor) -> list[Score]:
    parts, n = brier_decomposition(probability, outcome), len(outcome)
    values = {"brier_calibration": parts.calibration, "brier_refinement": parts.refinement}
    return [Score(of=of, metric=name, value=value, n=n, higher_is_better=False) for name, value in values.items()]


def _columns(groups: Mapping[str, Each]) -> dict[tuple[str, Column], Tensor]:
    """The finite columns of several things scored, by what is scored."""
    return {(of, key): values for of, each in groups.items() for key, values in finite_columns(each).items()}


def _of(of: str, means: Mapping[tuple[str, Column], Tensor]) -> Draws:
    return {key: draws for (what, key), draws in means.items() if what == of}


def _impossible(happened: Tensor, source: Source) -> str:
    """The sentence about outcomes to which a probability of 0 was given, or ""."""
    rows = (happened == 0).nonzero().flatten().tolist()
    if not rows:
        return ""
    places = ", ".join(source.places[row] for row in rows[:NAMED])
    more = f" and {len(rows) - NAMED:,} more" if len(rows) > NAMED else ""
    unit = source.unit if len(rows) == 1 else f"{source.unit}s"
    return f"The log score is infinite: what was given the probability 0 happened, on {unit} {places}{more}."


def _few(y: Tensor) -> list[str]:
    if len(y) < 2:
        return ["One forecast says next to nothing, and has no intervals."]
    if bool((y == y[0]).all()):
        return ["Every outcome is the same, so the base rate is a perfect forecast in hindsight: no skill against it."]
    return []


def _tied(p: Tensor) -> list[str]:
    best = p.topk(2, 1).values
    ties = int((best[:, 0] == best[:, 1]).sum())
    text = f"In {ties:,} of {len(p):,} rows several classes share the largest probability; the first is the top label."
    return [text] if ties else []
