"""The headline in the terminal: the answer in a few sentences and the table of recipes x axes."""

from collections.abc import Iterator
from dataclasses import replace

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from assay.analysis.measures import Measure, collect, without
from assay.report.answer import answer
from assay.report.checks import checked
from assay.report.doubts import EVENTS, doubts
from assay.report.explain import arrow, show, show_interval
from assay.report.judged import Judged, judge_results
from assay.report.seen import LEGEND, MARK, unseen_sentence
from assay.report.summary import SYMBOLS, Entry, Headline, headline
from assay.results import Results

STYLES = {"better": "green", "worse": "red", "missing": "dim"}
ROOM, ROOM_WITH_INTERVALS = 110, 150  # widths of a terminal that holds every column, and its intervals too
SIGNS = 6  # signs to distrust that are told here; the report has all
NARROW = 10  # width of a column without intervals
CAPTION = "✓ better, ✗ worse, ≈ within noise of the baseline (★)"


def print_headline(
    results: Results, console: Console, judged: Judged | None = None, measures: list[Measure] | None = None
) -> None:
    """Print the table and the answer.

    A narrow terminal gets the values without their intervals, a very narrow one each axis's primary column alone.

    Args:
        results: of a study, or of one's own model.
        console: where to print.
        judged: what its pages judge by; None finds it out.
        measures: of the results, as `collect` gives them; None collects them.
    """
    judged = judge_results(results) if judged is None else judged
    measures = without(collect(results) if measures is None else measures, EVENTS)
    table = headline(results, measures, judged)
    shown = measured(table)
    fitting = shown if console.width >= ROOM else primary(shown)
    preset = "" if results.preset is None else f", {results.preset} slice"
    limited = "" if results.limit is None else f" (LIMITED to {results.limit} images per set)"
    title = f"{results.title}{preset}{limited}"
    console.print(terminal_table(fitting, title=title, intervals=console.width >= ROOM_WITH_INTERVALS))
    found = answer(table)
    if found.marked or any(item.seen for row in fitting.rows for item in row.entries):
        console.print(f"{MARK} seen: {LEGEND}.", style="dim")
    if judged.trainings > 1:
        console.print(f"Differences are to the mean of {judged.trainings} trainings of the baseline.", style="dim")
    for line in _left_out(table, shown):
        console.print(line, style="dim", markup=False)
    if fitting is not shown:
        console.print("More columns and all intervals stand in the report.", style="dim")
    for recipe in results.unlearned:
        console.print(escape(f"{recipe} answers one class for every image: it has learned nothing."), style="yellow")
    for sentence in (*found.sentences, *found.more, unseen_sentence(measures)):
        if sentence:
            console.print(escape(sentence), highlight=False)
    _print_signs(results, console)


def _print_signs(results: Results, console: Console) -> None:
    """Signs to distrust, and what was checked."""
    signs = doubts(results)
    for doubt in signs[:SIGNS]:
        console.print(escape(f"Distrust {doubt.recipe}: {doubt.text}."), style="yellow", highlight=False)
    if len(signs) > SIGNS:
        console.print(f"{len(signs) - SIGNS} more signs to distrust stand in the report.", style="yellow")
    found = checked(results)
    for text in () if found is None else (found.summary, *found.missing):
        console.print(escape(text), style="dim", highlight=False)


def measured(table: Headline) -> Headline:
    """The table without columns and rows that hold no value; where none holds any, the whole."""
    places = [place for place in range(len(table.columns)) if any(_known(row.entries[place]) for row in table.rows)]
    rows = [row for row in table.rows if any(map(_known, row.entries))]
    if not rows:
        return table
    return Headline(
        columns=tuple(table.columns[place] for place in places),
        rows=tuple(replace(row, entries=tuple(row.entries[place] for place in places)) for row in rows),
    )


def _known(item: Entry) -> bool:
    return item.cell.value is not None


def _left_out(table: Headline, shown: Headline) -> Iterator[str]:
    """What `measured` leaves out, in words."""
    columns = [column.label for column in table.columns if column not in shown.columns]
    if columns:
        yield f"Not measured: {'; '.join(columns)}."
    if len(shown.rows) < len(table.rows):
        yield f"Nothing is measured yet of {len(table.rows) - len(shown.rows)} of the {len(table.rows)} recipes."


def primary(table: Headline) -> Headline:
    """The table with the columns that alone stand for their axis."""
    kept = [place for place, column in enumerate(table.columns) if column.primary]
    return Headline(
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(replace(row, entries=tuple(row.entries[place] for place in kept)) for row in table.rows),
    )


def terminal_table(table: Headline, *, title: str = "", intervals: bool = True) -> Table:
    """The recipes x axes table for `rich`: values, and ✓ better, ✗ worse or ≈ within noise of the baseline."""
    drawn = Table(title=escape(title) or None, caption=CAPTION, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    drawn.add_column("recipe", overflow="fold", min_width=17)
    for column in table.columns:
        label = f"{column.label.replace('-', ' ')} {arrow(column.measure.higher_is_better)}".strip()  # wraps at spaces
        drawn.add_column(label, justify="right", overflow="fold", max_width=None if intervals else NARROW)
    for row in table.rows:
        name = f"{row.recipe} ★" if row.baseline else row.recipe
        name += " (one class)" if row.unlearned else ""
        cells = [
            _cell(column.measure.metric, item, intervals)
            for column, item in zip(table.columns, row.entries, strict=True)
        ]
        drawn.add_row(Text(name), *cells, style="bold" if row.baseline else None)
    return drawn


def _cell(metric: str, item: Entry, intervals: bool) -> Text:
    interval = show_interval(metric, item.cell.low, item.cell.high) if intervals else ""
    mark = MARK if item.seen else ""
    text = " ".join(part for part in (SYMBOLS[item.verdict], show(metric, item.cell.value), mark) if part)
    text = text.replace(" ", "\u00a0")  # a value keeps to one line
    whole = f"{text}\n{interval}" if interval else text
    return Text.assemble((whole, STYLES.get(item.verdict, "")))  # markup would be parsed thrice
