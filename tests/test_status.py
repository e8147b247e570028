"""How far a study is, from its store alone: counts by hand, who computes, pace and time left by hand."""

import io
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from assay.augmentations import MixUp
from assay.each_class import run_each_class
from assay.errors import BadValueError, StoreError
from assay.objectives import OutlierExposure
from assay.outliers import Patches
from assay.recipe import Recipe, Tuned
from assay.run import run_study
from assay.status import CellStatus, Status, read_status
from assay.status_text import line_of, show_status
from assay.store import Store
from assay.stored_results import load_results
from assay.studies import one_class
from assay.upkeep import merge
from tests.test_each_class import TINY
from tests.test_execute import QUICK, small_study

WILD = Recipe(train=replace(QUICK, learning_rate=1e30), pipeline=(MixUp(alpha=1),))


def shown(status: Status) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    show_status(console, status)
    return console.export_text()


@pytest.fixture(params=["folder", "memory"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    return tmp_path / "store" if request.param == "folder" else f"memory://{uuid.uuid4().hex}"


def test_states_stages_recipes_and_holders(out: Path | str, tiny_folder: Path) -> None:
    study = small_study(Recipe(train=QUICK), WILD, Recipe(train=QUICK, members=2))
    run_study(study, out=out, data=tiny_folder, recipes="baseline")
    run_study(study, out=out, data=tiny_folder, recipes=WILD.label)
    store = Store(out)
    whole = read_status("small", out=out)
    # baseline: a training and a calibration; the wild one fails both; the ensemble: a member more, and its calibration.
    assert [whole.count(state) for state in ("finished", "running", "failed", "waiting")] == [2, 0, 2, 2]
    member = next(cell for cell in whole.of("waiting") if cell.stage == "training")
    with store.claim(member.key):
        status = read_status("small", out=out)
        [running] = status.of("running")
        assert running.holder is not None
        assert (running.key, running.holder.host, running.holder.pid) == (member.key, socket.gethostname(), os.getpid())
        assert running.holder.since == pytest.approx(time.time(), abs=60)
        text = shown(status)
        store.name_worker(member.key, "node:7")
        assert ("by node:7 of the run" in shown(read_status("small", out=out))) == isinstance(out, Path)
    assert f"by {socket.gethostname()}:{os.getpid()}, for" in text
    assert "loss is not finite" in text
    assert "its model could not be trained" in text
    assert "small: 6 cells, 2 finished, 1 running, 2 failed, 1 waiting" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["training", "1", "1", "1", "0"] in rows
    assert ["calibration", "1", "0", "1", "1"] in rows
    assert all(cell.age is not None and cell.age < 600 for cell in status.of("finished"))
    assert not read_status("small", out=out).of("running")


def test_what_was_copied_counts_when_it_was_computed(tiny_folder: Path, out: Path | str, tmp_path: Path) -> None:
    run_study(small_study(), out=tmp_path / "first", data=tiny_folder, recipes="baseline")
    first = Store(tmp_path / "first")
    for kind in ("models", "evaluations"):
        for key in first.finished(kind):
            files = first.contents(kind, key)
            record = json.loads(files["cell.json"])
            record["provenance"]["finished"] = "2026-01-01T00:00:00+00:00"
            first.discard(kind, key)
            first.write(kind, key, files | {"cell.json": json.dumps(record).encode()})
    merge(out, first.out)
    status = read_status("small", out=out)
    assert status.count("finished") == 2
    assert status.per_minute is None
    assert "cells/min" not in line_of(status)


def test_what_the_last_run_left_out_is_said_and_awaited_by_none(tiny_folder: Path, tmp_path: Path) -> None:
    two = Recipe(train=QUICK, members=2)
    study = small_study(Recipe(train=QUICK), WILD, two)
    run_study(study, out=tmp_path, data=tiny_folder, recipes="baseline")
    status = read_status("small", out=tmp_path)
    assert (status.count("waiting"), status.left_out) == (4, 4)
    assert "4 waiting (which the last run left out: --recipes)" in line_of(status)
    store = Store(tmp_path)
    plan = store.read_study("small")
    store.write_study("small", {**plan, "chosen": [two.label]})
    status = read_status("small", out=tmp_path)
    assert {cell.recipe for cell in status.cells if cell.left_out} == {WILD.label}
    assert "4 waiting (2 of which the last run left out: --recipes)" in line_of(status)
    assert len(load_results(store, "small").waiting) == 4
    run_study(study, out=tmp_path, data=tiny_folder)
    assert read_status("small", out=tmp_path).left_out == 0


def test_what_only_left_out_recipes_start_from_is_left_out_too(tiny_folder: Path, tmp_path: Path) -> None:
    tuning = Tuned(objective=OutlierExposure(source=Patches()), train=QUICK)
    tuned = Recipe(train=QUICK, pipeline=(MixUp(alpha=1),), tuning=tuning)
    run_study(small_study(Recipe(train=QUICK), tuned), out=tmp_path, data=tiny_folder, recipes="baseline")
    status = read_status("small", out=tmp_path)
    assert (status.count("waiting"), status.left_out) == (3, 3)


def cell(age: float | None, cost: float, state: str = "finished") -> CellStatus:
    return CellStatus(key=f"{age}", recipe="a", seed=0, stage="training", state=state, cost=cost, age=age)


def test_pace_and_time_left_by_hand() -> None:
    # In the last hour: one 1,200 s ago, then two more that cost 10 and 30; 40 of cost in 1,200 s.
    done = [cell(9000, 500), cell(1200, 70), cell(700, 10), cell(60, 30)]
    status = Status(study="x", cells=(*done, cell(None, 20, "waiting"), cell(None, 8, "running")))
    assert status.per_minute == pytest.approx(2 / 20)
    assert status.seconds_left == pytest.approx((20 + 8 / 2) * 1200 / 40)
    assert line_of(status).endswith("0.1 cells/min in the last 20 min 0 s, about 12 min 0 s left")
    many = Status(study="x", cells=tuple(cell(None, 1, "waiting") for _ in range(1200)))
    assert line_of(many) == "x: 1,200 cells, 0 finished, 0 running, 0 failed, 1,200 waiting"
    still = Status(study="x", cells=(*done, cell(None, 20, "waiting")))
    assert still.seconds_left is None, "nothing runs"
    assert Status(study="x", cells=(cell(9000, 1), cell(50, 1))).per_minute is None


def test_a_study_of_each_class(tiny_folder: Path, tmp_path: Path) -> None:
    study = replace(TINY, name="one_class")
    run_each_class(study, out=tmp_path, data=tiny_folder)
    status = read_status("one_class", out=tmp_path)
    assert (len(status.cells), status.count("finished")) == (6, 6)
    assert len(read_status("one_class-1", out=tmp_path).cells) == 2
    assert one_class.each_class
    with pytest.raises(BadValueError, match="one_class was run here only with no options; ask for that, or run"):
        read_status("one_class", out=tmp_path, limit=7)


def test_where_there_is_no_store_or_plan(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no store"):
        read_status("small", out=tmp_path)
    assert list(tmp_path.iterdir()) == []
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="not found; run that study first"):
        read_status("small", out=tmp_path)
    store.write_study("small", {"models": [{}]})
    with pytest.raises(StoreError, match=r"small/study.json: is damaged"):
        read_status("small", out=tmp_path)


def test_plans_of_older_versions_have_no_costs(tiny_folder: Path, tmp_path: Path) -> None:
    run_study(small_study(), out=tmp_path, data=tiny_folder, recipes="baseline")
    path = tmp_path / "small" / "study.json"
    plan = json.loads(path.read_text())
    assert len(plan.pop("costs")) == 4
    path.write_text(json.dumps(plan))
    assert {cell.cost for cell in read_status("small", out=tmp_path).cells} == {1.0}


def test_command_line(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "assay", "status", "quickstart", "--limit", "50", "--out", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "run `assay run quickstart --limit 50" in done.stderr
    assert list(tmp_path.iterdir()) == []
