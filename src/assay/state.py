"""How far a run is: which cells wait, run, are finished or have failed."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from assay.pace import Pace, Seen
from assay.plan import Cell, Plan
from assay.recipe import BASELINE
from assay.store import CELLS, Store


@dataclass(kw_only=True)
class Running:
    """A cell that is being computed, by whom, since when on time.monotonic's clock, and how far it is.

    `first` is when it first reported, and how far it was then; `worker` is "" until one has it.
    """

    cell: Cell
    worker: str = ""
    since: float = field(default_factory=time.monotonic)
    fraction: float = 0.0
    text: str = ""
    stacked_on: str = ""  # the key of another cell, whose process computes this one in the same stack
    first: tuple[float, float] | None = None

    def report(self, fraction: float, text: str) -> None:
        """Take what the worker reports: how far it is in [0, 1], and a few words."""
        self.fraction, self.text = fraction, text
        self.first = self.first or (time.monotonic(), fraction)

    @property
    def seen(self) -> Seen:
        """What it has done since it first reported."""
        if self.first is None:
            return Seen()
        since, fraction = self.first
        return Seen((self.fraction - fraction) * self.cell.cost, time.monotonic() - since)


@dataclass(kw_only=True)
class State:
    """How far a run is. `found` cells were in the store when it began; `mended` ones were damaged there.

    Another run is mending the `suspects`, or was killed while it did. A cell is in exactly one of: waiting, running,
    finished, failed.
    """

    plan: Plan
    started: float = field(default_factory=time.monotonic)
    waiting: list[Cell] = field(default_factory=list)
    running: dict[str, Running] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    found: int = 0
    mended: int = 0
    suspects: set[str] = field(default_factory=set)
    computed: int = 0  # by this run
    pace: Pace = field(default_factory=Pace)

    @property
    def per_minute(self) -> float | None:
        """Cells that this run finishes in a minute, over all its time so far; None before there is a first."""
        elapsed = time.monotonic() - self.started
        return None if elapsed < 5 or not self.computed else 60 * self.computed / elapsed

    @property
    def seconds_left(self) -> float | None:
        """An estimate from what was seen so far, see `assay.pace`, or None before there is one."""
        left = [(cell, 1.0) for cell in self.waiting]
        left += [(item.cell, 1 - item.fraction) for item in self.running.values()]
        beside = Counter(item.worker for item in self.running.values())  # a stack's cells share their worker's time
        under_way = [
            (item.cell, Seen(item.seen.cost, item.seen.seconds / beside[item.worker]))
            for item in self.running.values()
            if item.seen.cost > 0
        ]
        return self.pace.seconds_left(left, under_way)

    @property
    def workers(self) -> set[str]:
        """Who computes now; a cell that waits for a core has nobody yet."""
        return {item.worker for item in self.running.values()} - {""}


Watch = Callable[[State], None]


def begin(plan: Plan, store: Store) -> State:
    """What of a plan the store has, and what waits: damaged cells are removed, and wait too."""
    state = State(plan=plan)
    there = {kind: store.finished(kind) for kind in CELLS}
    chains = _chains(plan)
    # The baseline first, so that what comes next can be compared; then the longest, so that no core idles at the end.
    for cell in sorted(plan.cells, key=lambda cell: (cell.recipe.label != BASELINE, -chains[cell.key])):
        if cell.key in there[cell.kind] and not _mended(state, store, cell):
            state.finished.add(cell.key)
        else:
            state.waiting.append(cell)
    state.found = len(state.finished)
    return state


def _chains(plan: Plan) -> dict[str, float]:
    """The cost of a cell and of the longest chain of cells that wait for it, one after the other.

    Handing out the cell with the longest such chain first is critical-path scheduling (Graham, 1969, Bounds on
    multiprocessing timing anomalies); an ensemble's members thereby come before what needs them, and before shorter
    cells.
    """
    chains: dict[str, float] = {}
    after: dict[str, float] = {}  # by model, the longest chain of what needs it
    for cell in reversed(plan.cells):  # what needs a model comes after it in a plan
        chains[cell.key] = cell.cost + after.get(cell.key, 0.0)
        for key in cell.models:
            after[key] = max(after.get(key, 0.0), chains[cell.key])
    return chains


def _mended(state: State, store: Store, cell: Cell) -> bool:
    """Whether a finished cell was damaged: then it is removed and computed anew, by us or by the run that has it."""
    if not store.damaged(cell.kind, cell.key):
        return False
    with store.claim(cell.key) as claimed:
        if not claimed:
            state.suspects.add(cell.key)
            return True
        if not store.damaged(cell.kind, cell.key):  # another run has mended it
            return False
        store.discard(cell.kind, cell.key)
    state.mended += 1
    return True
