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
from pathlib import Path
from typing import Any

import pandas as pd

from assay.analysis.measures import number
from assay.report.files import write_atomically
from assay.results import COLUMNS, Results, setting_text

FORMAT = 1
TEXTS = ("study", "recipe", "seed", "evaluation", "metric", "interval", "reason", "name", "seen")
NUMBERS = ("value", "low", "high")


def write_tables(results: Results, folder: Path | str) -> tuple[Path, Path]:
    """Write table.csv and table.json into the folder, each whole or not at all; return their paths."""
    folder = Path(folder)
    records = [_record(row) for row in results.table.to_dict("records")]
    document = {
        "format": FORMAT,
        "study": results.study,
        "preset": results.preset,
        "limited": results.limited,
        "limit": results.limit,
        "rows": records,
    }
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, indent=1)
    return (
        write_atomically(Path(folder) / "table.csv", _csv(records)),
        write_atomically(Path(folder) / "table.json", text + "\n"),
    )


def _record(row: dict[Any, Any]) -> dict[str, Any]:
    direction = row["higher_is_better"]
    plain: dict[str, Any] = {name: str(row[name] or "") for name in TEXTS}
    plain |= {name: number(row[name]) for name in NUMBERS}
    plain["setting"] = dict(row["setting"])
    plain["n"] = int(number(row["n"]) or 0)
    plain["higher_is_better"] = None if pd.isna(direction) else bool(direction)
    plain["limited"] = bool(row["limited"])
    if plain["value"] is None and not plain["reason"]:
        plain["reason"] = "the store gives no reason"
    return {name: plain[name] for name in COLUMNS}


def _csv(records: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        flat = record | {"setting": setting_text(record["setting"])}
        writer.writerow([cell_text(flat[name]) for name in COLUMNS])
    return stream.getvalue()


def cell_text(value: object) -> str:
    """A cell of a CSV: a text that is no formula to a spreadsheet, a number in full, "" for None."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return "" if value is None else repr(value)
