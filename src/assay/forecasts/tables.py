"""The scores as CSV and JSON, with the columns `assay.forecasts.scores.COLUMNS`.

CSV: UTF-8, one header line, empty cells where there is no value; a text that a spreadsheet would take for a formula
gets a leading apostrophe. JSON: {"format": 1, "name", "kind", "n", "warnings", "unread", "rows"}, null where there is
no value, never NaN. JSON has no infinity: an infinite value is the text "inf" or "-inf" there, as in the CSV.
"""

import csv
import io
import json
import math
from pathlib import Path

from assay.forecasts.scores import COLUMNS, Scores
from assay.report.files import write_atomically
from assay.report.tables import cell_text

FORMAT = 1


def write_tables(scores: Scores, folder: Path | str) -> tuple[Path, Path]:
    """Write scores.csv and scores.json into the folder, each whole or not at all; return their paths."""
    records = [{name: _plain(getattr(row, name)) for name in COLUMNS} for row in scores.rows]
    document = {
        "format": FORMAT,
        "name": scores.name,
        "kind": scores.kind,
        "n": scores.n,
        "warnings": scores.warnings,
        "unread": scores.unread,
        "rows": records,
    }
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, indent=1)
    return (
        write_atomically(Path(folder) / "scores.csv", _csv(records)),
        write_atomically(Path(folder) / "scores.json", text + "\n"),
    )


def _plain(value: object) -> object:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _csv(records: list[dict[str, object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in records:
        # -inf is a number, not a formula.
        writer.writerow([value if value in ("inf", "-inf") else cell_text(value) for value in record.values()])
    return stream.getvalue()
