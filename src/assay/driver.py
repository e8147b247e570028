"""The driver: hands out cells that are ready, keeps what comes back, and alone touches the store."""

import contextlib
import json
import math
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.cells import Given
from assay.errors import AssayError, DamagedCellError
from assay.memory import Memory, lacks_memory
from assay.pace import Pace, Seen
from assay.plan import Cell, EvaluateCell, Plan, TrainCell, TransferCell
from assay.recipe import BASELINE
from assay.stacks import evaluation_family, family
from assay.store import CELLS, Store

ATTEMPTS = 2  # a worker that dies may have been killed from outside, or for lack of memory: one more chance, alone
MORE = "use a machine with more memory"
PAUSE = 0.5  # seconds between two looks at the workers
STACKED = 16  # networks in a stack at most
REST = 10.0  # seconds at most until a cell that another run computes is asked for again
KERNELS = "64"  # compiled convolutions that a worker keeps: by default 1,024, one per batch size met, a gigabyte


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
Tell = Callable[[str, Mapping[str, Any]], None]  # an event's name, and its fields


def silent(event: str, fields: Mapping[str, Any]) -> None:
    """Tell nobody."""


def begin(plan: Plan, store: Store) -> State:
    """What of a plan the store has, and what waits: damaged cells are removed, and wait too."""
    state = State(plan=plan)
    there = {kind: store.finished(kind) for kind in CELLS}
    chains = _chains(plan)
    # The baseline first, so that what comes next can be compared; then the longest, so that no core idles at the end.
    for cell in sorted(plan.cells, key=lambda cell: (cell.recipe.label != BASELINE, -chains[cell.key])):
        if cell.key in there[_kind(cell)] and not _mended(state, store, cell):
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


def _kind(cell: Cell) -> str:
    return "models" if isinstance(cell, TrainCell) else "evaluations"


def _family(cell: Cell) -> str | None:
    """What the cells of a stack share, as text; None for one that is computed by itself."""
    if isinstance(cell, TrainCell):
        return family(cell.recipe)
    return evaluation_family(cell.recipe, cell.evaluation) if isinstance(cell, EvaluateCell) else None


def _needed(cell: Cell) -> str:
    """What a model is to the cell that needs it."""
    if isinstance(cell, TransferCell):
        return "one of its models"
    return "the model that it starts from" if isinstance(cell, TrainCell) else "its model"


def _mended(state: State, store: Store, cell: Cell) -> bool:
    """Whether a finished cell was damaged: then it is removed and computed anew, by us or by the run that has it."""
    if not store.damaged(_kind(cell), cell.key):
        return False
    with store.claim(cell.key) as claimed:
        if not claimed:
            state.suspects.add(cell.key)
            return True
        if not store.damaged(_kind(cell), cell.key):  # another run has mended it
            return False
        store.discard(_kind(cell), cell.key)
    state.mended += 1
    return True


@dataclass(frozen=True, kw_only=True)
class _Rest:
    """Until when a cell is not asked for, on time.monotonic's clock, and for how long in all."""

    until: float
    seconds: float


