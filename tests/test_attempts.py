"""Cells that are handed out together: stacks in this process, in workers, and what breaks them."""

import json
import os
import signal
import weakref
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from assay import attempts, driver, execute
from assay.attacks import FGSM
from assay.attempts import attempt
from assay.augmentations import CutOut, MixUp
from assay.cells import Given, compute_stack, evaluation
from assay.data import Task, load_task
from assay.driver import Driver
from assay.errors import BadValueError, StoreError
from assay.evaluations import Adversarial, Calibration, adversarial
from assay.evaluations.chunk import attack_chunk
from assay.execute import run, stacks_pay
from assay.objectives import Focal
from assay.packing import unpack_weights
from assay.plan import EvaluateCell, Plan, TrainCell, plan
from assay.recipe import Recipe, Train
from assay.stacks import meeting
from assay.state import State, begin
from assay.store import Store
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


def drop(place: int, name: str, content: bytes) -> None:
    """Keep no piece."""


NOTHING = Given([], {})  # what a training is given


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
    found = attempt(own.training, own.task, [NOTHING] * 2, "cpu", lambda *now: told.append(now), drop)
    assert told[0][1:] == (0.0, told[0][2])
    assert "alone, since it broke in its stack: the memory was too small for it (OutOfMemoryError)" in told[0][2]
    assert [place for place, *_ in told[:2]] == [0, 1]
    for cell, outcome in zip(own.training, found, strict=True):
        assert isinstance(outcome, dict)
        [alone] = attempt([cell], own.task, [NOTHING], "cpu", silent, drop)
        assert isinstance(alone, dict)
        assert outcome["model.safetensors"] == alone["model.safetensors"]
        assert "stack" not in json.loads(outcome["cell.json"])


def test_without_training_images_each_cell_says_so(tiny_folder: Path) -> None:
    own = planned(tiny_folder, BASE, replace(BASE, pipeline=(CutOut(length=5, holes=1),)))
    task: Task = replace(own.task, train=None)
    found = attempt(own.training, task, [NOTHING] * 2, "cpu", silent, drop)
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


EVALUATED = (replace(BASE, members=2), *(replace(BASE, pipeline=(MixUp(alpha=1 + more),)) for more in range(3)))


def observed(folder: Path) -> Plan:
    """Three models and an ensemble of two, each on two axes, of which one takes pieces."""
    evaluations = (Calibration(), Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.1,), examples=0, checked=0))
    study = replace(planned(folder, BASE).study, recipes=EVALUATED, evaluations=evaluations)
    return plan(study, load_task("tiny", outliers=(), folder=folder))


