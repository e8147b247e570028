"""What planning and scheduling cost for 100,000 cells, with none computed and no store written.

    .venv/bin/python benchmarks/many_cells.py
    .venv/bin/python benchmarks/many_cells.py --seeds 4

The 559 recipes of the study of trade-offs are planned with as many seeds as told; then a driver hands out every cell
and takes it back at once, two at a time, from a store that keeps nothing but names. Printed are processor seconds of
each step and microseconds a cell, and the peak of the memory.
"""

import argparse
import contextlib
import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from assay.data import load_task
from assay.driver import Driver
from assay.plan import Cell, plan
from assay.state import begin
from assay.store import Store
from assay.studies import tradeoffs

# What a cell gives back: here the least.
RESULT = {"cell.json": b'{"provenance": {"peak_memory_mb": 700, "seconds": 1.0}}'}


class Names:
    """What a driver asks of a store, answered from names alone."""

    def __init__(self) -> None:
        self.done: dict[str, set[str]] = {"models": set(), "evaluations": set()}

    def finished(self, kind: str) -> frozenset[str]:
        """The keys of all cells of a kind."""
        return frozenset(self.done[kind])

    def has(self, kind: str, key: str) -> bool:
        """Whether a cell is there."""
        return key in self.done[kind]

    def write(self, kind: str, key: str, files: Mapping[str, bytes]) -> None:  # noqa: ARG002
        """Keep a cell's name."""
        self.done[kind].add(key)

    def drop_pieces(self, key: str) -> None:
        """There are none."""

    def name_worker(self, key: str, worker: str) -> None:
        """Nobody asks."""

    @contextlib.contextmanager
    def claim(self, key: str) -> Iterator[bool]:  # noqa: ARG002
        """Nobody else is there."""
        yield True


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=34, help="seeds of each recipe")
    arguments = parser.parse_args()
    task = load_task("mnist", outliers=(), limit=100)
    study = replace(tradeoffs, seeds=tuple(range(arguments.seeds)), transfer=None)
    steps: list[tuple[str, float]] = []

    def timed(name: str, start: float) -> None:
        steps.append((name, time.process_time() - start))

    start = time.process_time()
    planned = plan(study, task)
    timed("plan", start)
    start = time.process_time()
    store: Any = Names()
    state = begin(planned, cast(Store, store))
    timed("begin", start)
    start = time.process_time()
    driver = Driver(state, cast(Store, store))
    running: list[Cell] = []
    while state.waiting or running:
        while len(running) < 2 and (cell := driver.next()) is not None:
            running.append(cell)
        done = running.pop(0)
        driver.begin([done], "nobody:0")
        driver.finish(done, RESULT)
    timed("hand out and take back", start)
    cells = len(planned.cells)
    print(f"{cells:,} cells of {len(study.recipes)} recipes with {arguments.seeds} seeds")
    for name, seconds in steps:
        print(f"{name:24} {seconds:8.1f} s {1e6 * seconds / cells:10.0f} us a cell")
    print(f"peak of the memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
