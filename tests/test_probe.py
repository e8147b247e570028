"""The probe runs the real training and evaluations; its rates are positive, and cover what is missing."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest
import torch

from assay import probe as probing
from assay.architectures import LeNet5
from assay.attacks import FGSM, PGD
from assay.augmentations import CutOut
from assay.data import Images, Task, load_task
from assay.estimate import kind_of
from assay.evaluations import Adversarial, Anomaly, Calibration
from assay.fit import Fitted, build
from assay.objectives import OutlierExposure
from assay.parts import describe
from assay.plan import EvaluateCell, Plan, plan
from assay.probe import probe
from assay.recipe import Recipe, Train, Tuned
from assay.study import Study
from assay.weights import Snapshots

QUICK = Train(epochs=1, batch_size=20, learning_rate=1e-3)
CUTOUT = CutOut(length=3, holes=1)
STUDY = Study(
    name="small",
    title="Small",
    question="How fast?",
    recipes=(
        Recipe(train=QUICK),
        Recipe(train=QUICK, pipeline=(CUTOUT, PGD(eps=0.2, steps=3))),
        Recipe(train=QUICK, members=3),
    ),
    evaluations=(
        Adversarial(attacks=(FGSM(eps=0.3), PGD(eps=0.3, steps=5, early_stop=True)), budgets=(0.1, 0.3), images=20),
        Anomaly(),
        Calibration(),
    ),
    data="tiny",
    outliers=(),
)


@pytest.fixture(scope="module")
def planned(tiny_folder: Path) -> Plan:
    return plan(STUDY, load_task("tiny", outliers=(), folder=tiny_folder))


def test_rates_of_everything_that_is_missing(planned: Plan) -> None:
    told: list[tuple[float, str]] = []
    rates = probe(planned, set(), budget=0.1, progress=lambda fraction, text: told.append((fraction, text)))
    assert set(rates.training) == {kind_of(STUDY.recipes[0])}
    assert set(rates.augmentations) == {(CUTOUT, 20)}
    assert {name for _, name in rates.evaluations} == {"adversarial", "anomaly", "calibration"}
    assert {architecture for architecture, _ in rates.evaluations} == {LeNet5()}
    for training in rates.training.values():
        assert 0 < training.step < 1
        assert 0 < training.image < 1
        assert 0 <= training.epoch < 60
        assert training.size > 4 * 200_000
    for evaluation in rates.evaluations.values():
        assert 0 < evaluation.seconds < 600
        assert evaluation.member >= 0
        assert 0 < evaluation.early <= 1
        assert evaluation.size > 0
    assert rates.evaluations[LeNet5(), "calibration"].early == 1, "nothing stops early there"
    assert all(0 < rate < 1 for rate in rates.augmentations.values())
    assert rates.took > 0
    assert rates.spread >= 0
    assert isfinite(rates.spread)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert any("ensemble" in text for _, text in told)


def test_only_what_is_missing_is_measured(planned: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "fit", None)  # calling it would fail
    monkeypatch.setattr(probing, "compute", None)
    rates = probe(planned, {cell.key for cell in planned.cells})
    assert not rates.training
    assert not rates.augmentations
    assert not rates.evaluations
    assert rates.spread == 0


def test_no_step_is_timed_where_nothing_attacks(planned: Plan) -> None:
    calm = {cell.key for cell in planned.cells if cell.stage != "training" or cell.recipe.pipeline}
    (rate,) = probe(planned, calm, budget=0.1).training.values()
    assert rate.step == 0
    assert rate.image > 0


def test_an_interrupt_ends_the_probe_and_gives_the_threads_back(planned: Plan) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        probe(planned, set(), progress=stop)
    assert torch.get_num_threads() == before


def test_the_models_of_the_probe_are_never_fooled(planned: Plan) -> None:
    cell = next(cell for cell in planned.evaluating if cell.stage == "adversarial")
    run = probing._Evaluating(cell, planned.task)
    model = probing._sure(build(cell.recipe, planned.task.test.shape, 3, 0))
    seen = cell.evaluation.observe(model, run.task, 0)
    assert all(bool(values.all()) for name, values in seen.tensors.items() if name.startswith(("clean", "single/")))
    assert any(name.startswith("single/pgd") for name in seen.tensors), describe(cell.evaluation)


def test_a_part_has_the_same_share_of_every_set(planned: Plan) -> None:
    cell = next(cell for cell in planned.evaluating if cell.stage == "anomaly")
    part = probing._part(planned.task, cell, 15)
    assert planned.task.train is not None
    assert part.train is not None
    assert len(part.test) == 15
    assert len(part.train) == round(len(planned.task.train) * 15 / len(planned.task.test))


class Known:
    """A machine on which everything takes a known time, and a clock that it turns on."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def fit(
        self,
        recipe: Recipe,
        images: Images,
        *,
        seed: int,
        validation: Images | None = None,
        outliers: Mapping[str, Images] | None = None,  # noqa: ARG002
    ) -> Fitted:
        self.now += 0.5 + len(images) * (0.01 + 0.002 * recipe.attack_steps) + (0.25 if validation is not None else 0)
        return Fitted(build(recipe, images.shape, images.n_classes, seed), [])

    def compute(self, cell: EvaluateCell, task: Task, weights: list[bytes], *_: object) -> dict[str, bytes]:
        evaluation, n = cell.evaluation, min(len(task.test), getattr(cell.evaluation, "images", None) or 10**9)
        if not isinstance(evaluation, Adversarial):
            self.now += 0.125 + 0.004 * n * len(weights)
            return {"a": bytes(100 + 7 * n)}
        steps = sum(0.001 + 0.003 * (getattr(attack, "steps", 1) - 1) for attack in evaluation.attacks)
        early = 1 if bool((task.test.y == 0).all()) else 0.25  # the model that was trained for a moment
        self.now += early * n * steps * len(evaluation.budgets) * len(weights)
        return {"a": bytes(11 * n * len(evaluation.budgets))}


