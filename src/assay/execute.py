"""Where cells run: in this process, in local processes, or on Ray. The driver alone writes the store."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from assay import __version__, forks
from assay.attempts import attempt
from assay.clusters import check_ray
from assay.counting import number_of
from assay.driver import KERNELS, PAUSE, Driver, Tell, silent
from assay.errors import BadValueError, StoreError
from assay.memory import SHARE, Memory, available, kind_of, lacks_memory
from assay.plan import Cell, Plan
from assay.rays import on_ray
from assay.reasons import MORE, reason_of
from assay.state import State, Watch, begin
from assay.store import Store
from assay.workers import Source, in_processes


def run(
    plan: Plan,
    store: Store,
    source: Source,
    *,
    jobs: int = 1,
    device: str = "cpu",
    ray: str | None = None,
    watch: Watch,
    tell: Tell = silent,
) -> State:
    """Compute every cell of the plan that the store lacks.

    Cells that fail are noted in the store and the rest goes on. An interrupt stops the workers at once; what was
    finished stays, and the next run computes only what is missing.

    Args:
        plan: what to compute.
        store: where finished cells are.
        source: from where a worker loads the plan's data.
        jobs: 1 computes in this process; more, in that many processes.
        device: "cpu", "cuda", "cuda:0", ...
        ray: the address of a cluster that computes instead, see `check_place`; `jobs` is then not used.
        watch: called with the state several times a second.
        tell: called with each event, see `assay.log`.

    Raises:
        BadValueError: as `check_place`.
        ClusterError: the cluster does not answer, or was lost.
        StoreError: the store cannot be written.
    """
    check_place(device, ray)
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
    if ray is None and jobs > 1:
        forks.warm_up(device)
    state = begin(plan, store)
    watch(state)
    memory = _memory(state, store, here=ray is None) if ray is not None or jobs > 1 else None
    driver = Driver(state, store, memory=memory, stacks=stacks_pay(device), tell=tell)
    place = {"device": device, "jobs": jobs if ray is None else None, "ray": ray}
    with _told(state, store, place, tell), contextlib.closing(driver):
        if ray is not None:
            on_ray(driver, ray, device, watch)
        elif jobs == 1:
            _here(driver, device, watch)
        else:
            in_processes(driver, source, jobs, device, watch)
    watch(state)
    return state


@contextlib.contextmanager
def _told(state: State, store: Store, place: Mapping[str, Any], tell: Tell) -> Iterator[None]:
    """Tell when a run begins, and when and how it ends."""
    study, cells = state.plan.study, len(state.plan.cells)
    where = store.out.absolute() if isinstance(store.out, Path) else store.out
    what: dict[str, Any] = {
        "study": study.name,
        "preset": study.preset,
        "limit": state.plan.task.limit,
        "store": str(where),
    }
    what |= {"recipes": [recipe.label for recipe in study.recipes], "seeds": list(study.seeds), "assay": __version__}
    who = {"host": socket.gethostname(), "pid": os.getpid()}
    tell("run_started", {**what, **who, **place, "cells": cells, "found": state.found, "mended": state.mended})
    outcome, reason = "stopped", ""
    try:
        yield
        outcome = "finished"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    except Exception as error:
        reason = reason_of(error)
        raise
    finally:
        numbers = {"finished": len(state.finished), "failed": len(state.failed)}
        waiting = cells - sum(numbers.values())
        tell("run_ended", {"outcome": outcome, "reason": reason, **numbers, "waiting": waiting})


def _memory(state: State, store: Store, *, here: bool) -> Memory:
    """What this machine has for cells, unless they run elsewhere, and what an earlier run tells of each kind."""
    free = available() if here else None
    memory = Memory(task=state.plan.task, budget=None if free is None else SHARE * free)
    for cell in state.plan.cells if state.waiting else ():
        if cell.key in state.finished and kind_of(cell) not in memory.earlier:
            memory.know(cell, store.read_json(cell.kind, cell.key, "cell.json")["provenance"]["peak_memory_mb"])
    return memory


def check_place(device: str, ray: str | None) -> None:
    """Raise BadValueError unless cells can run there: on the device, or on Ray at an address.

    An address is "local" (a cluster of this machine, for this run), "auto" (one that runs here), "host:port" (from a
    machine of the cluster) or "ray://host:port" (from any machine).
    """
    if ray is None:
        check_device(device)
        return
    check_ray(ray)
    if device not in ("cpu", "cuda"):
        raise BadValueError(f"device: on Ray, expected cpu or cuda, whose number the cluster chooses; got {device}")


def check_device(device: str) -> None:
    """Raise BadValueError unless torch can use the device, and computes in float64 there, as metrics and fits do."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadValueError(f"device: {device} is not here ({_why_not(device)}); use --device cpu") from error
    try:
        torch.empty(0, device=device, dtype=torch.float64)
    except (RuntimeError, TypeError) as error:  # as on mps
        raise BadValueError(f"device: {device} knows no float64, which assay needs; use --device cpu") from error


def stacks_pay(device: str) -> bool:
    """Whether several small networks are trained and evaluated faster as one: not on a CPU (benchmarks/stacks.py)."""
    return torch.device(device).type == "cuda"


def _why_not(device: str) -> str:
    """Why torch cannot use a device, in our words: its own are for those who call it."""
    kind = device.partition(":")[0]
    if kind == "mps":
        return "nor would it do: it knows no float64, which assay needs"
    if kind != "cuda":
        return "assay computes on cpu and cuda, such as cuda:0"
    if not (torch.version.cuda or torch.version.hip):
        return "this torch is built without CUDA; install one that is"
    count = torch.cuda.device_count()
    return f"torch finds {number_of(count, 'GPU')} here" + (f", from cuda:0 to cuda:{count - 1}" if count else "")


def _here(driver: Driver, device: str, watch: Watch) -> None:
    """Compute the cells one after the other in this process, with one thread, as a worker would."""
    state = driver.state
    threads, here = torch.get_num_threads(), f"{socket.gethostname()}:{os.getpid()}"

    def show(cells: tuple[Cell, ...], place: int, fraction: float, text: str) -> None:
        state.running[cells[place].key].report(fraction, text)
        watch(state)

    def keep(cells: tuple[Cell, ...], place: int, name: str, content: bytes) -> None:
        driver.store.keep_piece(cells[place].key, name, content)

    torch.set_num_threads(1)
    try:
        while state.waiting:
            cells = driver.next_stack()
            if not cells:
                watch(state)
                time.sleep(PAUSE)
                continue
            driver.begin(cells, here)
            watch(state)
            given = driver.given(cells)
            if given is None:
                continue
            try:
                outcomes = attempt(cells, state.plan.task, given, device, partial(show, cells), partial(keep, cells))
            except StoreError:
                raise  # the disk is full, say: so it would be for every other cell
            except Exception as error:  # whatever breaks one cell, the others go on
                reason = f"{reason_of(error)}; {MORE}" if lacks_memory(error) else reason_of(error)
                driver.take(cells, [reason] * len(cells))
            else:
                driver.take(cells, outcomes)
    finally:
        torch.set_num_threads(threads)
