"""The headline as a table for the terminal."""

from rich.markup import escape
from rich.table import Table

from assay.report.explain import arrow, show, show_interval
from assay.report.summary import SYMBOLS, Entry, Headline

STYLES = {"better": "green", "worse": "red", "missing": "dim", "baseline": "bold"}


def terminal_table(table: Headline, *, title: str = "") -> Table:
    """The recipes x axes table for `rich`: value, interval, and ✓ better, ✗ worse or ≈ within noise of the baseline."""
    drawn = Table(
        title=escape(title) or None, caption="✓ better, ✗ worse, ≈ within noise: 95 % intervals against the baseline's"
    )
    drawn.add_column("recipe", overflow="fold")
    for column in table.columns:
        drawn.add_column(f"{column.label} {arrow(column.measure.higher_is_better)}".strip(), justify="right")
    for row in table.rows:
        name = f"{row.recipe} (baseline)" if row.baseline else row.recipe
        cells = [_cell(column.measure.metric, item) for column, item in zip(table.columns, row.entries, strict=True)]
        drawn.add_row(escape(name), *cells, style="bold" if row.baseline else None)
    return drawn


def _cell(metric: str, item: Entry) -> str:
    interval = show_interval(metric, item.cell.low, item.cell.high)
    text = " ".join(part for part in (SYMBOLS[item.verdict], show(metric, item.cell.value)) if part)
    whole = f"{text}\n{interval}" if interval else text
    style = STYLES.get(item.verdict)
    return f"[{style}]{escape(whole)}[/{style}]" if style else escape(whole)
