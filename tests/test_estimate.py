"""Estimates by arithmetic: given rates, the seconds of every stage are known."""

from dataclasses import replace

import pytest
import torch

from assay.architectures import LeNet5
from assay.attacks import FGSM, PGD
from assay.augmentations import CutOut
from assay.data import Images, Task
from assay.estimate import (
    NOTHING,
    Estimate,
    EvaluationRate,
    Rates,
    Span,
    TrainingRate,
    defended,
    estimate,
    kind_of,
)
from assay.evaluations import Adversarial, Calibration
from assay.objectives import MixedAdversarial, OutlierExposure
from assay.outliers import Noise
from assay.plan import Plan, plan
from assay.posthoc import MCDropout
from assay.recipe import Recipe, Train, Tuned
from assay.study import Study
from assay.weights import SWAG, Snapshots


def make(name: str, n: int) -> Images:
    x = torch.arange(n * 256).remainder(256).to(torch.uint8).view(n, 1, 16, 16)
    return Images(name=name, x=x, y=torch.arange(n) % 3, classes=("a", "b", "c"))


TRAIN = Train(epochs=3, batch_size=10)
CUTOUT, PGD7 = CutOut(length=3, holes=1), PGD(eps=0.3, steps=7)
PLAIN = Recipe(train=TRAIN)
ATTACKED = Recipe(train=TRAIN, pipeline=(CUTOUT, PGD7))
TOGETHER = Recipe(train=TRAIN, members=3)
TASK = Task(name="toy", train=make("toy/train", 60), test=make("toy/test", 30))
RATES = Rates(
    training={kind_of(PLAIN): TrainingRate(image=0.01, step=0.1, epoch=2.0, size=1000)},
    augmentations={(CUTOUT, 10): 0.005},
    evaluations={
        (LeNet5(), "adversarial"): EvaluationRate(seconds=100.0, member=50.0, early=0.25, size=20),
        (LeNet5(), "calibration"): EvaluationRate(seconds=4.0, member=1.0, early=1.0, size=7),
    },
    spread=0.0,
    took=1.5,
)
CLEAN_TRAINING = 3 * (2.0 + 60 * 0.01)
ATTACKED_TRAINING = 3 * (2.0 + 60 * (0.01 + 7 * 0.1 + 0.005))


def planned(*recipes: Recipe) -> Plan:
    study = Study(
        name="toy", title="Toy", question="Which?", recipes=recipes, evaluations=(Adversarial(), Calibration())
    )
    return plan(study, TASK)


def test_stages_are_sums_over_the_missing_cells() -> None:
    found = estimate(planned(PLAIN, ATTACKED, TOGETHER), set(), RATES, jobs=1)
    training = 3 * CLEAN_TRAINING + ATTACKED_TRAINING  # the baseline is the ensemble's first member
    assert found.stages["training"] == pytest.approx((training, training))
    assert found.stages["adversarial"] == pytest.approx((25 + 25 + 50, 25 + 100 + 50))
    assert found.stages["calibration"] == pytest.approx((4 + 4 + 6, 4 + 4 + 6))
    assert found.total == pytest.approx((training + 114, training + 189))
    assert found.size == 4 * 1000 + 3 * 20 + 3 * 7
    assert (found.jobs, found.took) == (1, 1.5)


def test_one_training_that_gives_several_networks_counts_its_further_epochs_and_their_passes() -> None:
    drawn = replace(PLAIN, weights=SWAG(samples=4, epochs=2, moments=2, rank=2))
    found = estimate(planned(drawn), set(), RATES, jobs=1)
    assert found.stages["training"].low == pytest.approx(CLEAN_TRAINING * (3 + 2) / 3)
    assert found.stages["calibration"].low == pytest.approx(4 + 3 * 1)
    assert found.size == 4 * 1000 + 20 + 7
    both = replace(PLAIN, weights=Snapshots(members=2), members=3)
    found = estimate(planned(both), set(), RATES, jobs=1)
    assert found.stages["training"].low == pytest.approx(3 * CLEAN_TRAINING)
    assert found.stages["calibration"].low == pytest.approx(4 + 5 * 1)
    assert found.size == 3 * 2 * 1000 + 20 + 7


def test_monte_carlo_dropout_costs_passes_and_no_training() -> None:
    thinned = replace(PLAIN, posthoc=MCDropout(samples=4))
    found = estimate(planned(PLAIN, thinned), set(), RATES, jobs=1)
    assert found.stages["training"].low == pytest.approx(CLEAN_TRAINING)
    assert found.stages["calibration"].low == pytest.approx(4 + (4 + 3 * 1))
    assert found.size == 1000 + 2 * 20 + 2 * 7


