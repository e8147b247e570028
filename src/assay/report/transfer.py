"""How far attacks transfer between recipes: a heat map for the report, and the same numbers as a table.

The CSV has a line for each pair: made_on, judged_by, rate, low, high, n; empty cells where no image counts.
"""

import csv
import io
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from assay.report.files import write_atomically
from assay.report.tables import cell_text
from assay.results import Results, Transfer

NAME = "transfer.csv"
COLUMNS = ("made_on", "judged_by", "rate", "low", "high", "n")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Points made on one recipe and judged by another, or by itself.

    Attributes:
        made_on: the recipe that was attacked.
        judged_by: the recipe that judges.
        rate: the share of the images that it is fooled on, of those that both get right; None where there are none.
        low: the lower end of the 95 % interval, or None.
        high: its upper end.
        n: images that both get right.
    """

    made_on: str
    judged_by: str
    rate: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def own(self) -> bool:
        """Whether the points were made on the recipe itself."""
        return self.made_on == self.judged_by


@dataclass(frozen=True, kw_only=True)
class TransferTable:
    """The matrix: a row the recipe that points are made on, a column the one that judges them.

    `suspects` are pairs of another's points that fool a recipe more often than its own, their intervals being apart:
    of each recipe, the strongest.
    """

    rows: tuple[tuple[Pair, ...], ...]
    suspects: tuple[Pair, ...]
    attack: str
    seed: int

    @property
    def order(self) -> dict[str, int]:
        """The place of each recipe's row and column."""
        return {row[0].made_on: place for place, row in enumerate(self.rows)}


def transfer_table(results: Results) -> TransferTable | None:
    """The matrix of a study's transfer; None where it is not in the store."""
    found = results.transfer
    if found is None:
        return None
    rows = _rows(found)
    suspects = [suspect for column in zip(*rows, strict=True) if (suspect := _suspect(column)) is not None]
    return TransferTable(rows=rows, suspects=tuple(suspects), attack=found.attack, seed=found.seed)


def write_transfer(results: Results, folder: Path | str) -> Path | None:
    """Write transfer.csv into the folder; of results without a transfer remove one that an earlier run has left."""
    table, path = transfer_table(results), Path(folder) / NAME
    if table is None:
        path.unlink(missing_ok=True)
        return None
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for pair in (pair for row in table.rows for pair in row):
        writer.writerow([cell_text(getattr(pair, name)) for name in COLUMNS])
    return write_atomically(path, stream.getvalue())


def _rows(found: Transfer) -> tuple[tuple[Pair, ...], ...]:
    value, low, high, n = (part.tolist() for part in found.rates)
    return tuple(
        tuple(
            Pair(
                made_on=made,
                judged_by=judge,
                rate=_known(value[i][j]),
                low=_known(low[i][j]),
                high=_known(high[i][j]),
                n=n[i][j],
            )
            for j, judge in enumerate(found.recipes)
        )
        for i, made in enumerate(found.recipes)
    )


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _suspect(column: tuple[Pair, ...]) -> Pair | None:
    """Of the points that one recipe judges, another's that fool it most, if clearly more than its own."""
    own = next(pair for pair in column if pair.own)
    if own.high is None:
        return None
    clear = [pair for pair in column if pair.low is not None and pair.low > own.high]
    return max(clear, key=lambda pair: pair.low or 0.0, default=None)