def test_on_a_machine_whose_pace_is_known_the_rates_are_that_pace(
    planned: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Known()
    monkeypatch.setattr(probing, "fit", machine.fit)
    monkeypatch.setattr(probing, "compute", machine.compute)
    monkeypatch.setattr("assay.probe.time.thread_time", machine.clock)
    rates = probe(planned, set(), budget=5)
    (training,) = rates.training.values()
    assert (training.image, training.step, training.epoch) == pytest.approx((0.01, 0.002, 0.25))
    found = {name: rate for (_, name), rate in rates.evaluations.items()}
    images = len(planned.task.test)
    assert found["calibration"].seconds == pytest.approx(0.125 + 0.004 * images)
    assert found["calibration"].member == pytest.approx(0.004 * images)
    assert found["calibration"].size == 100 + 7 * images
    attacked = 20 * 2 * (0.001 + 0.001 + 0.003 * 4)  # images, budgets, FGSM and PGD with 5 steps
    checked = 20 * 0.003 * (3 * 5 + 300 / 3)  # PGD three times; 200 queries and 100 draws, a third of a step each
    assert found["adversarial"].seconds == pytest.approx(attacked + checked)
    assert found["adversarial"].member == pytest.approx(attacked + checked)
    assert found["adversarial"].early == pytest.approx(0.25 * attacked / (attacked + checked)), (
        "its checks take no time"
    )
    assert found["adversarial"].size == 11 * 20 * 2
    assert rates.spread == pytest.approx(0)


def test_several_networks_of_one_training_are_timed_as_an_ensemble(tiny_folder: Path) -> None:
    study = replace(STUDY, recipes=(Recipe(train=QUICK, weights=Snapshots(members=2)),), evaluations=(Calibration(),))
    planned = plan(study, load_task("tiny", outliers=(), folder=tiny_folder, limit=60))
    rates = probe(planned, set(), budget=0.1)
    assert set(rates.training) == {kind_of(Recipe(train=QUICK))}
    assert [rate.member >= 0 < rate.seconds for rate in rates.evaluations.values()] == [True]


def test_tuning_and_outliers_are_timed_with_their_own_batches_and_sets(tiny_folder: Path) -> None:
    last = Train(epochs=1, batch_size=30)
    tuned = Recipe(train=QUICK, pipeline=(CUTOUT,), tuning=Tuned(objective=OutlierExposure(), train=last))
    study = replace(STUDY, recipes=(tuned,), evaluations=(Calibration(),))
    planned = plan(study, load_task("tiny", outliers=(), exposure=study.exposure, folder=tiny_folder, limit=60))
    rates = probe(planned, set(), budget=0.1)
    assert set(rates.training) == {kind_of(tuned.first), kind_of(tuned)}
    assert set(rates.augmentations) == {(CUTOUT, 20), (CUTOUT, 30)}
