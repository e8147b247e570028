"""The page of scores: self-contained, with its tables and diagrams; it forbids every request."""

from pathlib import Path
from typing import NamedTuple

from assay.forecasts import words
from assay.forecasts.blocks import blocks, classes_table
from assay.forecasts.scores import Scores
from assay.forecasts.svg import diagram_svg
from assay.report.files import write_atomically
from assay.report.page import render_template

NAME = "forecasts.html"


class Heading(NamedTuple):
    """What the head of every page asks of its results."""

    title: str
    study: str
    preset: None = None


def write_page(scores: Scores, folder: Path | str) -> Path:
    """Write forecasts.html into the folder, whole or not at all, and return its path.

    Raises:
        StoreError: the folder cannot be written.
    """
    return write_atomically(Path(folder) / NAME, render(scores))


def render(scores: Scores) -> str:
    """The page as HTML text."""
    measured = {row.metric for row in scores.rows}
    return render_template(
        "forecasts.html",
        results=Heading(title=scores.name, study="forecasts"),
        pages={},
        scores=scores,
        blocks=blocks(scores),
        classes=classes_table(scores),
        diagram=diagram_svg,
        meanings=[meaning for metric, meaning in words.MEANINGS.items() if metric in measured],
        skill=words.SKILL,
        baselines=[words.BASELINES[name] for name in dict.fromkeys(row.against for row in scores.rows if row.against)],
        words=words,
        number=words.number,
    )
