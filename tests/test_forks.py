"""Workers are forked off a server that has imported torch, or are new interpreters, and behave alike."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest
import torch

from assay import forks
from assay.execute import run
from assay.interrupts import INTERRUPTED
from assay.recipe import Recipe
from assay.state import State
from assay.store import Store
from tests.processes import workers_of
from tests.test_execute import QUICK, prepared, small_study
from tests.told import Told, tell


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other processes import what is to run there: they look where this one does."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1])


linux = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")


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
    assert told("cpu")[:3] == (torch.__file__, os.getpgid(0), True)


def test_where_a_fork_may_not_be_a_worker_is_a_new_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "darwin")
        assert not forks.forks("cpu")
    assert not forks.forks("cuda")
    assert told("cuda")[:3] == ("", os.getpgid(0), True)


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


SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {source!r}]
from tests.test_forks import told

if __name__ == "__main__":
    print(told("cpu").torch)
"""


@linux
def test_workers_import_from_where_the_program_does(tmp_path: Path) -> None:
    root, here = Path(__file__).parents[1], tmp_path / "here"
    here.mkdir()
    script, wrong = tmp_path / "script.py", here / "torch.py"
    script.write_text(SCRIPT.format(root=str(root), source=str(root / "src")))
    wrong.write_text("raise SystemExit('this is another torch')")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == torch.__file__
    assert "this is another torch" not in done.stderr, "as the server says that imports it"


@linux
@pytest.mark.parametrize("fails", ["ensure_running", "connect_to_new_process"])
def test_without_a_server_a_worker_is_a_new_interpreter(fails: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("AF_UNIX path too long")

    monkeypatch.setattr(forkserver, fails, refuse)
    forks.warm_up("cpu")
    assert told("cpu")[:3] == ("", os.getpgid(0), True)


@linux
def test_a_server_that_was_killed_is_replaced() -> None:
    told("cpu")
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)  # type: ignore[attr-defined]
    assert told("cpu").deaf


ENDING = """
import os, signal, sys
sys.path[:0] = [{source!r}]
from assay import forks
from assay.interrupts import leave_when_interrupted

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    leave_when_interrupted()
    forks.warm_up("cpu")
    print(len(os.listdir(os.environ["TMPDIR"])), flush=True)
    os.kill(os.getpid(), {number})
"""


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_program_that_ends_at_once_leaves_no_folder_behind(number: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(ENDING.format(source=str(Path(__file__).parents[1] / "src"), number=int(number)))
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        done = subprocess.run(
            [sys.executable, str(script)],
            env=os.environ | {"TMPDIR": short},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == (INTERRUPTED if number == signal.SIGINT else -number)
        assert done.stdout == "1\n"
        deadline = time.monotonic() + 120
        while list(Path(short).iterdir()):  # until the server has imported what it was to, and sees that it is alone
            assert time.monotonic() < deadline, list(Path(short).rglob("*"))
            time.sleep(0.1)
