"""The driver: hands out cells that are ready, keeps what comes back, and alone touches the store."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.cells import Given
from assay.errors import DamagedCellError
from assay.memory import Memory
from assay.plan import Cell, EvaluateCell, TrainCell, TransferCell
from assay.stacks import evaluation_family, family
from assay.state import Running, State
from assay.store import Store

ATTEMPTS = 2  # a worker that dies may have been killed from outside, or for lack of memory: one more chance, alone
PAUSE = 0.5  # seconds between two looks at the workers
STACKED = 16  # networks in a stack at most
REST = 10.0  # seconds at most until a cell that another run computes is asked for again
KERNELS = "64"  # compiled convolutions that a worker keeps: by default 1,024, one per batch size met, a gigabyte


Tell = Callable[[str, Mapping[str, Any]], None]  # an event's name, and its fields


def silent(event: str, fields: Mapping[str, Any]) -> None:
    """Tell nobody."""


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
        done = self.store.has(cell.kind, cell.key)
        if done and cell.key in self.state.suspects and self.store.damaged(cell.kind, cell.key):
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
            self.store.discard(cell.kind, cell.key)
        self.store.write(cell.kind, cell.key, files)
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
