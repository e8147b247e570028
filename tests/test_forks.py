"""Workers are forked off a server that has imported torch, or are new interpreters, and behave alike."""

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assay import forks
from assay.driver import State
from assay.execute import run
from assay.recipe import Recipe
from assay.store import Store
from tests.processes import workers_of
from tests.test_execute import QUICK, prepared, small_study

linux = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")


class Told(NamedTuple):
    """What a process is: whether it has torch, its group, whether it hears interrupts, its environment."""

    torch: bool
    group: int
    deaf: bool
    environment: dict[str, str]


def tell(pipe: "Connection[Any, Any]") -> None:
    deaf = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    pipe.send(Told("torch" in sys.modules, os.getpgid(0), deaf, dict(os.environ)))


def told(device: str) -> Told:
    ours, theirs = multiprocessing.Pipe()
    process = forks.start(device, tell, theirs)
    theirs.close()
    answer: Told = ours.recv()
    process.join()
    assert process.exitcode == 0
    return answer


@linux
def test_a_forked_worker_has_torch_when_it_starts_and_hears_no_interrupt() -> None:
    assert told("cpu")[:3] == (True, os.getpgid(0), True)


def test_where_a_fork_may_not_be_a_worker_is_a_new_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not forks.forks("cpu")
    monkeypatch.undo()
    assert not forks.forks("cuda")
    assert told("cuda")[1:3] == (os.getpgid(0), True)


@linux
def test_a_forked_worker_has_the_environment_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    forks.warm_up("cpu")
    monkeypatch.setenv("ASSAY_FOR_WORKERS", "later")
    assert told("cpu").environment["ASSAY_FOR_WORKERS"] == "later"
    monkeypatch.delenv("ASSAY_FOR_WORKERS")
    assert "ASSAY_FOR_WORKERS" not in told("cpu").environment


@linux
def test_a_run_outlives_the_server_of_its_workers(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study(Recipe(train=QUICK), Recipe(train=QUICK, members=2)))
    killed: list[int] = []

    def kill_once(state: State) -> None:
        if not killed and state.running:
            [worker, *_] = workers_of(os.getpid())
            killed.append(int(Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[1]))
            os.kill(killed[0], signal.SIGKILL)

    state = run(planned, Store(tmp_path), source, jobs=2, watch=kill_once)
    assert killed
    assert state.finished == {cell.key for cell in planned.cells}
