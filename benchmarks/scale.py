"""What many workers gain and what the store and the scheduler cost, with local processes and with Ray.

    make bench-scale          or   .venv/bin/python benchmarks/scale.py --recipes 20 --images 2000

A study of many small cells (trainings, calibrations, attacks) runs from an empty store with each number of workers, on
a machine that should be idle. Each run is a process of its own, as a user would start it. For each:
- wall: seconds of that whole process, its imports, plan and end included (a cluster of Ray is started before, and given
  apart); start: those until the first cell began;
- cells/min: over the wall without the start;
- efficiency: seconds that one worker in one process takes, over workers times seconds that these take; once of whole
  walls, and once without the start;
- store: milliseconds that the driver spends in the store for each cell; rest: what else the workers' time holds that no
  cell computes, for each cell: handing out, transfers, waiting for the driver or for a model, idling at the end;
- overhead: both as a share of the workers' time without the start;
- slower: how much longer the cells themselves took than with one worker, as where two cores share a cache.
"""

import argparse
import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assay import forks

if __name__ == "__main__" and "--one" in sys.argv and "local processes" in sys.argv:
    forks.warm_up("cpu")  # before the imports that follow, as the command does

from assay.attacks import FGSM
from assay.augmentations import MixUp
from assay.evaluations import Adversarial, Calibration
from assay.execute import run
from assay.plan import plan
from assay.recipe import Recipe, Train
from assay.state import State
from assay.store import Store
from assay.study import Study
from assay.workers import source_of

HERE, LOCAL, RAY = "one process", "local processes", "Ray"
COLUMNS = (
    "place",
    "workers",
    "wall s",
    "start s",
    "cells/min",
    "efficiency",
    "without start",
    "store ms",
    "rest ms",
    "overhead",
    "slower",
)


@dataclass(kw_only=True)
class Times:
    """What a run of `cells` cells took, in seconds; `computing` is the sum over its cells."""

    place: str
    workers: int
    begun: float  # time.time when the process was started
    cells: int = 0
    start: float | None = None
    wall: float = 0.0
    store: float = 0.0
    computing: float = 0.0

    def watch(self, state: State) -> None:
        """Note when the first cell began to be computed."""
        waits = "waits for a core" if self.place == RAY else ""
        begun = self.place == HERE or any(item.text != waits for item in state.running.values())
        if self.start is None and (begun or state.finished):
            self.start = time.time() - self.begun

    @property
    def working(self) -> float:
        """The wall without the start."""
        return self.wall - (self.start or 0.0)

    @property
    def lost(self) -> float:
        """Seconds of the workers in which no cell was computed, without the start."""
        return self.workers * self.working - self.computing


class TimedStore(Store):
    """A store that notes how long its driver spends in it."""

    times: Times

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.times.store += time.perf_counter() - start

    def finished(self, kind: str) -> frozenset[str]:
        """As `Store`."""
        with self._timed():
            return super().finished(kind)

    def has(self, kind: str, key: str) -> bool:
        """As `Store`."""
        with self._timed():
            return super().has(kind, key)

    def read(self, kind: str, key: str, name: str) -> bytes:
        """As `Store`."""
        with self._timed():
            return super().read(kind, key, name)

    def write(self, kind: str, key: str, files: Any) -> None:
        """As `Store`."""
        with self._timed():
            super().write(kind, key, files)

    def pieces(self, key: str) -> dict[str, bytes]:
        """As `Store`; its reads are not timed twice, since a piece is kept by none of these cells."""
        with self._timed():
            return super().pieces(key)

    def drop_pieces(self, key: str) -> None:
        """As `Store`."""
        with self._timed():
            super().drop_pieces(key)

    @contextlib.contextmanager
    def _claim(self, inner: AbstractContextManager[bool]) -> Iterator[bool]:
        with contextlib.ExitStack() as stack:
            with self._timed():
                claimed = stack.enter_context(inner)
            yield claimed
            with self._timed():
                stack.close()

    def claim(self, key: str) -> AbstractContextManager[bool]:
        """As `Store`."""
        return self._claim(super().claim(key))


