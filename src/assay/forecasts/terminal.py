"""The scores in the terminal."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assay.forecasts.blocks import Block, blocks, classes_table
from assay.forecasts.scores import Score, Scores
from assay.forecasts.words import BASELINES, PARTS, WHO, arrow, interval, label, value

CLASSES = 20  # classes shown here; the page has all
LEVELS = 6  # levels shown here


def print_scores(scores: Scores, console: Console) -> None:
    """Print the tables, the answer, and what a reader must know."""
    tables = blocks(scores)
    for block in tables[:LEVELS]:
        console.print(_scores(block, f"{scores.name}, {block.lines[0].n:,} forecasts: {block.title}"))
        if block.baselines:
            console.print(_baselines(block))
    if len(tables) > LEVELS:
        console.print(f"{len(tables) - LEVELS} more levels stand on the page.", style="dim")
    each = classes_table(scores)
    if 0 < len(each) <= CLASSES:
        console.print(_classes(each))
    elif each:
        console.print(f"The scores of {len(each)} classes stand on the page.", style="dim")
    for text in scores.answer:
        console.print(escape(text), highlight=False)
    for text in scores.warnings:
        console.print(escape(text), style="yellow", highlight=False)
    used = dict.fromkeys(row.against for row in scores.rows if row.against)
    console.print(f"Baselines: {'; '.join(BASELINES[name] for name in used)}.", style="dim", highlight=False)
    if scores.unread:
        console.print(escape(f"Columns left unread: {', '.join(scores.unread)}."), style="dim", highlight=False)


def _table(title: str, heads: tuple[str, ...]) -> Table:
    drawn = Table(title=escape(title) or None, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left")
    for place, head in enumerate(heads):
        drawn.add_column(head, justify="right" if place else "left", overflow="fold")
    return drawn


def _scores(block: Block, title: str) -> Table:
    drawn = _table(title, ("score of the forecasts", "value", "95 % interval"))
    for row in block.lines:
        drawn.add_row(f"{'  ' if row.metric in PARTS else ''}{_name(row)}", value(row), escape(interval(row)))
    return drawn


def _baselines(block: Block) -> Table:
    drawn = _table("", ("against a baseline", "its score", "skill ↑", "95 % interval"))
    for base, skill in block.baselines:
        own = ("", "") if skill is None else (value(skill), escape(interval(skill)))
        drawn.add_row(f"{label(base.metric)}, {WHO[base.forecast]}", value(base), *own)
    return drawn


def _classes(each: dict[str, dict[str, Score]]) -> Table:
    rows = next(iter(each.values())).values()
    drawn = _table("Each class against the rest", ("class", *(_name(row) for row in rows)))
    for name, own in each.items():
        drawn.add_row(escape(name), *(value(row) for row in own.values()))
    return drawn


def _name(row: Score) -> str:
    return f"{label(row.metric)} {arrow(row.higher_is_better)}".strip()
