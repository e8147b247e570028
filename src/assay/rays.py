"""Cells as Ray tasks, on a cluster of this machine or another: the data go once into Ray's object store.

A cell is one remote call on one core; its progress and its pieces come back through an actor that the driver asks. Ray
itself repeats nothing: the driver counts what is lost, as with local processes.
"""

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from assay.attempts import Outcome, attempt
from assay.cells import Given
from assay.clusters import connected, sentence
from assay.data import Task
from assay.driver import ATTEMPTS, KERNELS, PAUSE, Driver
from assay.errors import BadValueError, ClusterError
from assay.memory import lacks_memory
from assay.plan import Cell
from assay.post import Post
from assay.provenance import software
from assay.reasons import reason_of
from assay.state import Watch

QUIET = 1.0  # seconds between two reports of a cell: hundreds of cells share one actor
LISTEN = 1.0  # seconds between two questions for them
LOOK = 10.0  # seconds between two looks at what the nodes have
MEND = "mend that node or take it out of the cluster, then run the same command again"
GPU_SHARE = 0.25  # of a GPU for a cell: these networks leave most of one idle


class Lacking(NamedTuple):
    """What a worker answers whose one cell lacked memory."""

    reason: str


class Unfit(NamedTuple):
    """What a worker answers on a node that would compute other numbers."""

    reason: str


@dataclass(kw_only=True)
class _Flight:
    """A cell that was given to the cluster."""

    cells: tuple[Cell, ...]  # several are a stack
    answer: Any  # a reference to what the call returns
    memory: int  # bytes that Ray keeps for it on its node
    begun: bool = False


def on_ray(driver: Driver, address: str, device: str, watch: Watch) -> None:
    """Compute the cells on a cluster; one whose worker or node is lost is tried once more.

    Raises:
        BadValueError: as `check_ray`, or the cluster has no GPU for "cuda".
        ClusterError: as `connected`, or the cluster was lost.
    """
    if not driver.state.waiting:
        return
    with connected(address):
        import ray

        try:
            _Cluster(driver, device).run(watch)
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise ClusterError(f"ray: the cluster was lost: {sentence(error)}; run again to go on") from error


class _Cluster:
    """Gives cells to Ray and takes back what they report and return."""

    def __init__(self, driver: Driver, device: str) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        gpus = GPU_SHARE if device.startswith("cuda") else 0
        if ray.cluster_resources().get("GPU", 0) < gpus:
            raise BadValueError(f"device: the cluster has no GPU for {device}; use --device cpu")
        self.driver, self.device = driver, device
        self.flights: dict[int, _Flight] = {}
        self.numbers = itertools.count()
        self.lost: dict[str, int] = {}  # by the cell's key, how often its worker was
        self.call = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(work)
        self.task = ray.put(driver.state.plan.task)
        # Beside the driver, so that no other node takes it with it.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.post = ray.remote(num_cpus=0, scheduling_strategy=here)(Post).remote()
        self.looked = time.monotonic()  # when the nodes were last asked what they have

    def run(self, watch: Watch) -> None:
        """Compute what waits. An interrupt ends the calls."""
        import ray

        state = self.driver.state
        try:
            while state.waiting or self.flights:
                while self._room() and (cells := self.driver.next_stack(self._workers())):
                    self._give(cells)
                watch(state)  # with what was just given
                if not self.flights:
                    time.sleep(PAUSE)  # what is left is being computed by another run
                    continue
                answers = {flight.answer: number for number, flight in self.flights.items()}
                ready, _ = ray.wait(list(answers), timeout=LISTEN)
                self._hear()
                for answer in ready:
                    self._take(answers[answer])
                self._recall()
        finally:
            with contextlib.suppress(ray.exceptions.RayError, ConnectionError):  # it may be what was lost
                for flight in self.flights.values():
                    ray.cancel(flight.answer, force=True)
                ray.kill(self.post)

    def _room(self) -> bool:
        """Whether one more cell would run now: each that only waits for a core holds its claim and its weights.

        One may wait, which also tells a cluster that grows on demand; more are given only as far as cores are free.
        """
        import ray

        if not self.driver.state.waiting:
            return False
        waiting = [flight for flight in self.flights.values() if not flight.begun]
        if not waiting:
            return True
        free = ray.available_resources()
        return (
            len(self.flights) < self._at_once(ray.cluster_resources())
            and len(waiting) < self._at_once(free)
            and sum(flight.memory for flight in waiting) <= free.get("memory", 0.0)
        )

    def _at_once(self, resources: Mapping[str, float]) -> float:
        """How many calls run at once on so many cores and GPUs."""
        cores = resources.get("CPU", 0)
        return min(cores, resources.get("GPU", 0) / GPU_SHARE) if self.device.startswith("cuda") else cores

    def _workers(self) -> int:
        """How many calls the cluster's GPUs hold at once: stacks are shared among them."""
        import ray

        return max(1, int(ray.cluster_resources().get("GPU", 0) / GPU_SHARE))

    def _give(self, cells: tuple[Cell, ...]) -> None:
        inputs = self.driver.given(cells)
        if inputs is None:
            return
        number = next(self.numbers)
        for cell in cells:
            self.driver.state.running[cell.key].text = "waits for a core"
        given = (cells, [self.task], inputs, self.device, software(), self.post, number)
        memory = self._memory(cells[0])
        answer = self.call.options(memory=memory).remote(*given)
        self.flights[number] = _Flight(cells=cells, answer=answer, memory=memory)

    def _memory(self, cell: Cell) -> int:
        """Bytes that its node should have free: no more than the largest node has, else it would wait forever."""
        peak = self.driver.memory.peak(cell) if self.driver.memory is not None else 0.0
        return int(min(peak, self._largest()))

    def _largest(self) -> float:
        """The memory of the largest node that could take a cell, now."""
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return max((node.get("memory", 0.0) for node in nodes if self._at_once(node) >= 1), default=0.0)

    def _recall(self) -> None:
        """Take back what waits for more memory than any node has, as where the largest was lost: it is given anew."""
        waiting = {number: flight for number, flight in self.flights.items() if not flight.begun}
        if not waiting or time.monotonic() - self.looked < LOOK:
            return
        import ray

        self.looked, largest = time.monotonic(), self._largest()
        for number, flight in waiting.items():
            if flight.memory > largest:
                ray.cancel(flight.answer, force=True)
                del self.flights[number]
                for cell in flight.cells:
                    self.driver.again(cell, "no node has the memory that it was to have")

    def _hear(self) -> None:
        """Take what cells have reported; what comes late, of a cell that has ended, is left out."""
        import ray

        for number, kind, *content in ray.get(self.post.fetch.remote()):
            flight = self.flights.get(number)
            if flight is None:
                continue
            if kind == "begun":
                flight.begun = True
                self.driver.begin(flight.cells, *content)
            elif kind == "piece":
                place, *piece = content
                self.driver.store.keep_piece(flight.cells[place].key, *piece)
            else:
                place, fraction, text = content
                self.driver.state.running[flight.cells[place].key].report(fraction, text)

    def _take(self, number: int) -> None:
        import ray

        flight = self.flights.pop(number)
        if not flight.begun:  # it ended before it was heard of
            self.driver.begin(flight.cells, "ray")
        try:
            outcomes = ray.get(flight.answer)
        except ray.exceptions.RayTaskError as error:  # before the cell began, as where assay is not installed
            raise ClusterError(f"ray: a node cannot compute cells: {sentence(error.cause)}; {MEND}") from error
        except ray.exceptions.RayError as error:
            self._again(flight.cells, error)
        else:
            self._keep(flight.cells, outcomes)

    def _keep(self, cells: tuple[Cell, ...], outcomes: list[Outcome] | Lacking | Unfit) -> None:
        """Keep what a worker answered. A node that is unfit ends the run: it would take one cell after the other."""
        if isinstance(outcomes, Unfit):
            raise ClusterError(f"ray: {outcomes.reason}; {MEND}")
        if isinstance(outcomes, Lacking):
            self._lost(cells[0], "it lacked memory", f"({outcomes.reason})", alone=True)
        else:
            self.driver.take(cells, outcomes)

    def _again(self, cells: tuple[Cell, ...], error: Exception) -> None:
        why = f"({type(error).__name__}: {sentence(error)})"
        if len(cells) > 1:  # those of a stack begin anew, each by itself
            for one in cells:
                self.driver.again(one, f"its worker was lost {why}")
            return
        import ray

        [cell] = cells
        self._lost(cell, "its worker was lost", why, alone=isinstance(error, ray.exceptions.OutOfMemoryError))

    def _lost(self, cell: Cell, what: str, why: str, *, alone: bool) -> None:
        self.lost[cell.key] = self.lost.get(cell.key, 0) + 1
        if self.lost[cell.key] < ATTEMPTS:
            self.driver.again(cell, f"{what} {why}", alone=alone)
        else:
            self.driver.fail(cell, f"{what} {ATTEMPTS} times {why}")


