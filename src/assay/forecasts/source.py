"""Where forecasts come from: a CSV file or a data frame, as columns of text with the place of every row."""

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import BadValueError, DamagedDataError, MissingDataError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Columns of text, without the spaces around it.

    Attributes:
        name: of the file, or "data frame".
        columns: by name, in the order of the file; all of the same length, at least 1.
        places: where each row stands: its line in the file, or its label in the frame.
        unit: what a place is: "line" or "row".
    """

    name: str
    columns: dict[str, list[str]]
    places: list[str]
    unit: str

    def refuse(self, row: int, column: str, problem: str) -> BadValueError:
        """The error of one cell, with its place."""
        return BadValueError(f"{self.name}, {self.unit} {self.places[row]}, {column}: {problem}")


def read(forecasts: "Path | str | pd.DataFrame") -> Source:
    """The columns of a CSV file (UTF-8, commas, a header) or of a data frame.

    Raises:
        MissingDataError: there is no such file.
        DamagedDataError: the file is no such CSV.
        BadValueError: there is no row, or a column's name occurs twice.
    """
    return _read_file(Path(forecasts)) if isinstance(forecasts, str | Path) else _read_frame(forecasts)


def _read_frame(frame: "pd.DataFrame") -> Source:
    names = [str(name).strip() for name in frame.columns]
    _check("data frame", names, len(frame))
    columns = {name: [_text(value) for value in frame.iloc[:, at].tolist()] for at, name in enumerate(names)}
    return Source(name="data frame", columns=columns, places=[str(label) for label in frame.index], unit="row")


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else "" if value is None else str(value).strip()


def _read_file(path: Path) -> Source:
    rows = csv.reader(io.StringIO(_decoded(path), newline=""), strict=True)
    places, cells = [], []
    try:
        names = [name.strip() for name in next(rows, [])]
        _check_separator(path.name, names)
        before = rows.line_num
        for row in rows:
            start, before = before + 1, rows.line_num  # a quoted text may run over several lines
            if not row:
                continue  # an empty line, as many editors leave at the end
            if len(row) != len(names):
                problem = f"expected {len(names)} cells as in the header, got {len(row)}"
                raise DamagedDataError(f"{path.name}, line {start}: {problem}; mend that line")
            places.append(str(start))
            cells.append(row)
    except csv.Error as error:
        remedy = "close every quotation mark, and double those inside a text"
        raise DamagedDataError(f"{path.name}, line {rows.line_num}: no CSV: {error}; {remedy}") from error
    _check(path.name, names, len(cells))
    columns = {name: [row[at].strip() for row in cells] for at, name in enumerate(names)}
    return Source(name=path.name, columns=columns, places=places, unit="line")


def _check_separator(name: str, names: list[str]) -> None:
    for separator, word in SEPARATORS.items():
        if len(names) == 1 and separator in names[0]:
            raise DamagedDataError(f"{name}, line 1: separated by {word}; save it with commas")


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except FileNotFoundError as error:
        raise MissingDataError(f"{path}: no such file; check the name and the folder") from error
    except OSError as error:
        raise DamagedDataError(f"{path}: cannot be read ({error.strerror}); name a CSV file") from error
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DamagedDataError(f"{path.name}, line {line}: no UTF-8 text; save it as CSV in UTF-8") from error
    if "\0" in text:
        raise DamagedDataError(f"{path.name}: no text but bytes of another kind; save it as CSV in UTF-8")
    return text


def _check(name: str, columns: list[str], rows: int) -> None:
    for column in columns:
        if not column.isprintable():
            raise BadValueError(f"{name}: expected a column's name in printable letters, got {column!r}; rename it")
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise BadValueError(f"{name}: the column {twice[0]!r} occurs twice; keep one, or rename the other")
    if not columns:
        raise BadValueError(f"{name}: is empty; write a header such as probability,outcome and a row a forecast")
    if rows == 0:
        raise BadValueError(f"{name}: has a header but no row; write a row a forecast")
