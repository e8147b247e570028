"""Where cells run: in this process, or in local processes with one thread each. The driver alone writes the store."""

import contextlib
import multiprocessing
import os
import signal
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import torch

from assay.cells import compute
from assay.data import Task, load_task, one_class
from assay.errors import AssayError, BadValueError, StoreError
from assay.recipe import BASELINE
from assay.store import Store
from assay.study import Cell, Plan, Study, TrainCell, TransferCell

ATTEMPTS = 2  # a worker that dies may have been killed from outside: its cell gets one more chance
PAUSE = 0.5  # seconds between two looks at the workers
KERNELS = "64"  # compiled convolutions that a worker keeps: by default 1,024, one per batch size met, a gigabyte
QUIET = 0.2  # seconds between two reports of a worker


@dataclass(frozen=True, kw_only=True)
class Source:
    """How a worker loads the task by itself."""

    data: str
    outliers: tuple[str, ...]
    exposure: tuple[str, ...]
    folder: Path | None
    limit: int | None
    kept: int | None = None

    def load(self) -> Task:
        """Load the task."""
        task = load_task(
            self.data, outliers=self.outliers, exposure=self.exposure, folder=self.folder, limit=self.limit
        )
        return task if self.kept is None else one_class(task, self.kept)


def source_of(study: Study, folder: Path | None, limit: int | None) -> Source:
    """From where the sets of a study are loaded.

    Raises:
        BadValueError: the study stands for one study of each class.
    """
    if study.each_class:
        raise BadValueError(
            f"{study.name}: stands for a study of each class, such as {study.name}-0; name one of them here"
        )
    return Source(
        data=study.data,
        outliers=study.outliers,
        exposure=study.exposure,
        folder=folder,
        limit=limit,
        kept=study.kept,
    )


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


def run(plan: Plan, store: Store, source: Source, *, jobs: int = 1, device: str = "cpu", watch: Watch) -> State:
    """Compute every cell of the plan that the store lacks.

    Cells that fail are noted in the store and the rest goes on. An interrupt stops the workers at once; what was
    finished stays, and the next run computes only what is missing.

    Args:
        plan: what to compute.
        store: where finished cells are.
        source: from where a worker loads the plan's data.
        jobs: 1 computes in this process; more, in that many processes.
        device: "cpu", "cuda", "cuda:0", ...
        watch: called with the state several times a second.

    Raises:
        BadValueError: the device is not there.
        StoreError: the store cannot be written.
    """
    check_device(device)
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
    state = State(plan=plan)
    # The baseline first, so that what comes next can be compared; then the longest, so that no core idles at the end.
    for cell in sorted(plan.cells, key=lambda cell: (cell.recipe.label != BASELINE, -cell.cost)):
        if store.has(_kind(cell), cell.key) and not _mended(state, store, cell):
            state.finished.add(cell.key)
        else:
            state.waiting.append(cell)
    state.found = len(state.finished)
    watch(state)
    driver = _Driver(state, store)
    try:
        if jobs == 1:
            _here(driver, device, watch)
        else:
            _processes(driver, source, jobs, device, watch)
    finally:
        driver.close()
    watch(state)
    return state


