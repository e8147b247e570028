"""Cells computed here and in processes; failures, deaths, interrupts, shared stores."""

import json
import os
import signal
import threading
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from assay import cells
from assay.architectures import LeNet5Large
from assay.attacks import FGSM, PGD
from assay.cells import assemble, compute
from assay.classifier import predict_logits
from assay.data import load_task
from assay.driver import Driver
from assay.errors import BadValueError, MissingDataError
from assay.evaluations import Adversarial, Calibration, adversarial
from assay.evaluations.chunk import attack_chunk
from assay.execute import run
from assay.fit import build
from assay.objectives import OutlierExposure
from assay.outliers import DataSet, Patches
from assay.packing import pack_weights, unpack_weights
from assay.plan import Plan, plan
from assay.posthoc import Isotonic, MCDropout, Temperature
from assay.recipe import Recipe, Train, Tuned
from assay.state import State, begin
from assay.store import PIECE, Store
from assay.study import Study
from assay.weights import Snapshots
from assay.workers import Source, _start, source_of
from tests.processes import workers_of

QUICK = Train(epochs=1, batch_size=20, learning_rate=1e-3)


def small_study(*recipes: Recipe) -> Study:
    return Study(
        name="small",
        title="Small",
        question="Does it run?",
        recipes=recipes or (Recipe(train=QUICK), Recipe(train=QUICK, members=2)),
        evaluations=(Calibration(),),
        data="tiny",
        outliers=(),
    )


def prepared(folder: Path, study: Study) -> tuple[Plan, Source]:
    task = load_task("tiny", outliers=(), folder=folder)
    return plan(study, task), Source(data="tiny", outliers=(), exposure=(), folder=folder, limit=None)


def nothing(state: State) -> None:
    """Watch nothing."""


def quiet(fraction: float, text: str) -> None:
    """Report nothing."""


def contents(store: Store) -> dict[str, bytes]:
    """Weights, observations and measurements: all that must not depend on where they were made."""
    names = ("model.safetensors", "observations.safetensors", "draws.safetensors", "measurements.json")
    return {
        str(path.relative_to(store.root)): path.read_bytes() for path in store.root.rglob("*") if path.name in names
    }


