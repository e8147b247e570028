"""Where cells run: in this process, in local processes, or on Ray. The driver alone writes the store."""

import os
import textwrap
import time
from functools import partial

import torch

from assay.cells import compute
from assay.clusters import check_ray
from assay.driver import KERNELS, PAUSE, Driver, Running, State, Watch, begin, reason_of
from assay.errors import BadValueError
from assay.rays import on_ray
from assay.store import Store
from assay.study import Plan
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

    Raises:
        BadValueError: as `check_place`.
        ClusterError: the cluster does not answer, or was lost.
        StoreError: the store cannot be written.
    """
    check_place(device, ray)
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
    state = begin(plan, store)
    watch(state)
    driver = Driver(state, store)
    try:
        if ray is not None:
            on_ray(driver, ray, device, watch)
        elif jobs == 1:
            _here(driver, device, watch)
        else:
            in_processes(driver, source, jobs, device, watch)
    finally:
        driver.close()
    watch(state)
    return state


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
    """Raise BadValueError unless torch can use the device."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadValueError(f"device: {device} is not here ({_first_words(error)}); use --device cpu") from error


def _first_words(error: Exception) -> str:
    return textwrap.shorten(str(error).split(". ")[0].splitlines()[0], 100, placeholder=" ...")


def _here(driver: Driver, device: str, watch: Watch) -> None:
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
                driver.fail(cell, reason_of(error))
            else:
                driver.finish(cell, files)
    finally:
        torch.set_num_threads(threads)
