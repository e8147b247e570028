"""The scores of a file of forecasts: rows for tables, diagrams for the page, sentences for people."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

GIVEN, CLIMATOLOGY, UNIFORM, QUANTILES = "given", "climatology", "uniform", "quantiles"

# Of every table, in this order; the format of scores.csv and scores.json.
COLUMNS = (
    "of", "forecast", "metric", "against", "value", "low", "high", "n", "interval", "higher_is_better", "reason",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number with its 95 % interval.

    Attributes:
        of: what is scored: "event", "all classes", "top label", "class cat", "level 0.9".
        metric: such as "brier".
        value: the number, which may be infinite; None where there is none, then `reason` says why.
        forecast: whose score: "given" (those of the file), or a baseline.
        against: the baseline of a skill score, else "".
        low: lower end of the interval, or None.
        high: upper end of the interval, or None.
        n: the number of forecasts behind it.
        interval: "bootstrap", "wilson", or "" where there is none.
        higher_is_better: the direction, None where there is none.
        reason: why there is no value, no interval, or an infinite value.
    """

    of: str
    metric: str
    value: float | None
    forecast: str = GIVEN
    against: str = ""
    low: float | None = None
    high: float | None = None
    n: int
    interval: str = ""
    higher_is_better: bool | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point of a diagram: x what was stated, y what happened with its Wilson interval, n forecasts behind it."""

    x: float
    y: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """What happened against what was stated; on the diagonal they agree."""

    title: str
    x: str
    y: str
    points: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What `assay.score_forecasts` returns.

    Attributes:
        name: of the file, or "data frame".
        kind: "event", "classes" or "intervals".
        n: how many forecasts.
        rows: every score.
        diagrams: reliability or coverage diagrams.
        answer: what the scores say, in sentences.
        warnings: what a reader must know before they believe them.
        unread: columns of the file that were left unread.
    """

    name: str
    kind: str
    n: int
    rows: tuple[Score, ...]
    diagrams: tuple[Diagram, ...]
    answer: tuple[str, ...]
    warnings: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def table(self) -> "pd.DataFrame":
        """A row a score, with the columns `assay.forecasts.scores.COLUMNS`."""
        import pandas as pd

        records = [{name: getattr(row, name) for name in COLUMNS} for row in self.rows]
        return pd.DataFrame(records, columns=list(COLUMNS))

    def find(self, of: str, metric: str, forecast: str = GIVEN, against: str = "") -> Score | None:
        """The score with these names, or None."""
        wanted = (of, metric, forecast, against)
        return next((row for row in self.rows if (row.of, row.metric, row.forecast, row.against) == wanted), None)