def check_device(device: str) -> None:
    """Raise BadValueError unless torch can use the device."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadValueError(f"device: {device} is not here ({_first_words(error)}); use --device cpu") from error


def _first_words(error: Exception) -> str:
    return textwrap.shorten(str(error).split(". ")[0].splitlines()[0], 100, placeholder=" ...")


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


class _Driver:
    """Hands out cells that are ready and keeps what comes back; the only one that touches the store."""

    def __init__(self, state: State, store: Store) -> None:
        self.state = state
        self.store = store
        self.claims: dict[str, contextlib.ExitStack] = {}

    def next(self) -> Cell | None:
        """Claim the first waiting cell whose models are there; None where no cell is ready now."""
        for cell in list(self.state.waiting):
            if self._settled(cell):
                self.state.waiting.remove(cell)
            elif self._ready(cell) and self._claim(cell):
                self.state.waiting.remove(cell)
                self.state.running[cell.key] = Running(cell=cell)
                return cell
        return None

    def _settled(self, cell: Cell) -> bool:
        """Whether another run finished the cell meanwhile, or its models failed."""
        if self.store.has(_kind(cell), cell.key):
            self.state.finished.add(cell.key)
            return True
        broken = [key for key in cell.models if key in self.state.failed]
        if broken:
            self._note_failure(cell, f"{_needed(cell)} could not be trained: {self.state.failed[broken[0]]}")
        return bool(broken)

    def _ready(self, cell: Cell) -> bool:
        return all(key in self.state.finished for key in cell.models)

    def _claim(self, cell: Cell) -> bool:
        claim = contextlib.ExitStack()
        if claim.enter_context(self.store.claim(cell.key)) and not self.store.has(_kind(cell), cell.key):
            self.claims[cell.key] = claim
            return True
        claim.close()
        return False

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


def _reason(error: Exception) -> str:
    """One sentence for what a user can mend; where and what for anything else."""
    if isinstance(error, AssayError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"


def _here(driver: _Driver, device: str, watch: Watch) -> None:
    """Compute the cells one after the other in this process, with one thread, as a worker would."""
    state = driver.state
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        while state.waiting:
            cell = driver.next()
            watch(state)
            if cell is None:
                time.sleep(PAUSE)
                continue
            running = state.running[cell.key]

            def report(fraction: float, text: str, running: Running = running) -> None:
                running.fraction, running.text = fraction, text
                watch(state)

            try:
                files = compute(
                    cell,
                    state.plan.task,
                    driver.weights(cell),
                    device,
                    report,
                    pieces=driver.pieces(cell),
                    keep=partial(driver.store.keep_piece, cell.key),
                )
            except Exception as error:  # whatever breaks one cell, the others go on
                driver.fail(cell, _reason(error))
            else:
                driver.finish(cell, files)
    finally:
        torch.set_num_threads(threads)


@dataclass(kw_only=True)
class _Worker:
    """A process that computes one cell after the other."""

    process: SpawnProcess
    pipe: "Connection[Any, Any]"
    cell: Cell | None = None


def _processes(driver: _Driver, source: Source, jobs: int, device: str, watch: Watch) -> None:
    """Compute the cells in local processes; one that dies is replaced, and its cell tried once more."""
    state = driver.state
    workers: list[_Worker] = []
    deaths: dict[str, int] = {}
    try:
        while state.waiting or state.running:
            workers = [worker for worker in workers if worker.process.is_alive() or worker.cell is not None]
            wanted = min(jobs, len(state.waiting) + len(state.running))
            workers.extend(_start(source, device) for _ in range(wanted - len(workers)))
            for worker in workers:
                if worker.cell is None and (cell := driver.next()) is not None:
                    _hand(driver, worker, cell)
            busy = {worker.pipe: worker for worker in workers if worker.cell is not None}
            if not busy:
                time.sleep(PAUSE)  # what is left is being computed by another run
            for pipe in wait(list(busy), timeout=PAUSE):
                _receive(driver, busy[pipe], deaths)  # type: ignore[index]
            watch(state)
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()


def _start(source: Source, device: str) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, source, device), daemon=True)
    with _interrupts_ignored():
        process.start()
    theirs.close()
    return _Worker(process=process, pipe=ours)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C reaches the whole group: a worker started inside ignores it from its first instruction, imports included.

    Only the main thread may set this; a worker started from another one ignores interrupts once it works.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _hand(driver: _Driver, worker: _Worker, cell: Cell) -> None:
    try:
        weights, pieces = driver.weights(cell), driver.pieces(cell)
    except StoreError as error:
        driver.fail(cell, str(error))
        return
    worker.cell = cell
    with contextlib.suppress(BrokenPipeError):  # it died meanwhile: seen when its answer is awaited
        worker.pipe.send((cell, weights, pieces))


def _receive(driver: _Driver, worker: _Worker, deaths: dict[str, int]) -> None:
    cell = worker.cell
    assert cell is not None
    try:
        kind, *content = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        worker.cell = None
        deaths[cell.key] = deaths.get(cell.key, 0) + 1
        if deaths[cell.key] < ATTEMPTS:
            driver.again(cell)
        else:
            code = worker.process.exitcode
            driver.fail(
                cell,
                f"its process died {ATTEMPTS} times (exit code {code}); the machine may lack memory, or the script "
                "that runs the study lacks `if __name__ == '__main__':`",
            )
        return
    if kind == "progress":
        running = driver.state.running[cell.key]
        running.fraction, running.text = content
        return
    if kind == "piece":
        driver.store.keep_piece(cell.key, *content)
        return
    worker.cell = None
    if kind == "done":
        driver.finish(cell, content[0])
    else:
        driver.fail(cell, content[0])


def _work(pipe: "Connection[Any, Any]", source: Source, device: str) -> None:
    """Compute cells until the driver goes away: a closed pipe ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides when to stop
    torch.set_num_threads(1)
    task: Task | None = None
    last = 0.0

    def report(fraction: float, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= QUIET:
            last = time.monotonic()
            pipe.send(("progress", fraction, text))

    def keep(name: str, content: bytes) -> None:
        pipe.send(("piece", name, content))

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            cell, weights, pieces = pipe.recv()
            try:
                task = task or source.load()
                files = compute(cell, task, weights, device, report, pieces=pieces, keep=keep)
                answer: tuple[str, Any] = ("done", files)
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:  # whatever breaks one cell, the others go on
                answer = ("failed", _reason(error))
            pipe.send(answer)
    os._exit(0)  # the driver is gone: nothing is left to clean up
