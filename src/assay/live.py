"""What a terminal shows while cells are computed: a table that fills, or lines where there is no terminal."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from assay.counting import number_of
from assay.plan import Cell, title_of
from assay.state import State

REFRESH = 0.25  # seconds between two drawings
SHOWN = 40  # rows of the table at most: more would not fit a screen


class Watcher:
    """Watch a run: a live table on a terminal, otherwise a line for each cell that ends."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self.drawn = 0.0
        self.told: set[str] = set()

    def __enter__(self) -> Self:
        if self.live is not None:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def __call__(self, state: State) -> None:
        """Show the state, at most a few times a second."""
        if self.live is None:
            self._tell(state)
        elif time.monotonic() - self.drawn > REFRESH or not state.running:
            self.drawn = time.monotonic()
            self.live.update(draw(state), refresh=True)

    def _tell(self, state: State) -> None:
        if not self.told:
            self.told = state.finished | {"begun"}
            self.console.print(
                f"{number_of(len(state.plan.cells), 'cell')}, {state.found} of them in the store already"
            )
            if state.mended:
                self.console.print(f"{state.mended} damaged in the store: computed anew")
        for cell in state.plan.cells:
            if cell.key in self.told or cell.key not in state.finished | set(state.failed):
                continue
            self.told.add(cell.key)
            outcome = f"failed: {state.failed[cell.key]}" if cell.key in state.failed else "done"
            line = f"{overall(state)}  {title_of(cell)}: {outcome}"
            self.console.print(line, soft_wrap=True, highlight=False, markup=False)


def overall(state: State) -> str:
    """Cells done, running, failed, throughput, time left, in one line."""
    total = len(state.plan.cells)
    running = sum(bool(item.worker) for item in state.running.values())
    done = f"{len(state.finished)}/{total} done, {running} running, {len(state.failed)} failed"
    done += f", {state.mended} damaged and computed anew" if state.mended else ""
    rate = state.per_minute
    done += "" if rate is None else f", {rate:.3g} cells/min"
    left = state.seconds_left
    return done if left is None or not (state.running or state.waiting) else f"{done}, {clock(left)} left"


def clock(seconds: float) -> str:
    """Seconds as people say them: "40 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def draw(state: State) -> Group:
    """The table of recipes x stages, what is running, and the whole."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("recipe", no_wrap=True, overflow="ellipsis", max_width=52)
    stages = ["training", *(evaluation.name for evaluation in state.plan.study.evaluations)]
    for stage in stages:
        table.add_column(stage, justify="center")
    cells = _by_recipe(state)
    for label, found in list(cells.items())[:SHOWN]:
        table.add_row(label, *(_mark(state, found.get(stage, [])) for stage in stages))
    if len(cells) > SHOWN:
        table.add_row(f"... and {len(cells) - SHOWN} more")
    running = Table(box=None, pad_edge=False, show_header=False)
    for item in state.running.values():
        bar = ProgressBar(total=1.0, completed=item.fraction, width=20)
        running.add_row(bar, f"{title_of(item.cell)}  {item.text}")
    return Group(table, Text(), running, Text(overall(state), style="bold"))


def _by_recipe(state: State) -> dict[str, dict[str, list[Cell]]]:
    """Cells by the label and stage they stand under: a member's training stands under its ensemble too."""
    by_key = {cell.key: cell for cell in state.plan.training}
    found: dict[str, dict[str, list[Cell]]] = {}
    for cell in state.plan.evaluating:
        row = found.setdefault(cell.recipe.label, {})
        row.setdefault(cell.stage, []).append(cell)
        trained = row.setdefault("training", [])
        trained.extend(by_key[key] for key in cell.models if by_key[key] not in trained)
    return found


def _mark(state: State, cells: list[Cell]) -> Text:
    if any(cell.key in state.failed for cell in cells):
        return Text("failed", style="bold red")
    done = sum(cell.key in state.finished for cell in cells)
    if done == len(cells):
        return Text("✓", style="green")
    now = [state.running[cell.key].fraction for cell in cells if cell.key in state.running]
    if now or done:
        return Text(f"{(done + sum(now)) / len(cells):.0%}", style="yellow")
    return Text("·", style="dim")
