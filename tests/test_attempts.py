"""Cells that are handed out together: stacks in this process, in workers, and what breaks them."""

import json
import os
import signal
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from assay import attempts, cells, driver, execute
from assay.attacks import FGSM
from assay.attempts import attempt
from assay.augmentations import CutOut, MixUp
from assay.data import Task, load_task
from assay.driver import Driver, State, begin
from assay.evaluations import Calibration
from assay.execute import run, stacks_pay
from assay.objectives import Focal
from assay.plan import Plan, TrainCell, plan
from assay.recipe import Recipe, Train
from assay.store import Store, unpack_weights
from assay.study import Study
from assay.workers import Source
from tests.processes import workers_of

QUICK = Train(epochs=1, batch_size=20, learning_rate=1e-3)
BASE = Recipe(train=QUICK)
ALIKE = (
    BASE,
    replace(BASE, pipeline=(MixUp(alpha=1),)),
    replace(BASE, members=3),
)  # five trainings, one of them shared
ATTACKED = replace(BASE, pipeline=(FGSM(eps=0.1),))


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An augmentation that gives no numbers."""

    name: ClassVar[str] = "broken"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        return x * float("nan"), y


def planned(folder: Path, *recipes: Recipe) -> Plan:
    study = Study(
        name="small",
        title="Small",
        question="Does it run?",
        recipes=recipes,
        evaluations=(Calibration(),),
        data="tiny",
        outliers=(),
    )
    return plan(study, load_task("tiny", outliers=(), folder=folder))


def source(folder: Path) -> Source:
    return Source(data="tiny", outliers=(), exposure=(), folder=folder, limit=None)


def nothing(state: State) -> None:
    """Watch nothing."""


def silent(place: int, fraction: float, text: str) -> None:
    """Tell nobody."""


def sizes(store: Store, own: Plan) -> list[int | None]:
    """How many were trained together with each cell; None where it was trained alone."""
    return [store.read_json("models", cell.key, "cell.json").get("stack") for cell in own.training]


def weights(store: Store, cell: TrainCell) -> dict[str, Tensor]:
    return unpack_weights(store.read("models", cell.key, "model.safetensors"))


@pytest.fixture
def stacking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stack on the CPU too."""
    monkeypatch.setattr(execute, "stacks_pay", lambda _: True)


def test_stacks_are_for_gpus() -> None:
    assert stacks_pay("cuda")
    assert stacks_pay("cuda:1")
    assert not stacks_pay("cpu")
    assert not stacks_pay("mps")