def test_a_cells_seconds_hold_its_bootstrap_draws(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned, _ = prepared(tiny_folder, small_study(Recipe(train=QUICK)))
    clock = [0.0]

    def slow_draws(*_: Any) -> dict[str, torch.Tensor]:
        clock[0] += 7
        return {}

    monkeypatch.setattr(cells.evaluation, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(cells.evaluation, "_draws", slow_draws)
    [trained] = planned.training
    made = compute(trained, planned.task, (), "cpu", quiet)
    [other] = [cell for cell in planned.cells if cell is not trained]
    files = compute(other, planned.task, [made["model.safetensors"]], "cpu", quiet)
    assert json.loads(files["cell.json"])["provenance"]["seconds"] == 7


def test_processes_give_the_same_bytes_as_one(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study())
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    state = run(planned, here, source, jobs=1, watch=nothing)
    run(planned, there, source, jobs=2, watch=nothing)
    assert len(planned.training) == 2  # the baseline is the first member
    assert state.finished == {cell.key for cell in planned.cells}
    assert contents(here) == contents(there)
    assert len(contents(here)) == 2 + 2 * 3
    assert torch.get_num_threads() >= 1


def test_a_second_run_computes_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study())
    store = Store(tmp_path)
    run(planned, store, source, jobs=1, watch=nothing)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    state = run(planned, store, source, jobs=2, watch=nothing)
    assert state.found == len(planned.cells)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_diverging_cell_fails_and_the_rest_goes_on(jobs: int, tiny_folder: Path, tmp_path: Path) -> None:
    wild = Recipe(train=replace(QUICK, learning_rate=1e30), members=2)
    planned, source = prepared(tiny_folder, small_study(Recipe(train=QUICK), wild))
    store = Store(tmp_path)
    state = run(planned, store, source, jobs=jobs, watch=nothing)
    failed = {cell.stage: state.failed[cell.key] for cell in planned.cells if cell.key in state.failed}
    assert "loss is not finite" in failed["training"]
    assert failed["calibration"].startswith("its model could not be trained: ")
    good = [cell for cell in planned.cells if cell.recipe.train == QUICK]
    assert {cell.key for cell in good} == state.finished
    assert all(store.failure(key) == reason for key, reason in state.failed.items())


def test_a_killed_worker_is_replaced_and_its_cell_done(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study(Recipe(train=replace(QUICK, epochs=20))))
    killed: list[int] = []

    def kill_once(state: State) -> None:
        if not killed and any(item.fraction > 0 for item in state.running.values()):
            killed.extend(workers_of(os.getpid()))
            os.kill(killed[0], signal.SIGKILL)

    state = run(planned, Store(tmp_path), source, jobs=2, watch=kill_once)
    assert killed
    assert state.finished == {cell.key for cell in planned.cells}


def test_a_cell_whose_worker_always_dies_is_reported(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study(Recipe(train=replace(QUICK, epochs=1000))))

    def kill(state: State) -> None:
        if any(item.fraction > 0 for item in state.running.values()):
            for child in workers_of(os.getpid()):
                os.kill(child, signal.SIGKILL)
            for item in state.running.values():
                item.fraction = 0.0

    state = run(planned, Store(tmp_path), source, jobs=2, watch=kill)
    assert "process died 2 times" in state.failed[planned.training[0].key]
    assert not state.finished


def test_an_interrupt_leaves_no_process_and_keeps_what_is_finished(tiny_folder: Path, tmp_path: Path) -> None:
    slow = Recipe(architecture=LeNet5Large(), train=replace(QUICK, epochs=1000))
    planned, source = prepared(tiny_folder, small_study(Recipe(train=QUICK), slow))
    store = Store(tmp_path)

    def interrupt(state: State) -> None:
        if state.finished:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(planned, store, source, jobs=2, watch=interrupt)
    assert workers_of(os.getpid()) == []
    finished = [cell for cell in planned.cells if store.has("models", cell.key) or store.has("evaluations", cell.key)]
    assert finished
    assert not list(tmp_path.rglob(".*-*")), "a temporary folder was left"


def attacked_study() -> Study:
    attacked = Adversarial(attacks=(FGSM(eps=0.1), PGD(eps=0.1, steps=2)), budgets=(0.1, 0.2))
    return replace(small_study(Recipe(train=QUICK)), evaluations=(attacked,))


def test_an_interrupted_evaluation_goes_on_at_the_piece_it_was_in(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversarial, "CHUNK", 16)
    planned, source = prepared(tiny_folder, attacked_study())
    whole, store, [cell] = Store(tmp_path / "whole"), Store(tmp_path / "cut"), planned.evaluating
    run(planned, whole, source, watch=nothing)

    def interrupt(_: State) -> None:
        if len(store.pieces(cell.key)) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(planned, store, source, watch=interrupt)
    names = list(store.pieces(cell.key))
    assert [name.rsplit("-", 1)[0] for name in names] == ["0-16", "16-32"]
    (store.root / "pieces" / f"{cell.key}-{names[0]}" / PIECE).write_bytes(b"cut")  # a damaged piece is computed anew
    other = names[1].rsplit("-", 1)[0] + "-0000cafe"  # as of another version of the software
    store.keep_piece(cell.key, other, store.pieces(cell.key)[names[1]])
    starts = []

    def counted(model: Any, images: Any, *rest: Any, **named: Any) -> dict[str, Any]:
        starts.append(len(images))
        return attack_chunk(model, images, *rest, **named)

    monkeypatch.setattr(adversarial, "attack_chunk", counted)
    run(planned, store, source, watch=nothing)
    assert len(starts) == -(-len(planned.task.test) // 16) - 1
    assert contents(store) == contents(whole)
    assert store.pieces(cell.key) == {}


def test_a_worker_takes_what_was_kept_of_its_cell(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, attacked_study())
    store, other, [cell] = Store(tmp_path / "a"), Store(tmp_path / "b"), planned.evaluating
    run(planned, other, source, watch=nothing)
    kept: dict[str, bytes] = {}
    weights = [other.read("models", key, "model.safetensors") for key in cell.models]
    compute(cell, planned.task, weights, "cpu", quiet, keep=kept.__setitem__)
    [(name, content)] = kept.items()
    tensors = unpack_weights(content)
    tensors["worst/0.2"] = ~tensors["worst/0.2"]
    store.keep_piece(cell.key, name, pack_weights(tensors))
    run(planned, store, source, jobs=2, watch=nothing)
    found, right = store.read_observations(cell.key).tensors, other.read_observations(cell.key).tensors
    assert torch.equal(found["worst/0.2"], ~right["worst/0.2"])
    assert torch.equal(found["worst/0.1"], right["worst/0.1"])


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_process_that_was_interrupted_can_run_again(jobs: int, tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study(Recipe(train=replace(QUICK, epochs=20))))
    store = Store(tmp_path)

    def interrupt(state: State) -> None:
        if state.running:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as kept:  # its traceback holds all frames, as a notebook does
        run(planned, store, source, jobs=jobs, watch=interrupt)
    with store.claim(planned.training[0].key) as free:
        assert free, "the interrupted run still holds its cell"
    assert kept.tb is not None


def test_a_worker_ignores_interrupts_from_its_start() -> None:
    before = signal.getsignal(signal.SIGINT)
    worker = _start(Source(data="tiny", outliers=(), exposure=(), folder=None, limit=None), "cpu")
    try:
        status = Path(f"/proc/{worker.process.pid}/status")
        if not status.exists():
            pytest.skip("needs /proc to read the signals that a process ignores")
        ignored = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigIgn"))
        assert int(ignored, 16) & 1 << (signal.SIGINT - 1)
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()


def test_two_runs_share_a_store(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study())
    states: list[State] = []
    threads = [
        threading.Thread(target=lambda: states.append(run(planned, Store(tmp_path), source, jobs=2, watch=nothing)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = {cell.key for cell in planned.cells}
    assert [state.finished for state in states] == [keys, keys]
    alone = Store(tmp_path / "alone")
    run(planned, alone, source, jobs=1, watch=nothing)
    shared = {name: content for name, content in contents(Store(tmp_path)).items() if not name.startswith("alone")}
    assert shared == contents(alone)


def test_a_cell_claimed_elsewhere_is_awaited(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study(Recipe(train=QUICK)))
    store, cell = Store(tmp_path), planned.training[0]
    files = compute(cell, planned.task, [], "cpu", quiet)
    seen: list[bool] = []
    with store.claim(cell.key) as claimed:
        assert claimed
        worker = threading.Timer(0.5, lambda: store.write("models", cell.key, files))
        worker.start()
        state = run(planned, store, source, jobs=1, watch=lambda state: seen.append(cell.key in state.running))
        worker.join()
    assert not any(seen), "computed although another run had it"
    assert state.finished == {cell.key for cell in planned.cells}


def test_a_store_far_away_is_asked_about_each_cell_once(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study(Recipe(train=QUICK), Recipe(train=QUICK, members=3)))
    asked: list[str] = []

    class Spy(Store):
        def has(self, kind: str, key: str) -> bool:
            asked.append(key)
            return super().has(kind, key)

        def claim(self, key: str) -> AbstractContextManager[bool]:
            asked.append(f"claim {key}")
            return super().claim(key)

    run(planned, Spy(tmp_path), source, watch=nothing)
    assert Counter(asked) == Counter([text for cell in planned.cells for text in (cell.key, f"claim {cell.key}")])
    asked.clear()
    run(planned, Spy(tmp_path), source, watch=nothing)
    assert asked == [], "what is finished is found in one pass"


def test_a_cell_of_another_run_is_asked_for_ever_more_rarely(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, _ = prepared(tiny_folder, small_study(Recipe(train=QUICK)))
    store, cell = Store(tmp_path), planned.training[0]
    asked: list[float] = []
    now = 0.0

    def refuse(key: str) -> AbstractContextManager[bool]:
        assert key == cell.key
        asked.append(now)
        return nullcontext(False)

    monkeypatch.setattr("assay.driver.time.monotonic", lambda: now)
    monkeypatch.setattr(store, "claim", refuse)
    handing = Driver(begin(planned, store), store)
    while now < 50:
        assert handing.next() is None
        now += 0.25
    assert asked == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 25.5, 35.5, 45.5]


@pytest.mark.parametrize("harm", ["flip a bit", "cut", "delete"])
def test_a_damaged_cell_is_computed_anew(harm: str, tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study(Recipe(train=QUICK)))
    store = Store(tmp_path)
    run(planned, store, source, jobs=1, watch=nothing)
    before = contents(store)
    weights = tmp_path / "models" / planned.training[0].key / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    if harm == "delete":
        weights.unlink()
    else:
        weights.write_bytes(content if harm == "flip a bit" else content[:-9])
    state = run(planned, store, source, jobs=1, watch=nothing)
    assert (state.mended, state.found) == (1, len(planned.cells) - 1)
    assert contents(store) == before


def test_a_model_damaged_while_a_study_runs_fails_its_evaluation_with_the_remedy(
    tiny_folder: Path, tmp_path: Path
) -> None:
    planned, source = prepared(tiny_folder, small_study(Recipe(train=QUICK)))
    weights = tmp_path / "models" / planned.training[0].key / "model.safetensors"

    def damage(state: State) -> None:
        if any(item.cell.stage == "calibration" for item in state.running.values()):
            weights.write_bytes(b"cut")  # claimed, and its weights not read yet

    state = run(planned, Store(tmp_path), source, jobs=1, watch=damage)
    assert "cut or altered" in state.failed[planned.evaluating[0].key]
    assert "run the same command again" in state.failed[planned.evaluating[0].key]


def test_an_unknown_device_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    planned, source = prepared(tiny_folder, small_study())
    with pytest.raises(BadValueError, match="device: nonsense is not here"):
        run(planned, Store(tmp_path), source, jobs=1, device="nonsense", watch=nothing)


def test_a_tuning_waits_for_its_start_wherever_it_runs(tiny_folder: Path, tmp_path: Path) -> None:
    tuned = Recipe(train=QUICK, tuning=Tuned(objective=OutlierExposure(source=Patches()), train=QUICK))
    planned, source = prepared(tiny_folder, small_study(tuned, Recipe(train=QUICK)))
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    assert run(planned, here, source, jobs=1, watch=nothing).finished == {cell.key for cell in planned.cells}
    run(planned, there, source, jobs=2, watch=nothing)
    assert contents(here) == contents(there)
    first, second = (here.read("models", cell.key, "model.safetensors") for cell in planned.training)
    assert first != second


def test_networks_of_one_training_are_stored_as_one_model_and_evaluated_together(
    tiny_folder: Path, tmp_path: Path
) -> None:
    snapshots = Recipe(train=QUICK, weights=Snapshots(members=2))
    planned, source = prepared(tiny_folder, small_study(snapshots, replace(snapshots, members=2)))
    store = Store(tmp_path)
    assert run(planned, store, source, jobs=1, watch=nothing).finished == {cell.key for cell in planned.cells}
    task, contents = source.load(), [store.read("models", cell.key, "model.safetensors") for cell in planned.training]
    assert {name.split(".")[1] for name in unpack_weights(contents[0])} == {"0", "1"}
    for cell, stored in zip(planned.evaluating, (contents[:1], contents), strict=True):
        model = assemble(cell.recipe, task, stored)
        assert len(model.members) == cell.recipe.networks
        members = [predict_logits(member, task.test.x).softmax(1) for member in model.members]
        logits = unpack_weights(store.read("evaluations", cell.key, "observations.safetensors"))["logits"]
        torch.testing.assert_close(logits.softmax(1), torch.stack(members).mean(0))
        torch.testing.assert_close(predict_logits(model, task.test.x), logits)


def test_a_tuning_whose_start_fails_is_told_why(tiny_folder: Path, tmp_path: Path) -> None:
    bad = Recipe(train=replace(QUICK, learning_rate=1e30), tuning=Tuned(objective=OutlierExposure(source=Patches())))
    planned, source = prepared(tiny_folder, small_study(bad))
    state = run(planned, Store(tmp_path), source, jobs=1, watch=nothing)
    first, second = planned.training
    assert state.failed[second.key] == f"the model that it starts from could not be trained: {state.failed[first.key]}"
    assert state.failed[first.key].startswith("training diverged")
    assert state.failed[planned.evaluating[0].key] == f"its model could not be trained: {state.failed[second.key]}"


def test_a_study_that_trains_on_a_data_set_of_outliers_loads_it(tiny_folder: Path, tmp_path: Path) -> None:
    study = small_study(Recipe(train=QUICK, objective=OutlierExposure(source=DataSet(of="fashion_mnist"))))
    source = source_of(study, tiny_folder, 40)
    task = source.load()
    assert [(name, len(images)) for name, images in task.exposure.items()] == [("fashion_mnist", 40)]
    planned = plan(study, task)
    assert run(planned, Store(tmp_path), source, jobs=2, watch=nothing).failed == {}


def test_outliers_to_train_on_that_are_not_here_fail_their_recipes_alone(tiny_folder: Path, tmp_path: Path) -> None:
    exposed = Recipe(train=QUICK, objective=OutlierExposure(source=DataSet(of="kmnist")))
    study = small_study(Recipe(train=QUICK), exposed)
    source = source_of(study, tiny_folder, None)
    task = source.load()
    assert set(task.unexposed) == {"kmnist"}
    planned = plan(study, task)
    state = run(planned, Store(tmp_path), source, jobs=1, watch=nothing)
    failed = [cell for cell in planned.cells if cell.key in state.failed]
    assert {cell.recipe.label for cell in failed} == {exposed.label}
    assert "assay data fetch kmnist" in state.failed[planned.training[1].key]
    assert len(state.finished) == 2


def test_calibrated_models_are_measured_on_weights_that_they_share(tiny_folder: Path, tmp_path: Path) -> None:
    recipes = [Recipe(train=QUICK), Recipe(train=QUICK, posthoc=Temperature())]
    study = small_study(*recipes, Recipe(train=QUICK, members=2, posthoc=Isotonic()))
    planned, source = prepared(tiny_folder, study)
    store = Store(tmp_path)
    state = run(planned, store, source, watch=nothing)
    assert not state.failed
    assert len(planned.training) == 2
    plain, scaled, pooled = (store.read_observations(cell.key).tensors["logits"] for cell in planned.evaluating)
    ratio = plain / scaled
    torch.testing.assert_close(ratio, ratio[0, 0].expand_as(ratio), rtol=1e-3, atol=0)
    torch.testing.assert_close(pooled.logsumexp(1), torch.zeros(len(pooled)), rtol=0, atol=1e-5)


def test_monte_carlo_dropout_runs_without_validation_images_and_gives_the_same_bytes_again(
    tiny_folder: Path, tmp_path: Path
) -> None:
    recipes = [Recipe(train=QUICK), Recipe(train=QUICK, posthoc=MCDropout(samples=3))]
    planned, source = prepared(tiny_folder, small_study(*recipes, replace(recipes[1], members=2)))
    store = Store(tmp_path)
    state = run(planned, store, source, watch=nothing)
    assert not state.failed
    assert len(planned.training) == 2
    plain, thinned, _ = (store.read_observations(cell.key).tensors["logits"] for cell in planned.evaluating)
    assert not torch.allclose(plain, thinned)
    assert run(planned, store, source, watch=nothing).found == len(planned.cells)
    cell, weights = planned.evaluating[1], store.read("models", planned.training[0].key, "model.safetensors")
    made = compute(cell, replace(planned.task, validation=None), [weights], "cpu", quiet)
    assert made["observations.safetensors"] == store.read("evaluations", cell.key, "observations.safetensors")


def test_a_calibration_without_validation_images_is_refused(tiny_folder: Path) -> None:
    planned, _ = prepared(tiny_folder, small_study(Recipe(train=QUICK, posthoc=Temperature())))
    task = replace(planned.task, validation=None)
    weights = [pack_weights(build(Recipe(), task.test.shape, task.test.n_classes, seed=0).state_dict())]
    with pytest.raises(MissingDataError, match="no validation images to fit temperature on"):
        compute(planned.evaluating[0], task, weights, "cpu", quiet)
