"""The table of all numbers as CSV and JSON, with the columns of `assay.results.COLUMNS`.

CSV: UTF-8, one header line, `setting` as text ("attack=fgsm, eps=0.3"), empty cells where there is no value; a text
that a spreadsheet would take for a formula gets a leading apostrophe. JSON: {"format": 1, "study", "preset",
"limited", "limit", "rows"}, `setting` as an object, null where there is no value, never NaN. `preset` is the slice of
the study, or null; `limited` says whether any row comes from fewer images than it is meant for; a row without a value
has a reason; `seen` names the corruptions and outlier sets behind a value whose like the model met in training.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from assay.analysis.measures import number
from assay.report.files import write_atomically
from assay.results import COLUMNS, Results, setting_text

FORMAT = 1
NUMBERS = ("value", "low", "high")
NO_REASON = "the store gives no reason"

Columns = dict[str, list[Any]]  # plain values by the name of their column, in the order of COLUMNS


class Setting(NamedTuple):
    """A setting as it stands in the CSV and in the JSON."""

    text: str
    entry: str


def write_tables(results: Results, folder: Path | str) -> tuple[Path, Path]:
    """Write table.csv and table.json into the folder, each whole or not at all; return their paths."""
    folder = Path(folder)
    columns = _columns(results.table)
    return (
        write_atomically(folder / "table.csv", _csv(columns)),
        write_atomically(folder / "table.json", _json(results, columns)),
    )


def _columns(table: pd.DataFrame) -> Columns:
    """Plain values: settings as `Setting`, those of NUMBERS in digits, or "" where there is none."""
    plain = {
        name: _digits(table[name])
        if name in NUMBERS
        else _settings(table[name].tolist())
        if name == "setting"
        else _each(table[name].tolist(), FORMS.get(name, _text))
        for name in COLUMNS
    }
    reasons = zip(plain["reason"], plain["value"], strict=True)
    return plain | {"reason": [reason or ("" if value else NO_REASON) for reason, value in reasons]}


def _digits(column: "pd.Series[Any]") -> list[str]:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    digits = list(map(repr, numbers.tolist()))
    for place in np.flatnonzero(~np.isfinite(numbers)):
        digits[place] = ""
    return digits


def _csv(columns: Columns) -> str:
    cells = [values if name in NUMBERS else _each(values, _csv_cell) for name, values in columns.items()]
    return "\n".join([",".join(COLUMNS), *map(",".join, zip(*cells, strict=True)), ""])


def _csv_cell(value: object) -> str:
    """A cell as it stands in a line of a CSV, in quotes where it needs them."""
    text = value.text if isinstance(value, Setting) else cell_text(value)
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow([text, ""])  # alone, an empty cell would get quotes
    return stream.getvalue().removesuffix(",")


def _json(results: Results, columns: Columns) -> str:
    """As json.dumps of the document with an indent of 1, whose encoder is slow where it indents: rows are put together.

    Raises:
        ValueError: a setting holds NaN or infinity, which JSON has not.
    """
    head = {
        "format": FORMAT,
        "study": results.study,
        "preset": results.preset,
        "limited": results.limited,
        "limit": results.limit,
    }
    start = json.dumps(head, allow_nan=False, ensure_ascii=False, indent=1).removesuffix("\n}")
    rows = "\n  },\n  {\n".join(map(",\n".join, zip(*(_entries(*item) for item in columns.items()), strict=True)))
    return f'{start},\n "rows": [\n  {{\n{rows}\n  }}\n ]\n}}\n' if rows else f'{start},\n "rows": []\n}}\n'


def _entries(name: str, values: list[Any]) -> list[str]:
    """A column's entries in the rows of the JSON."""
    if name in NUMBERS:
        return [f'   "{name}": {digits or "null"}' for digits in values]
    return _each(values, lambda value: f'   "{name}": {value.entry if isinstance(value, Setting) else _encode(value)}')


def _encode(value: object) -> str:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=1).encode(value).replace("\n", "\n   ")


def _settings(values: list[Mapping[str, Any]]) -> list[Setting]:
    """Each setting's forms, found once for those that print alike: 1 equals 1.0, and prints otherwise."""
    keys = list(map(repr, values))
    known = dict(zip(keys, values, strict=True))
    return _each(keys, lambda key: Setting(setting_text(known[key]), _encode(known[key])))


def _each(values: list[Any], form: Callable[[Any], Any]) -> list[Any]:
    """The form of each value, found once for those that are equal."""
    known = {value: form(value) for value in set(values)}
    return list(map(known.__getitem__, values))


def _text(value: object) -> str:
    return str(value or "")


FORMS: dict[str, Callable[[Any], Any]] = {  # of columns of few values that are no texts
    "n": lambda count: int(number(count) or 0),
    "higher_is_better": lambda way: None if pd.isna(way) else bool(way),
    "limited": bool,
}


def cell_text(value: object) -> str:
    """A cell of a CSV: a text that is no formula to a spreadsheet, a number in full, "" for None."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return "" if value is None else repr(value)
