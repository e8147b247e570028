"""The explorer: one self-contained page to look at hundreds of models at once, drawn without any library."""

from collections.abc import Sequence
from pathlib import Path

from assay.analysis.build import NO_MEASURES
from assay.analysis.columns import choose
from assay.analysis.measures import Measure, collect, without
from assay.report.explorer_data import explorer_data
from assay.report.files import write_atomically
from assay.report.judged import Judged
from assay.report.page import render_page
from assay.report.seen import LEGEND, said
from assay.report.text import embed
from assay.results import Results

NAME = "explorer.html"


def write_explorer(
    results: Results, folder: Path | str, judged: Judged | None = None, measures: Sequence[Measure] | None = None
) -> Path:
    """Write explorer.html into the folder, whole or not at all, and return its path.

    `measures` are all of the results', where they are collected already.

    The page holds its styles, scripts and numbers; a content security policy in it forbids every request.

    Raises:
        StoreError: the folder cannot be written.
    """
    return write_atomically(Path(folder) / NAME, render(results, judged, measures))


def render(results: Results, judged: Judged | None = None, measures: Sequence[Measure] | None = None) -> str:
    """The explorer as HTML text."""
    measures = without(collect(results) if measures is None else measures, NO_MEASURES)
    return render_page(
        "explorer.html",
        results=results,
        limited=results.limited,
        judged=judged or Judged(),
        undirected=any(measure.higher_is_better is None for measure in measures),
        any_seen=any(said(measure, cell) for measure in measures for cell in measure.cells.values()),
        seen_sentence=LEGEND,
        data=embed(explorer_data(results, measures, choose(results, measures), judged or Judged())),
    )
