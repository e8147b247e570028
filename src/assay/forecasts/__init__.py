"""Forecasts: the scores of any probability forecasts, from a CSV file or a data frame, against stated baselines."""

from pathlib import Path
from typing import TYPE_CHECKING

from assay.forecasts.answer import answer
from assay.forecasts.kinds import score_classes, score_event, score_ranges
from assay.forecasts.page import write_page
from assay.forecasts.parse import Binary, Classes, parse, unread
from assay.forecasts.scores import Scores
from assay.forecasts.source import read
from assay.forecasts.tables import write_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Scores", "score_forecasts", "write_scores"]


def score_forecasts(forecasts: "Path | str | pd.DataFrame") -> Scores:
    """Score forecasts; their kind is read from the columns, see `assay.forecasts.parse`.

    Args:
        forecasts: a CSV file (UTF-8, commas, a header), or a data frame with the same columns.

    Raises:
        MissingDataError: there is no such file.
        DamagedDataError: the file is no CSV in UTF-8.
        BadValueError: the columns fit no kind, or a cell is missing or outside its range, by its line.
    """
    source = read(forecasts)
    data = parse(source)
    if isinstance(data, Binary):
        kind, (rows, diagrams, warnings) = "event", score_event(data, source)
    elif isinstance(data, Classes):
        kind, (rows, diagrams, warnings) = "classes", score_classes(data, source)
    else:
        kind, (rows, diagrams, warnings) = "intervals", score_ranges(data)
    return Scores(
        name=source.name,
        kind=kind,
        n=len(source.places),
        rows=tuple(rows),
        diagrams=tuple(diagrams),
        answer=answer(kind, rows),
        warnings=tuple(warnings),
        unread=unread(source, data),
    )


def write_scores(scores: Scores, folder: Path | str) -> Path:
    """Write forecasts.html, scores.csv and scores.json into the folder; return the page's path.

    Raises:
        StoreError: the folder cannot be written.
    """
    write_tables(scores, folder)
    return write_page(scores, folder)
