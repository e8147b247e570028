"""The driver: hands out cells that are ready, keeps what comes back, and alone touches the store."""

import contextlib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import AssayError
from assay.recipe import BASELINE
from assay.store import CELLS, Store
from assay.study import Cell, Plan, TrainCell, TransferCell

ATTEMPTS = 2  # a worker that dies may have been killed from outside: its cell gets one more chance
PAUSE = 0.5  # seconds between two looks at the workers
REST = 10.0  # seconds at most until a cell that another run computes is asked for again
KERNELS = "64"  # compiled convolutions that a worker keeps: by default 1,024, one per batch size met, a gigabyte


@dataclass(kw_only=True)
class Running:
    """A cell that is being computed, and how far it is."""

    cell: Cell
    fraction: float = 0.0
    text: str = ""


@dataclass(kw_only=True)
class State:
    """How far a run is. `found` cells were in the store when it began; `mended` ones were damaged there.

    A cell is in exactly one of: waiting, running, finished, failed.
    """

    plan: Plan
    started: float = field(default_factory=time.monotonic)
    waiting: list[Cell] = field(default_factory=list)
    running: dict[str, Running] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    found: int = 0
    mended: int = 0
    spent: float = 0.0  # cost of what this run finished

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the speed so far, or None before there is one."""
        done = self.spent + sum(item.fraction * item.cell.cost for item in self.running.values())
        left = sum(cell.cost for cell in self.waiting)
        left += sum((1 - item.fraction) * item.cell.cost for item in self.running.values())
        elapsed = time.monotonic() - self.started
        return None if elapsed < 5 or done <= 0 else left * elapsed / done


Watch = Callable[[State], None]


def begin(plan: Plan, store: Store) -> State:
    """What of a plan the store has, and what waits: damaged cells are removed, and wait too."""
    state = State(plan=plan)
    there = {kind: store.finished(kind) for kind in CELLS}
    # The baseline first, so that what comes next can be compared; then the longest, so that no core idles at the end.
    for cell in sorted(plan.cells, key=lambda cell: (cell.recipe.label != BASELINE, -cell.cost)):
        if cell.key in there[_kind(cell)] and not _mended(state, store, cell):
            state.finished.add(cell.key)
        else:
            state.waiting.append(cell)
    state.found = len(state.finished)
    return state


def _kind(cell: Cell) -> str:
    return "models" if isinstance(cell, TrainCell) else "evaluations"


def _needed(cell: Cell) -> str:
    """What a model is to the cell that needs it."""
    if isinstance(cell, TransferCell):
        return "one of its models"
    return "the model that it starts from" if isinstance(cell, TrainCell) else "its model"


def _mended(state: State, store: Store, cell: Cell) -> bool:
    """Whether a finished cell was damaged: then it is removed, and computed anew."""
    if not store.damaged(_kind(cell), cell.key):
        return False
    with store.claim(cell.key) as claimed:
        if not claimed or not store.damaged(_kind(cell), cell.key):  # another run is mending it, or has
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
    out, and about one that another run computes after a rest, which doubles each time.
    """

    def __init__(self, state: State, store: Store) -> None:
        self.state = state
        self.store = store
        self.claims: dict[str, contextlib.ExitStack] = {}
        self.rests: dict[str, _Rest] = {}  # of cells that another run computes

    def next(self) -> Cell | None:
        """Claim the first waiting cell whose models are there; None where no cell is ready now."""
        for cell in list(self.state.waiting):
            if self._broken(cell):
                self.state.waiting.remove(cell)
            elif self._ready(cell) and self._mine(cell):
                return cell
        return None

    def _mine(self, cell: Cell) -> bool:
        """Claim a cell, unless another run computes it or was faster."""
        with contextlib.ExitStack() as claim:
            claimed = claim.enter_context(self.store.claim(cell.key))
            done = self.store.has(_kind(cell), cell.key)
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

    def weights(self, cell: Cell) -> list[bytes]:
        """The weights that an evaluation needs."""
        return [self.store.read("models", key, "model.safetensors") for key in cell.models]

    def pieces(self, cell: Cell) -> dict[str, bytes]:
        """What an interrupted run has kept of the cell."""
        return self.store.pieces(cell.key)

    def finish(self, cell: Cell, files: dict[str, bytes]) -> None:
        """Keep a finished cell."""
        self.store.write(_kind(cell), cell.key, files)
        self.store.drop_pieces(cell.key)
        self.state.finished.add(cell.key)
        self.state.spent += cell.cost
        self._release(cell)

    def fail(self, cell: Cell, reason: str) -> None:
        """Note a failed cell; the others go on."""
        self._note_failure(cell, reason)
        self._release(cell)

    def again(self, cell: Cell) -> None:
        """Put a cell back whose worker died."""
        self.state.waiting.insert(0, cell)
        self._release(cell)

    def close(self) -> None:
        """Let go of what is claimed still, as after an interrupt: this process may live on and run again."""
        while self.claims:
            self.claims.popitem()[1].close()

    def _note_failure(self, cell: Cell, reason: str) -> None:
        self.state.failed[cell.key] = reason
        self.store.fail(cell.key, reason)

    def _release(self, cell: Cell) -> None:
        del self.state.running[cell.key]
        self.claims.pop(cell.key).close()


def reason_of(error: Exception) -> str:
    """One sentence for what a user can mend; where and what for anything else."""
    if isinstance(error, AssayError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"
