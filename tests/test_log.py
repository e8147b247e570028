"""The log: one object a line, at once; every event of a run that ends, fails, is retried or interrupted."""

import json
import os
import signal
import socket
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assay import __version__
from assay.augmentations import MixUp
from assay.errors import LogError
from assay.log import Log
from assay.recipe import Recipe
from assay.run import run_study
from assay.state import State
from tests.processes import workers_of
from tests.test_execute import QUICK, small_study

ALWAYS = {"time", "elapsed", "run", "event"}
CELL = ALWAYS | {"key", "stage", "recipe", "seed", "worker"}
FIELDS = {
    "run_started": ALWAYS
    | {"study", "preset", "limit", "recipes", "seeds", "assay", "store", "host", "pid", "device", "jobs", "ray"}
    | {"cells", "found", "mended"},
    "cell_started": CELL,
    "cell_finished": CELL | {"seconds", "peak_memory_mb"},
    "cell_retried": CELL | {"seconds", "reason"},
    "cell_failed": CELL | {"seconds", "reason"},
    "run_ended": ALWAYS | {"outcome", "reason", "finished", "failed", "waiting"},
}


def read(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    for event in found:
        assert set(event) == FIELDS[event["event"]]
        assert datetime.fromisoformat(event["time"]).utcoffset() is not None
    return found


def test_a_run_with_a_failure(tiny_folder: Path, tmp_path: Path) -> None:
    wild = Recipe(train=replace(QUICK, learning_rate=1e30), pipeline=(MixUp(alpha=1),))
    log, out = tmp_path / "log", tmp_path / "store"
    run_study(small_study(Recipe(train=QUICK), wild), out=out, data=tiny_folder, log=log)
    found = read(log)
    assert [event["event"] for event in found] == [
        *("run_started", "cell_started", "cell_finished", "cell_started", "cell_finished"),
        *("cell_started", "cell_failed", "cell_failed", "run_ended"),
    ]
    begun, ended = found[0], found[-1]
    assert (begun["study"], begun["cells"], begun["found"], begun["jobs"], begun["ray"]) == ("small", 4, 0, 1, None)
    assert (begun["host"], begun["pid"], begun["store"]) == (socket.gethostname(), os.getpid(), str(out))
    assert [ended[name] for name in ("outcome", "finished", "failed", "waiting")] == ["finished", 2, 2, 0]
    record = json.loads((out / "models" / found[2]["key"] / "cell.json").read_text())
    assert found[2]["peak_memory_mb"] == record["provenance"]["peak_memory_mb"]
    assert found[2]["seconds"] == record["provenance"]["seconds"]
    assert (begun["recipes"], begun["seeds"], begun["assay"]) == (["baseline", wild.label], [0], __version__)
    assert found[2]["worker"] == f"{socket.gethostname()}:{os.getpid()}"
    assert "loss is not finite" in found[-3]["reason"]
    assert (found[-2]["seconds"], found[-2]["worker"]) == (None, ""), "it never ran"
    assert [event["elapsed"] for event in found] == sorted(event["elapsed"] for event in found)
    run_study(small_study(Recipe(train=QUICK)), out=out, data=tiny_folder, log=log)
    more = read(log)[len(found) :]
    assert [event["event"] for event in more] == ["run_started", "run_ended"]
    assert more[0]["found"] == 2
    assert len({event["run"] for event in read(log)}) == 2


def test_it_names_the_chosen_recipes_and_the_whole_path(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = small_study(Recipe(train=QUICK), Recipe(train=QUICK, members=2))
    run_study(study, out="out", data=tiny_folder, recipes="baseline", log="log")
    begun = read(tmp_path / "log")[0]
    assert (begun["recipes"], begun["store"]) == (["baseline"], str(tmp_path / "out"))


def test_a_retried_cell_and_an_interrupt(tiny_folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    killed: list[int] = []

    def disturb(state: State) -> None:
        if not killed and any(item.fraction > 0 for item in state.running.values()):
            killed.extend(workers_of(os.getpid()))
            os.kill(killed[0], signal.SIGKILL)
        elif killed and state.finished:
            raise KeyboardInterrupt

    study = small_study(Recipe(train=replace(QUICK, epochs=20)))
    with pytest.raises(KeyboardInterrupt):
        run_study(study, out=tmp_path / "store", data=tiny_folder, jobs=2, log=log, watch=disturb)
    found = read(log)
    retried = next(event for event in found if event["event"] == "cell_retried")
    assert retried["reason"] == "its process died"
    assert retried["worker"] == f"{socket.gethostname()}:{killed[0]}"
    assert found[-1]["outcome"] == "interrupted"


def test_a_line_that_was_cut_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"event": "cell_sta')
    log = Log(path)
    log("run_ended", {})
    assert json.loads(path.read_text().splitlines()[1])["event"] == "run_ended", "written at once"
    log.close()


def test_a_log_that_cannot_be_written_is_told_before_anything_is_computed(tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "store"
    with pytest.raises(LogError, match=r"the log cannot be written \(No such file or directory\); choose another"):
        run_study(small_study(), out=out, data=tiny_folder, log=tmp_path / "none" / "log")
    assert not list(out.glob("models/*"))
    if Path("/dev/full").exists():
        with pytest.raises(LogError, match=r"No space left on device"):
            Log(Path("/dev/full"))("run_started", {})