_held: dict[str, Task] = {}  # in a worker: the data of the last study, by reference


def work(
    cells: Sequence[Cell],
    data: Sequence[Any],
    given: Sequence[Given],
    device: str,
    wanted: Mapping[str, str],
    post: Any,
    number: int,
) -> list[Outcome] | Lacking | Unfit:
    """Compute a cell, or a stack of them, in a worker of a cluster.

    Args:
        cells: what to compute.
        data: a reference to the task; in a list, else Ray would copy it for each cell.
        given: what each cell is given.
        device: where to compute.
        wanted: the driver's software.
        post: takes (number, "begun", worker), (number, "progress", place, fraction, text), and
            (number, "piece", place, name, content).
        number: of this call.

    Returns:
        What became of each cell; or that the one cell lacked memory, or that this node should compute none.
    """
    import ray

    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
    torch.set_num_threads(1)
    last: dict[int, float] = {}

    def show(place: int, fraction: float, text: str) -> None:
        if time.monotonic() - last.get(place, float("-inf")) >= QUIET:
            last[place] = time.monotonic()
            post.put.remote((number, "progress", place, fraction, text))

    def keep(place: int, name: str, content: bytes) -> None:
        ray.get(post.put.remote((number, "piece", place, name, content)))

    try:
        post.put.remote((number, "begun", f"{socket.gethostname()}:{os.getpid()}"))
        for place in range(len(cells)):
            show(place, 0.0, "")
        if differs := _differs(wanted):
            return Unfit(differs)
        [reference] = data
        name = reference.hex()
        if name not in _held:
            _held.clear()
            _held[name] = ray.get(reference)
        return attempt(cells, _held[name], given, device, show, keep)
    except Exception as error:  # whatever is wrong with this node, the driver says so
        if len(cells) == 1 and lacks_memory(error):
            return Lacking(reason_of(error))
        return [reason_of(error)] * len(cells)


def _differs(wanted: Mapping[str, str]) -> str:
    """Why this node would compute other numbers than the driver's machine, or ""."""
    here = software()
    for name in wanted.keys() - {"python"}:  # Ray itself compares Python
        if here.get(name) != wanted[name] and not (name == "commit" and name not in here):  # installed, of no checkout
            where = socket.gethostname()
            return f"{where}: has {name} {here.get(name)}, and the driver {wanted[name]}"
    return ""