def test_what_is_found_costs_nothing() -> None:
    whole = planned(PLAIN, ATTACKED)
    everything = {cell.key for cell in whole.cells}
    assert estimate(whole, everything, RATES, jobs=2) == Estimate(jobs=2, took=1.5)
    models = {cell.key for cell in whole.training}
    left = estimate(whole, models, RATES, jobs=1)
    assert set(left.stages) == {"adversarial", "calibration"}
    assert left.chain == pytest.approx((25, 100)), "trained models are not waited for"
    one = {whole.training[0].key}
    assert estimate(whole, one, RATES, jobs=1).stages["training"].high == pytest.approx(ATTACKED_TRAINING)


def test_the_end_waits_for_the_longest_chain_or_for_all_the_work() -> None:
    whole = planned(PLAIN, ATTACKED)
    chain = (ATTACKED_TRAINING + 25, ATTACKED_TRAINING + 100)
    total = estimate(whole, set(), RATES, jobs=1).total
    assert estimate(whole, set(), RATES, jobs=1).wall == total
    assert estimate(whole, set(), RATES, jobs=64).wall == pytest.approx(chain)
    two = estimate(whole, set(), RATES, jobs=2).wall
    assert two == pytest.approx((max(total.low / 2, chain[0]), max(total.high / 2, chain[1])))


def test_noise_of_the_probe_widens_the_range() -> None:
    whole = planned(PLAIN)
    exact = estimate(whole, set(), RATES, jobs=1).total
    noisy = estimate(whole, set(), replace(RATES, spread=0.25), jobs=1).total
    assert noisy == pytest.approx((exact.low / 1.25, exact.high * 1.25))


def test_a_sample_of_the_training_images_counts_as_such() -> None:
    few = replace(PLAIN, train=replace(TRAIN, images=6))
    many = replace(PLAIN, train=replace(TRAIN, images=10**6))
    assert estimate(planned(few), set(), RATES, jobs=1).stages["training"].low == pytest.approx(3 * (2 + 6 * 0.01))
    assert estimate(planned(many), set(), RATES, jobs=1).stages["training"].low == pytest.approx(CLEAN_TRAINING)


def test_a_mixed_objective_has_a_pace_of_its_own() -> None:
    mixed = replace(PLAIN, objective=MixedAdversarial(attack=PGD7))
    assert kind_of(mixed) != kind_of(PLAIN) == kind_of(ATTACKED) == kind_of(TOGETHER.member)
    assert kind_of(replace(PLAIN, train=replace(TRAIN, epochs=9, learning_rate=1, images=5))) == kind_of(PLAIN)
    assert [defended(recipe) for recipe in (PLAIN, ATTACKED, mixed, TOGETHER)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("pipeline", "steps"),
    [
        ((), 0),
        ((CUTOUT,), 0),
        ((FGSM(eps=0.1),), 1),
        ((PGD7, CUTOUT, FGSM(eps=0.1)), 8),
        ((replace(PGD7, restarts=3),), 21),
    ],
)
def test_attack_steps(pipeline: tuple[CutOut | PGD | FGSM, ...], steps: int) -> None:
    assert Recipe(pipeline=pipeline).attack_steps == steps


def test_spans() -> None:
    assert Span(1, 2).plus(Span(3, 5)) == (4, 7)
    assert Span(1, 9).atleast(Span(3, 5)) == (3, 9)
    assert Span(1, 2).times(0.5) == (0.5, 1)
    assert Estimate(jobs=3).wall == NOTHING


def test_a_tuning_has_its_own_pace_and_waits_for_its_start() -> None:
    last = Train(epochs=2, batch_size=30)
    tuned = Recipe(train=TRAIN, pipeline=(CUTOUT,), tuning=Tuned(objective=OutlierExposure(source=Noise()), train=last))
    rates = replace(
        RATES,
        training={
            kind_of(PLAIN): TrainingRate(image=0.01, step=0.0, epoch=2.0, size=1000),
            kind_of(tuned.last): TrainingRate(image=0.02, step=0.0, epoch=3.0, size=1000),
        },
        augmentations={(CUTOUT, 10): 0.005, (CUTOUT, 30): 0.001},
    )
    assert kind_of(tuned) == kind_of(tuned.last) != kind_of(PLAIN)
    first, second = 3 * (2.0 + 60 * 0.015), 2 * (3.0 + 60 * 0.021)
    found = estimate(planned(tuned), set(), rates, jobs=9)
    assert found.stages["training"] == pytest.approx((first + second, first + second))
    assert found.chain == pytest.approx((first + second + 25, first + second + 25))
    assert found.wall == found.chain