def test_evaluations_of_alike_models_are_computed_together(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, given = observed(tiny_folder), source(tiny_folder)
    alone, stacked = Store(tmp_path / "alone"), Store(tmp_path / "stacked")
    run(own, alone, given, watch=nothing)
    for trained in own.training:  # the same weights, so that only the evaluations are compared
        files = {name: alone.read("models", trained.key, name) for name in ("model.safetensors", "cell.json")}
        stacked.write("models", trained.key, files)
    monkeypatch.setattr(execute, "stacks_pay", lambda _: True)
    kept: list[str] = []
    monkeypatch.setattr(Store, "keep_piece", lambda _, key, *__: kept.append(key))
    state = run(own, stacked, given, watch=nothing)
    assert state.finished == {cell.key for cell in own.cells}
    assert set(kept) == {cell.key for cell in own.evaluating if isinstance(cell.evaluation, Adversarial)}
    for cell in own.evaluating:
        records = [store.read_json("evaluations", cell.key, "cell.json") for store in (alone, stacked)]
        assert records[1].get("stack") == (None if cell.recipe.members > 1 else 3)
        assert [record["recipe"] for record in records] == [cell.recipe.name] * 2
        mine, theirs = (store.read_observations(cell.key).tensors for store in (stacked, alone))
        assert mine.keys() == theirs.keys()
        for name, tensor in theirs.items():  # rounding may turn one decision
            assert int((~torch.isclose(mine[name].double(), tensor.double(), atol=1e-4)).sum()) <= 1, name
        assert not stacked.damaged("evaluations", cell.key)


def test_an_evaluation_that_breaks_in_a_stack_is_computed_by_itself(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, store = observed(tiny_folder), Store(tmp_path)
    run(own, store, source(tiny_folder), watch=nothing)
    cells = [cell for cell in own.evaluating if cell.stage == "calibration" and cell.recipe.members == 1]
    given = [Given([store.read("models", key, "model.safetensors") for key in cell.models], {}) for cell in cells]
    observe, calls = Calibration.observe, list[int]()

    def breaking(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("broken")
        return observe(*arguments)

    told: list[tuple[int, float, str]] = []
    monkeypatch.setattr(Calibration, "observe", breaking)
    found = attempt(cells, own.task, given, "cpu", lambda *now: told.append(now), drop)
    records = [json.loads(files["cell.json"]) for files in found if isinstance(files, dict)]
    assert [record.get("stack") for record in records] == [3, None, 3]
    assert len(calls) == 4
    [(place, _, text)] = [now for now in told if "alone" in now[2]]
    assert place == 1
    assert text.startswith("alone, since it broke in its stack: ValueError: broken")


def attacking(folder: Path, out: Path) -> tuple[Plan, list[EvaluateCell], list[Given]]:
    """A plan whose models are trained, its attacks on single models, and what these are given."""
    own, store = observed(folder), Store(out)
    run(own, store, source(folder), watch=nothing)
    cells = [cell for cell in own.evaluating if cell.stage == "adversarial" and cell.recipe.members == 1]
    return (
        own,
        cells,
        [Given([store.read("models", key, "model.safetensors") for key in cell.models], {}) for cell in cells],
    )


def test_a_stack_of_evaluations_shares_its_seconds_and_takes_what_was_kept(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, cells, given = attacking(tiny_folder, tmp_path)
    clock, chunk = [0.0], attack_chunk

    def slow(*arguments: Any, **named: Any) -> Any:
        clock[0] += 30
        return chunk(*arguments, **named)

    monkeypatch.setattr(evaluation, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(adversarial, "attack_chunk", slow)
    kept: list[dict[str, bytes]] = [{} for _ in cells]

    def computed(inputs: list[Given]) -> list[float]:
        found = attempt(cells, own.task, inputs, "cpu", silent, lambda place, *piece: kept[place].update([piece]))
        return [json.loads(one["cell.json"])["provenance"]["seconds"] for one in found if isinstance(one, dict)]

    assert computed(given) == [30, 30, 30]
    spent = [float(unpack_weights(content)["seconds"]) for pieces in kept for content in pieces.values()]
    assert all(0 < seconds <= 30 for seconds in spent), "of what passed, each has its third"
    again = [one._replace(pieces=dict(pieces)) for one, pieces in zip(given, kept, strict=True)]
    before = clock[0]
    assert computed(again) == pytest.approx(spent)
    assert clock[0] == before, "nothing was attacked anew"


def test_a_stack_that_lacks_memory_leaves_it_free_and_its_pieces_taken(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, cells, given = attacking(tiny_folder, tmp_path)
    stacks, kept, attacked = list[weakref.ref[Any]](), list[tuple[int, str]](), list[int]()
    meet, chunk, examples = meeting._Meeting.__init__, attack_chunk, Adversarial._examples

    def noted(self: Any, stack: Any) -> None:
        stacks.append(weakref.ref(stack))
        meet(self, stack)

    def counted(*arguments: Any, **named: Any) -> Any:
        attacked.append(1)
        return chunk(*arguments, **named)

    def lack(*arguments: Any) -> Any:  # after the pieces
        if not stacks or stacks[0]() is None:
            return examples(*arguments)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(meeting._Meeting, "__init__", noted)
    monkeypatch.setattr(adversarial, "attack_chunk", counted)
    monkeypatch.setattr(Adversarial, "_examples", lack)
    found = attempt(cells, own.task, given, "cpu", silent, lambda place, name, _: kept.append((place, name)))
    assert all(isinstance(one, dict) for one in found), "the stack was gone as each was computed by itself"
    assert len(kept) == len(attacked) == 3


def test_a_full_disk_ends_the_run_from_within_a_stack_too(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(execute, "stacks_pay", lambda _: True)
    monkeypatch.setattr(Store, "keep_piece", full)
    with pytest.raises(StoreError, match="the disk is full"):
        run(observed(tiny_folder), Store(tmp_path), source(tiny_folder), watch=nothing)


def test_a_damaged_model_fails_its_own_cell_of_a_stack(tiny_folder: Path, tmp_path: Path) -> None:
    own = observed(tiny_folder)
    run(own, Store(tmp_path), source(tiny_folder), watch=nothing)
    for cell in own.evaluating:
        Store(tmp_path).discard("evaluations", cell.key)
    handing = driver_of(own, tmp_path)
    cells = next(group for _ in own.evaluating if len(group := handing.next_stack()) == 3)
    (handing.store.root / "models" / cells[1].models[0] / "model.safetensors").write_bytes(b"flipped")
    assert handing.given(cells) is None
    for _ in cells:
        [alone] = handing.next_stack()
        assert (handing.given([alone]) is None) == (alone.key == cells[1].key)
    assert set(handing.state.failed) == {cells[1].key}
    handing.close()


def test_ensembles_are_evaluated_together_as_far_as_their_networks_go(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = planned(tiny_folder, *(replace(BASE, members=2, pipeline=(MixUp(alpha=1 + more),)) for more in range(3)))
    run(own, Store(tmp_path), source(tiny_folder), watch=nothing)
    for cell in own.evaluating:
        Store(tmp_path).discard("evaluations", cell.key)
    monkeypatch.setattr(driver, "STACKED", 5)
    handing = driver_of(own, tmp_path)
    assert [len(handing.next_stack()) for _ in range(3)] == [2, 1, 0]
    handing.close()


def test_compute_stack_takes_no_mixture(tiny_folder: Path) -> None:
    own = planned(tiny_folder, BASE)
    with pytest.raises(BadValueError, match="expected trainings, or evaluations, to compute together"):
        compute_stack(own.cells, own.task, [NOTHING] * 2, "cpu", silent, drop)


def test_compute_stack_divides_the_seconds(tiny_folder: Path) -> None:
    own = planned(tiny_folder, BASE, replace(BASE, pipeline=(CutOut(length=5, holes=1),)))
    told: list[tuple[int, float, str]] = []
    found = compute_stack(own.training, own.task, [NOTHING] * 2, "cpu", lambda *now: told.append(now), drop)
    records = [json.loads(files["cell.json"]) for files in found if isinstance(files, dict)]
    assert [record["stack"] for record in records] == [2, 2]
    assert records[0]["provenance"]["seconds"] == records[1]["provenance"]["seconds"]
    assert {place for place, *_ in told} == {0, 1}
    assert told[-1][1] == 1.0
    assert "images/s" in told[-1][2]