@pytest.mark.usefixtures("stacking")
@pytest.mark.parametrize("jobs", [1, 2])
def test_stacks_give_the_cells_of_one_at_a_time(jobs: int, tiny_folder: Path, tmp_path: Path) -> None:
    own, given = planned(tiny_folder, *ALIKE, ATTACKED), source(tiny_folder)
    alone, stacked = Store(tmp_path / "alone"), Store(tmp_path / "stacked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "stacks_pay", lambda _: False)
        run(own, alone, given, watch=nothing)
    state = run(own, stacked, given, jobs=jobs, watch=nothing)
    assert not state.failed
    assert state.finished == {cell.key for cell in own.cells}
    assert sizes(alone, own) == [None] * 5
    # Two workers share the four that are alike: two each.
    assert Counter(sizes(stacked, own)) == ({4: 4, None: 1} if jobs == 1 else {2: 4, None: 1})
    for cell in own.training:
        mine, theirs = weights(stacked, cell), weights(alone, cell)
        assert mine.keys() == theirs.keys()
        assert all(torch.allclose(mine[name], value, atol=1e-4) for name, value in theirs.items())
        assert mine["body.0.weight"].dtype == torch.float32
        records = [store.read_json("models", cell.key, "cell.json") for store in (alone, stacked)]
        assert [record["seed"] for record in records] == [cell.seed] * 2
        assert [record["recipe"] for record in records] == [cell.recipe.name] * 2
        assert not stacked.damaged("models", cell.key)


@pytest.mark.usefixtures("stacking")
def test_one_that_diverges_fails_alone(tiny_folder: Path, tmp_path: Path) -> None:
    own = planned(tiny_folder, BASE, replace(BASE, pipeline=(Broken(),)), replace(BASE, pipeline=(MixUp(alpha=1),)))
    store = Store(tmp_path)
    state = run(own, store, source(tiny_folder), watch=nothing)
    broken = next(cell for cell in own.training if cell.recipe.pipeline == (Broken(),))
    assert "loss is not finite" in state.failed[broken.key]
    assert set(state.failed) == {cell.key for cell in own.cells if cell.recipe == broken.recipe}
    assert {cell.key for cell in own.cells} == state.finished | set(state.failed)


@pytest.mark.usefixtures("stacking")
def test_the_cells_of_a_killed_stack_are_tried_by_themselves(tiny_folder: Path, tmp_path: Path) -> None:
    slow = tuple(replace(one, train=replace(QUICK, epochs=20)) for one in ALIKE)
    own, store, killed = planned(tiny_folder, *slow), Store(tmp_path), list[int]()

    def kill_once(state: State) -> None:
        if not killed and any(item.fraction > 0 for item in state.running.values()):
            for worker in workers_of(os.getpid()):
                killed.append(worker)
                os.kill(worker, signal.SIGKILL)

    state = run(own, store, source(tiny_folder), jobs=2, watch=kill_once)
    assert killed
    assert state.finished == {cell.key for cell in own.cells}
    assert None in sizes(store, own)


def test_a_stack_that_breaks_is_computed_cell_by_cell(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = planned(tiny_folder, BASE, replace(BASE, pipeline=(CutOut(length=5, holes=1),)))

    def lack(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    told: list[tuple[int, float, str]] = []
    monkeypatch.setattr(attempts, "compute_stack", lack)
    found = attempt(own.training, own.task, (), "cpu", lambda *now: told.append(now))
    assert told[0][1:] == (0.0, told[0][2])
    assert "alone, since the stack broke: the memory was too small for it (OutOfMemoryError)" in told[0][2]
    assert [place for place, *_ in told[:2]] == [0, 1]
    for cell, outcome in zip(own.training, found, strict=True):
        assert isinstance(outcome, dict)
        [alone] = attempt([cell], own.task, (), "cpu", silent)
        assert isinstance(alone, dict)
        assert outcome["model.safetensors"] == alone["model.safetensors"]
        assert "stack" not in json.loads(outcome["cell.json"])


def test_without_training_images_each_cell_says_so(tiny_folder: Path) -> None:
    own = planned(tiny_folder, BASE, replace(BASE, pipeline=(CutOut(length=5, holes=1),)))
    task: Task = replace(own.task, train=None)
    found = attempt(own.training, task, (), "cpu", silent)
    assert found == [f"{task.name}: has no training images"] * 2


def driver_of(own: Plan, folder: Path, *, stacks: bool = True) -> Driver:
    store = Store(folder)
    return Driver(begin(own, store), store, stacks=stacks)


def test_what_is_handed_out_together(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = planned(tiny_folder, *ALIKE, ATTACKED, replace(BASE, objective=Focal()))
    handing = driver_of(own, tmp_path / "a")
    groups = [handing.next_stack() for _ in range(4)]
    assert sorted(map(len, groups)) == [0, 1, 1, 4]
    assert {cell.key for group in groups for cell in group} == {cell.key for cell in own.training}
    handing.close()
    handing = driver_of(own, tmp_path / "b")
    assert [len(handing.next_stack(3)) for _ in range(2)].count(2) >= 1
    handing.close()
    handing = driver_of(own, tmp_path / "c", stacks=False)
    assert {len(handing.next_stack()) for _ in own.training} == {1}
    handing.close()
    monkeypatch.setattr(driver, "STACKED", 3)
    handing = driver_of(own, tmp_path / "d")
    assert max(len(handing.next_stack()) for _ in range(3)) == 3
    handing.close()


def test_a_cell_that_another_run_computes_is_no_part_of_a_stack(tiny_folder: Path, tmp_path: Path) -> None:
    own = planned(tiny_folder, *ALIKE)
    handing, taken = driver_of(own, tmp_path), own.training[1]
    with handing.store.claim(taken.key):
        together = handing.next_stack()
        assert len(together) == 3
        assert taken.key not in {cell.key for cell in together}
    for cell in together:
        handing.again(cell, "its process died")
    assert [len(handing.next_stack()) for _ in range(3)] == [1, 1, 1]
    handing.close()


def test_compute_stack_divides_the_seconds(tiny_folder: Path) -> None:
    own = planned(tiny_folder, BASE, replace(BASE, pipeline=(CutOut(length=5, holes=1),)))
    told: list[tuple[int, float, str]] = []
    found = cells.compute_stack(own.training, own.task, "cpu", lambda *now: told.append(now))
    records = [json.loads(files["cell.json"]) for files in found if isinstance(files, dict)]
    assert [record["stack"] for record in records] == [2, 2]
    assert records[0]["provenance"]["seconds"] == records[1]["provenance"]["seconds"]
    assert {place for place, *_ in told} == {0, 1}
    assert told[-1][1] == 1.0
    assert "images/s" in told[-1][2]
