"""The report of a study of each class: AUROC by class and score, with the mean over classes.

In the terminal, as auroc.csv (class, recipe, score, auroc, low, high, n, reason; class "mean" last) and as report.html.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assay.analysis.measures import Cell, Measure, collect, find
from assay.data.one_class import REST
from assay.each_class import EachClass
from assay.report import explain
from assay.report.doubts import EVENTS
from assay.report.files import write_atomically
from assay.report.page import render_template
from assay.report.tables import cell_text
from assay.report.text import breakable
from assay.run import folder_of

PAGE, CSV = "report.html", "auroc.csv"
AUROC = "auroc"
MEAN = "mean"


@dataclass(frozen=True, kw_only=True)
class ByClass:
    """AUROC of one recipe: `cells[class][score]`, and the mean over classes by score.

    Attributes:
        recipe: its label.
        scores: their names.
        classes: number and name.
        cells, means: with intervals.
    """

    recipe: str
    scores: tuple[str, ...]
    classes: tuple[tuple[int, str], ...]
    cells: tuple[tuple[Cell, ...], ...]
    means: tuple[Cell, ...]


def by_class(found: EachClass) -> list[ByClass]:
    """A table for each recipe, of the outlier set of all other classes."""
    measures = {kept: collect(results, skip=EVENTS) for kept, results in found.results.items()}
    every = [item for own in measures.values() for item in own if _is_auroc(item)]
    scores = tuple(dict.fromkeys(str(item.setting["score"]) for item in every))
    tables = []
    for recipe in found.recipes:
        cells = tuple(tuple(_cell(measures.get(kept), recipe, score) for score in scores) for kept in found.classes)
        means = tuple(mean_of(column) for column in zip(*cells, strict=True))
        tables.append(
            ByClass(recipe=recipe, scores=scores, classes=tuple(found.classes.items()), cells=cells, means=means)
        )
    return tables


def _is_auroc(item: Measure) -> bool:
    return (item.evaluation, item.metric, item.setting.get("outliers")) == ("anomaly", AUROC, REST)


def _cell(measures: list[Measure] | None, recipe: str, score: str) -> Cell:
    if measures is None:
        return Cell(
            value=None, reason="this class has not run yet; run the study again, which does only what is missing"
        )
    own = find(measures, "anomaly", AUROC, outliers=REST, score=score)
    if own is None:
        return Cell(value=None, reason="nothing of this class is measured yet, or its cells failed")
    return own.cells[recipe]


def mean_of(cells: Sequence[Cell]) -> Cell:
    """The mean over classes; it is given only where each class has a value.

    Its interval is the mean of the lower and of the upper ends. The classes share test images, so that their errors
    depend on each other in a way that is not known; the standard error of a mean is at most the mean of the standard
    errors, whatever the dependence, so this interval is rather too wide. With one seed it holds no noise of training,
    as theirs. n is the sum of theirs, and counts an image once for every class.
    """
    whole = [cell for cell in cells if cell.value is not None]
    if len(whole) < len(cells):
        return Cell(value=None, reason=f"{len(whole)} of {len(cells)} classes are measured")
    n = len(cells)
    value, low, high = (
        None if None in ends else sum(end for end in ends if end is not None) / n
        for ends in ([cell.value for cell in cells], [cell.low for cell in cells], [cell.high for cell in cells])
    )
    return Cell(value=value, low=low, high=high, n=sum(cell.n for cell in cells), interval="mean over classes")


def write_each_class(found: EachClass, folder: Path | str) -> Path:
    """Write report.html and auroc.csv into the folder, each whole or not at all; return the path of the page.

    Raises:
        StoreError: the folder cannot be written.
    """
    tables = by_class(found)
    write_atomically(Path(folder) / CSV, _csv(tables))
    return write_atomically(Path(folder) / PAGE, _render(found, tables))


def _csv(tables: list[ByClass]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("class", "recipe", "score", "auroc", "low", "high", "n", "reason"))
    for table in tables:
        rows = [(name, cells) for (_, name), cells in zip(table.classes, table.cells, strict=True)]
        for name, cells in [*rows, (MEAN, table.means)]:
            for score, cell in zip(table.scores, cells, strict=True):
                values = (name, table.recipe, score, cell.value, cell.low, cell.high, cell.n, cell.reason)
                writer.writerow([cell_text(value) for value in values])
    return stream.getvalue()


def _render(found: EachClass, tables: list[ByClass]) -> str:
    return render_template(
        "each_class.html",
        results=found,
        pages={},
        limited=found.limited,
        tables=tables,
        folders={kept: folder_of(results.study, found.limit, found.preset) for kept, results in found.results.items()},
        seeds=max((len(results.seeds) for results in found.results.values()), default=1),
        best=best,
        explain=explain,
        breakable=breakable,
        auroc=AUROC,
    )


def best(cells: Sequence[Cell]) -> float | None:
    """The largest value, or None where there is none, or all are equal."""
    known = {cell.value for cell in cells if cell.value is not None}
    return max(known) if len(known) > 1 else None


def print_each_class(found: EachClass, console: Console) -> None:
    """Print a table for each recipe, scores by classes, and what is missing and why."""
    preset = "" if found.preset is None else f", {found.preset} slice"
    limited = "" if found.limit is None else f" (LIMITED to {found.limit} images per set)"
    for table in by_class(found):
        title = f"{found.title}{preset}{limited}: {table.recipe}, AUROC in percent"
        console.print(_drawn(table, title))
        for reason, scores in _missing(table).items():
            console.print(escape(f"- {', '.join(scores)}: {reason}"), style="yellow", highlight=False)
    console.print("Intervals stand in the report.", style="dim")
    for label in found.unlearned:
        console.print(escape(f"{label} answers one rotation for every image: it has learned nothing."), style="yellow")


def _drawn(table: ByClass, title: str) -> Table:
    drawn = Table(title=escape(title), box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    drawn.add_column("score", overflow="fold")
    for _, name in table.classes:
        drawn.add_column(escape(name), justify="right", overflow="fold")
    drawn.add_column(MEAN, justify="right", style="bold")
    for place, score in enumerate(table.scores):
        cells = [row[place] for row in table.cells]
        drawn.add_row(score.replace("_", " "), *(_text(cell) for cell in [*cells, table.means[place]]))
    return drawn


def _text(cell: Cell) -> str:
    return "-" if cell.value is None else explain.show(AUROC, cell.value, unit=False)


def _missing(table: ByClass) -> dict[str, list[str]]:
    """Reason -> the scores that some class lacks for it."""
    found: dict[str, list[str]] = {}
    for cells in table.cells:
        for score, cell in zip(table.scores, cells, strict=True):
            own = found.setdefault(cell.reason, []) if cell.value is None else [score]
            if score not in own:
                own.append(score)
    return {reason: [score.replace("_", " ") for score in scores] for reason, scores in found.items()}
