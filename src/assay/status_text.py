"""A study's status for a terminal."""

import time

from rich.console import Console
from rich.table import Table

from assay.counting import number_of
from assay.live import clock
from assay.named import title_of
from assay.places import Holder
from assay.status import STATES, CellStatus, Status

SHOWN = 40  # lines of a list at most: more would not fit a screen


def show_status(console: Console, status: Status) -> None:
    """Print how far a study is: by stage, the recipes that are not finished, who computes what, what failed."""
    console.print(_numbers(status, "stage", [cell.stage for cell in status.cells]))
    unfinished = {cell.recipe: None for cell in status.cells if cell.state != "finished"}
    if unfinished:
        console.print()
        shown = list(unfinished)[:SHOWN]
        console.print(_numbers(status, "recipe", [cell.recipe for cell in status.cells], shown))
        if len(unfinished) > SHOWN:
            console.print(f"... and {number_of(len(unfinished) - SHOWN, 'more recipe')} not finished")
    _list(console, "running", [f"{_title(cell)}  {_who(cell.holder)}" for cell in status.of("running")])
    _list(console, "failed", [f"{_title(cell)}: {cell.reason}" for cell in status.of("failed")])
    console.print()
    console.print(line_of(status), style="bold", highlight=False, markup=False, soft_wrap=True)


def line_of(status: Status) -> str:
    """The whole in a line, as a run prints it."""
    counts = ", ".join(f"{status.count(state):,} {state}" for state in STATES if state != "waiting")
    line = f"{status.study}: {number_of(len(status.cells), 'cell')}, {counts}, {_waiting(status)}"
    rate, left = status.per_minute, status.seconds_left
    if rate is not None and status.span is not None:
        line += f"; {rate:.3g} cells/min in the last {clock(status.span)}"
    return line if left is None else f"{line}, about {clock(left)} left"


def _waiting(status: Status) -> str:
    """How many wait, and how many of them for no run: without the latter, who waits for them would wait in vain."""
    waiting, out = status.count("waiting"), status.left_out
    if not out:
        return f"{waiting:,} waiting"
    which = "which" if out == waiting else f"{out:,} of which"
    return f"{waiting:,} waiting ({which} the last run left out: --recipes)"


def _numbers(status: Status, heading: str, groups: list[str], shown: list[str] | None = None) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column(heading, overflow="fold")
    for state in STATES:
        table.add_column(state, justify="right")
    for group in dict.fromkeys(groups) if shown is None else shown:
        own = [cell.state for cell, its in zip(status.cells, groups, strict=True) if its == group]
        table.add_row(group, *(f"{own.count(state):,}" for state in STATES))
    return table


def _list(console: Console, heading: str, lines: list[str]) -> None:
    if lines:
        console.print(f"\n{heading}", style="dim")
    for line in lines[:SHOWN]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if len(lines) > SHOWN:
        console.print(f"... and {len(lines) - SHOWN} more")


def _title(cell: CellStatus) -> str:
    return title_of(cell.recipe, cell.seed, cell.stage)


def _who(holder: Holder | None) -> str:
    """Who computes a cell, and for how long by the clocks."""
    if holder is None or holder.since is None:
        return "by a run that does not say which"
    run = f"{holder.host}:{holder.pid}"
    who = run if holder.worker in ("", run) else f"{holder.worker} of the run {run}"
    return f"by {who}, for {clock(max(time.time() - holder.since, 0.0))}"
