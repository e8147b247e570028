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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from assay.analysis.measures import number
from assay.report.files import write_atomically
from assay.results import COLUMNS, Results, setting_text

FORMAT = 1
TEXTS = ("study", "recipe", "seed", "evaluation", "metric", "interval", "reason", "name", "seen")
NUMBERS = ("value", "low", "high")
FEW = ("n", "higher_is_better", "limited")  # columns of few values that repeat
NO_REASON = "the store gives no reason"

Columns = dict[str, list[Any]]  # plain values by the name of their column, in the order of COLUMNS


def write_tables(results: Results, folder: Path | str) -> tuple[Path, Path]:
    """Write table.csv and table.json into the folder, each whole or not at all; return their paths."""
    folder = Path(folder)
    columns = _columns(results.table)
    return (
        write_atomically(folder / "table.csv", _csv(columns)),
        write_atomically(folder / "table.json", _json(results, columns)),
    )


def _columns(table: pd.DataFrame) -> Columns:
    plain: Columns = {name: [str(text or "") for text in table[name].tolist()] for name in TEXTS}
    plain |= {name: [number(value) for value in table[name].tolist()] for name in NUMBERS}
    plain["reason"] = [
        reason or (NO_REASON if value is None else "")
        for reason, value in zip(plain["reason"], plain["value"], strict=True)
    ]
    plain["setting"] = table["setting"].tolist()
    plain["n"] = [int(number(count) or 0) for count in table["n"].tolist()]
    plain["higher_is_better"] = [None if pd.isna(way) else bool(way) for way in table["higher_is_better"].tolist()]
    plain["limited"] = [bool(value) for value in table["limited"].tolist()]
    return {name: plain[name] for name in COLUMNS}


def _csv(columns: Columns) -> str:
    flat = columns | {"setting": [setting_text(setting) for setting in columns["setting"]]}
    cells = [map(cell_text, values) if name in NUMBERS else _each(values, _csv_cell) for name, values in flat.items()]
    return "\n".join([",".join(COLUMNS), *map(",".join, zip(*cells, strict=True)), ""])


def _csv_cell(value: object) -> str:
    """A cell as it stands in a line of a CSV, in quotes where it needs them."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow([cell_text(value), ""])  # alone, an empty cell would get quotes
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
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    cells = {name: _each(values, encode) for name, values in columns.items() if name in (*TEXTS, *FEW)}
    cells |= {name: ["null" if value is None else repr(value) for value in columns[name]] for name in NUMBERS}
    cells["setting"] = _settings(map(encode, columns["setting"]))
    form = "  {\n" + ",\n".join(f'   "{name}": %s' for name in columns) + "\n  }"
    rows = ",\n".join([form % row for row in zip(*(cells[name] for name in columns), strict=True)])
    start = json.dumps(head, allow_nan=False, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{start},\n "rows": [\n{rows}\n ]\n}}\n' if rows else f'{start},\n "rows": []\n}}\n'


def _each(values: list[Any], form: Callable[[Any], str]) -> Iterable[str]:
    """The form of each value, found once for those that are equal."""
    known = {value: form(value) for value in set(values)}
    return map(known.__getitem__, values)


def _settings(texts: Iterable[str]) -> Iterable[str]:
    """Settings in JSON, indented as they stand in a row."""
    return _each(
        list(texts), lambda text: json.dumps(json.loads(text), ensure_ascii=False, indent=1).replace("\n", "\n   ")
    )


def cell_text(value: object) -> str:
    """A cell of a CSV: a text that is no formula to a spreadsheet, a number in full, "" for None."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return "" if value is None else repr(value)
