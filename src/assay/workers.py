"""Cells in local processes with one thread each, which load the data by themselves; one that dies is replaced."""

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from assay import forks
from assay.attempts import attempt
from assay.data import Task, load_task, one_class
from assay.driver import ATTEMPTS, PAUSE, Driver
from assay.errors import BadValueError
from assay.memory import lacks_memory
from assay.plan import Cell
from assay.reasons import MORE, reason_of
from assay.state import Watch
from assay.study import Study

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
class _Worker:
    """A process that computes one cell after the other."""

    process: BaseProcess
    pipe: "Connection[Any, Any]"
    cells: tuple[Cell, ...] = ()  # several are a stack


def in_processes(driver: Driver, source: Source, jobs: int, device: str, watch: Watch) -> None:
    """Compute the cells in local processes; one that dies is replaced, and its cell tried once more, alone.

    A process is started when there is a cell for it, so that no more of them take memory than cells fit.
    """
    state = driver.state
    workers: list[_Worker] = []
    deaths: dict[str, int] = {}
    try:
        while state.waiting or state.running:
            workers = [worker for worker in workers if worker.process.is_alive() or worker.cells]
            while sum(bool(worker.cells) for worker in workers) < jobs and (cells := driver.next_stack(jobs)):
                idle = next((worker for worker in workers if not worker.cells), None)
                if idle is None:
                    workers.append(idle := _start(source, device))
                _hand(driver, idle, cells)
            watch(state)  # with what was just handed out: who looks sees as many running as there are
            busy = {worker.pipe: worker for worker in workers if worker.cells}
            if not busy:
                time.sleep(PAUSE)  # what is left is being computed by another run
            for pipe in wait(list(busy), timeout=PAUSE):
                _receive(driver, busy[pipe], deaths)  # type: ignore[index]
    finally:
        for worker in workers:
            _end(worker)
        for worker in workers:
            worker.process.join()


def _start(source: Source, device: str) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    process = forks.start(device, _work, theirs, source, device)
    theirs.close()
    return _Worker(process=process, pipe=ours)


def _end(worker: _Worker) -> None:
    """Kill a worker; one whose server is gone cannot be found any more, and ends by itself as its pipe is closed."""
    worker.process.kill()
    worker.pipe.close()


def _hand(driver: Driver, worker: _Worker, cells: tuple[Cell, ...]) -> None:
    given = driver.given(cells)
    if given is None:
        return
    worker.cells = cells
    driver.begin(cells, f"{socket.gethostname()}:{worker.process.pid}")
    with contextlib.suppress(ConnectionError):  # it died meanwhile: seen when its answer is awaited
        worker.pipe.send((cells, given))


def _receive(driver: Driver, worker: _Worker, deaths: dict[str, int]) -> None:
    cells = worker.cells
    try:
        kind, *content = worker.pipe.recv()
    except (EOFError, OSError):  # OSError: it died in the midst of an answer
        worker.process.join()
        code = worker.process.exitcode
        hint = "the machine may lack memory, or the script that runs the study lacks `if __name__ == '__main__':`"
        _lost(driver, worker, deaths, "its process died", f"exit code {code}: {hint}")
        return
    if kind == "progress":
        place, fraction, text = content
        driver.state.running[cells[place].key].report(fraction, text)
        return
    if kind == "piece":
        place, *piece = content
        driver.store.keep_piece(cells[place].key, *piece)
        return
    if kind == "memory":
        _end(worker)  # what it still holds, the next attempt may need
        worker.process.join()
        _lost(driver, worker, deaths, content[0], MORE)
        return
    worker.cells = ()
    driver.take(cells, content[0])


def _lost(driver: Driver, worker: _Worker, deaths: dict[str, int], reason: str, hint: str) -> None:
    """Try the cell of a lost worker once more, with nothing beside it; then it has failed.

    The cells of a stack are tried one by one, each as if for the first time.
    """
    cells, worker.cells = worker.cells, ()
    if len(cells) > 1:
        for one in cells:
            driver.again(one, reason)
        return
    [cell] = cells
    deaths[cell.key] = deaths.get(cell.key, 0) + 1
    if deaths[cell.key] < ATTEMPTS:
        driver.again(cell, reason, alone=True)
    else:
        driver.fail(cell, f"{reason} {ATTEMPTS} times, at last with nothing of this run beside it; {hint}")


def _end_with_the_driver() -> None:
    """End this process when the driver is killed, and not only when the next report finds the pipe closed."""
    driver = multiprocessing.parent_process()
    assert driver is not None, "a worker is the child of a driver"
    driver.join()
    os._exit(0)


def _work(pipe: "Connection[Any, Any]", source: Source, device: str) -> None:
    """Compute cells until the driver goes away: a closed pipe ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides when to stop
    threading.Thread(target=_end_with_the_driver, daemon=True).start()
    torch.set_num_threads(1)
    task: Task | None = None
    last: dict[int, float] = {}

    def show(place: int, fraction: float, text: str) -> None:
        if time.monotonic() - last.get(place, 0.0) >= QUIET:
            last[place] = time.monotonic()
            pipe.send(("progress", place, fraction, text))

    def keep(place: int, name: str, content: bytes) -> None:
        pipe.send(("piece", place, name, content))

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            cells, given = pipe.recv()
            try:
                task = task or source.load()
                answer: tuple[str, Any] = ("ended", attempt(cells, task, given, device, show, keep))
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:  # whatever breaks one cell, the others go on
                reason = reason_of(error)
                answer = ("memory", reason) if lacks_memory(error) else ("ended", [reason] * len(cells))
            pipe.send(answer)
    os._exit(0)  # the driver is gone: nothing is left to clean up