def study(recipes: int, images: int) -> Study:
    """As many recipes, each trained on so many images for one epoch, and three cells of each."""
    train = Train(epochs=1, batch_size=32, learning_rate=1e-3, images=images)
    return Study(
        name="scale",
        title="Many small cells",
        question="What do workers gain?",
        recipes=tuple(Recipe(train=train, pipeline=(MixUp(alpha=1 + more),)) for more in range(recipes)),
        evaluations=(Calibration(), Adversarial(attacks=(FGSM(eps=0.3),), images=200)),
        data="mnist",
        outliers=(),
    )


def measure(times: Times, recipes: int, images: int) -> None:
    """Run the study from an empty store, in this process; print what it took, but for the wall, as JSON."""
    own = study(recipes, images)
    source = source_of(own, None, None)
    planned = plan(own, source.load())
    times.cells = len(planned.cells)
    with tempfile.TemporaryDirectory() as folder:
        store = TimedStore(Path(folder))
        store.times = times
        ray = "auto" if times.place == RAY else None
        jobs = times.workers if times.place == LOCAL else 1
        state = run(planned, store, source, jobs=jobs, ray=ray, watch=times.watch)
        assert not state.failed, next(iter(state.failed.values()))
        spent = times.store
        for cell in planned.cells:
            times.computing += store.read_json(cell.kind, cell.key, "cell.json")["provenance"]["seconds"]
        times.store = spent
    print(json.dumps(asdict(times)))
    gc.freeze()  # as the command does, so that what was imported is not gone through for garbage as it ends


def measured(place: str, workers: int, arguments: argparse.Namespace) -> Times:
    """Run the study in a process of its own."""
    size = ["--recipes", str(arguments.recipes), "--images", str(arguments.images)]
    begun = time.time()
    one = ["--one", place, str(workers), str(begun)]
    done = subprocess.run([sys.executable, __file__, *size, *one], stdout=subprocess.PIPE, text=True, check=True)
    times = Times(**json.loads(done.stdout.splitlines()[-1]))
    times.wall = time.time() - begun
    return times


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[float]:
    """A cluster of this machine with that many cores; the seconds that its start takes."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    start = time.perf_counter()
    ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield time.perf_counter() - start
    finally:
        ray.shutdown()


def show(times: Times, one: Times) -> None:
    """Print a row."""
    cells, workers = times.cells, times.workers
    whole, alone = one.wall / (workers * times.wall), one.working / (workers * times.working)
    store, rest = 1000 * times.store / cells, 1000 * (times.lost - times.store) / cells
    share = times.lost / (workers * times.working)
    print(
        f"{times.place:16} {workers:7} {times.wall:7.1f} {times.start or 0:7.1f} {60 * cells / times.working:9.1f} "
        f"{whole:10.1%} {alone:13.1%} {store:8.1f} {rest:7.1f} {share:8.1%} {times.computing / one.computing - 1:7.1%}",
        flush=True,
    )


def main() -> None:
    """Print a row for each place and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", type=int, default=20, help="recipes, with three cells each")
    parser.add_argument("--images", type=int, default=2000, help="training images of each recipe")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers")
    parser.add_argument("--ray", action=argparse.BooleanOptionalAction, default=True, help="with Ray as well")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        place, workers, begun = arguments.one
        measure(Times(place=place, workers=int(workers), begun=float(begun)), arguments.recipes, arguments.images)
        return
    print(f"load of the machine before: {os.getloadavg()[0]:.2f}, which should be near 0")
    heads = f"{COLUMNS[0]:16} {COLUMNS[1]:7} {COLUMNS[2]:>7} {COLUMNS[3]:>7} {COLUMNS[4]:>9} {COLUMNS[5]:>10}"
    print(f"{heads} {COLUMNS[6]:>13} {COLUMNS[7]:>8} {COLUMNS[8]:>7} {COLUMNS[9]:>8} {COLUMNS[10]:>7}")
    show(here := measured(HERE, 1, arguments), here)
    for workers in arguments.workers:
        if workers > 1:
            show(measured(LOCAL, workers, arguments), here)
    for workers in arguments.workers if arguments.ray else ():
        with cluster(workers) as took:
            show(measured(RAY, workers, arguments), here)
        print(f"  the cluster's start: {took:.1f} s")


if __name__ == "__main__":
    main()