class Driver:
    """Hands out cells that are ready and keeps what comes back; the only one that touches the store.

    A store may lie far away, where each question takes a while: it is asked about a cell only when that could be handed
    out, and about one that another run computes after a rest, which doubles each time. No more cells run at once than
    fit into the memory, but always one; a cell that lacked memory runs again when nothing else can, and alone.
    """

    def __init__(
        self,
        state: State,
        store: Store,
        *,
        memory: Memory | None = None,
        stacks: bool = False,
        tell: Tell = silent,
    ) -> None:
        """Hand out the cells of a run; with `stacks`, those that stack together."""
        self.state = state
        self.store = store
        self.memory = memory
        self.families = {cell.key: shared for cell in state.waiting if stacks and (shared := _family(cell))}
        self.tell = tell
        self.alone: set[str] = set()  # cells that run with nothing beside them
        self.warm: set[str] = set()  # workers that have finished a cell
        self.claims: dict[str, contextlib.ExitStack] = {}
        self.rests: dict[str, _Rest] = {}  # of cells that another run computes

    def next(self) -> Cell | None:
        """Claim the first waiting cell whose models are there and which fits; None where there is none now."""
        running = [item.cell for item in self.state.running.values() if not item.stacked_on]
        if any(cell.key in self.alone for cell in running):
            return None
        lonely = []
        for cell in list(self.state.waiting):
            if self._broken(cell):
                self.state.waiting.remove(cell)
            elif not self._ready(cell):
                continue
            elif cell.key in self.alone:
                lonely.append(cell)
            elif self._fits(cell, running) and self._mine(cell):
                return cell
        return next((cell for cell in lonely if not running and self._mine(cell)), None)

    def _fits(self, cell: Cell, running: list[Cell]) -> bool:
        return not running or self.memory is None or self.memory.fits(cell, running)

    def next_stack(self, workers: int = 1) -> tuple[Cell, ...]:
        """Claim the next cell, as `next`, and others that stack with it; () where no cell is ready now.

        Args:
            workers: among how many those that stack are shared, so that none is idle while another has them all.
        """
        cell = self.next()
        if cell is None:
            return ()
        shared = self.families.get(cell.key)
        if shared is None:
            return (cell,)
        alike = [other for other in self.state.waiting if self._stacks(other, shared)]
        taken = [item for item in self.state.running.values() if self.families.get(item.cell.key) == shared]
        most = STACKED // (cell.recipe.members if isinstance(cell, EvaluateCell) else 1)
        wanted = min(most, math.ceil((len(taken) + len(alike)) / workers))
        together = [cell]
        for other in alike:
            if len(together) < wanted and self._mine(other):
                self.state.running[other.key].stacked_on = cell.key
                together.append(other)
        return tuple(together)

    def _stacks(self, cell: Cell, shared: str) -> bool:
        """Whether a cell could be computed in a stack of that family now."""
        return self.families.get(cell.key) == shared and self._ready(cell)

    def _mine(self, cell: Cell) -> bool:
        """Claim a cell, unless another run computes it or was faster."""
        with contextlib.ExitStack() as claim:
            claimed = claim.enter_context(self.store.claim(cell.key))
            done = self._done(cell)
            if not claimed and not done:
                self._rest(cell)
                return False
            self.state.waiting.remove(cell)
            if done:
                self.state.finished.add(cell.key)
                return False
            self.state.running[cell.key] = Running(cell=cell)
            self.claims[cell.key] = claim.pop_all()
            return True

    def _done(self, cell: Cell) -> bool:
        """Whether a cell is finished by now; one that is damaged, and that nobody mends any more, is not."""
        done = self.store.has(_kind(cell), cell.key)
        if done and cell.key in self.state.suspects and self.store.damaged(_kind(cell), cell.key):
            return False
        return done

    def _broken(self, cell: Cell) -> bool:
        """Whether a model that the cell needs has failed."""
        broken = [key for key in cell.models if key in self.state.failed]
        if broken:
            self._note_failure(cell, f"{_needed(cell)} could not be trained: {self.state.failed[broken[0]]}")
        return bool(broken)

    def _ready(self, cell: Cell) -> bool:
        rest = self.rests.get(cell.key)
        awake = rest is None or time.monotonic() >= rest.until
        return awake and all(key in self.state.finished for key in cell.models)

    def _rest(self, cell: Cell) -> None:
        last = self.rests.get(cell.key)
        seconds = PAUSE if last is None else min(2 * last.seconds, REST)
        self.rests[cell.key] = _Rest(until=time.monotonic() + seconds, seconds=seconds)

    def begin(self, cells: Sequence[Cell], worker: str) -> None:
        """Note who has begun to compute claimed cells."""
        for cell in cells:
            running = self.state.running[cell.key]
            running.worker, running.since = worker, time.monotonic()
            self.store.name_worker(cell.key, worker)
            self.tell("cell_started", self._described(cell))
        self.state.pace.workers = max(self.state.pace.workers, len(self.state.workers))

    def given(self, cells: Sequence[Cell]) -> list[Given] | None:
        """What claimed cells are given.

        None where a model is damaged: a cell by itself has failed then, and those of a stack go out again one by one.
        """
        try:
            return [self._given(cell) for cell in cells]
        except DamagedCellError as error:
            for cell in cells:
                if len(cells) == 1:
                    self.fail(cell, str(error))
                else:
                    self.again(cell, str(error))
            return None

    def _given(self, cell: Cell) -> Given:
        weights = [self.store.read("models", key, "model.safetensors") for key in cell.models]
        return Given(weights, self.store.pieces(cell.key) if isinstance(cell, EvaluateCell) else {})

    def take(self, cells: Sequence[Cell], outcomes: Sequence[dict[str, bytes] | str]) -> None:
        """Keep what became of cells that were handed out together: the files of each, or why it failed."""
        for cell, outcome in zip(cells, outcomes, strict=True):
            if isinstance(outcome, str):
                self.fail(cell, outcome)
            else:
                self.finish(cell, outcome)

    def finish(self, cell: Cell, files: dict[str, bytes]) -> None:
        """Keep a finished cell."""
        if cell.key in self.state.suspects:  # what is there was damaged, and would stay
            self.store.discard(_kind(cell), cell.key)
        self.store.write(_kind(cell), cell.key, files)
        self.store.drop_pieces(cell.key)
        self.state.finished.add(cell.key)
        self.state.computed += 1
        whole = json.loads(files["cell.json"])
        record = {name: whole["provenance"][name] for name in ("seconds", "peak_memory_mb")}
        self.state.pace.note(cell, self._taken(cell, record["seconds"], alone="stack" not in whole))
        if self.memory is not None:
            self.memory.note(cell, record["peak_memory_mb"])
        self.tell("cell_finished", self._described(cell) | record)
        self._release(cell)

    def fail(self, cell: Cell, reason: str) -> None:
        """Note a failed cell; the others go on."""
        self._note_failure(cell, reason)
        self._release(cell)

    def again(self, cell: Cell, reason: str, *, alone: bool = False) -> None:
        """Put a cell back whose worker died, no more in a stack; `alone` where it may have lacked memory."""
        self.tell("cell_retried", self._described(cell) | {"seconds": self._seconds(cell), "reason": reason})
        self.families.pop(cell.key, None)
        self.state.waiting.insert(0, cell)
        if alone:
            self.alone.add(cell.key)
        self._release(cell)

    def close(self) -> None:
        """Let go of what is claimed still, as after an interrupt: this process may live on and run again."""
        while self.claims:
            self.claims.popitem()[1].close()

    def _note_failure(self, cell: Cell, reason: str) -> None:
        self.state.failed[cell.key] = reason
        self.store.fail(cell.key, reason)
        self.tell("cell_failed", self._described(cell) | {"seconds": self._seconds(cell), "reason": reason})

    def _described(self, cell: Cell) -> dict[str, Any]:
        running = self.state.running.get(cell.key)
        return {
            "key": cell.key,
            "stage": cell.stage,
            "recipe": None if isinstance(cell, TransferCell) else cell.recipe.label,
            "seed": cell.seed,
            "worker": running.worker if running else "",
        }

    def _seconds(self, cell: Cell) -> float | None:
        """How long a cell has run, as far as we have heard; None of one that never did."""
        running = self.state.running.get(cell.key)
        return round(time.monotonic() - running.since, 3) if running else None

    def _taken(self, cell: Cell, own: float, *, alone: bool) -> float:
        """Seconds of its worker that a finished cell took: its own, and what handing over added to them.

        With a worker's first cell that would hold its start, which does not come again; a stack's cells share theirs.
        """
        worker, whole = self.state.running[cell.key].worker, self._seconds(cell) or 0.0
        known = worker in self.warm
        self.warm.add(worker)
        return max(own, whole) if known and alone else own

    def _release(self, cell: Cell) -> None:
        del self.state.running[cell.key]
        self.claims.pop(cell.key).close()


def reason_of(error: Exception) -> str:
    """One sentence for what a user can mend; where and what for anything else."""
    if isinstance(error, AssayError):
        return str(error)
    if lacks_memory(error):
        return f"the memory was too small for it ({type(error).__name__})"
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"
