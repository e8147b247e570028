from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from assay.analysis.build import build_zoo
from assay.analysis.zoo import Zoo
from assay.evaluations import Observations
from assay.evaluations.draws import draw_name
from assay.evaluations.shift import compare
from assay.results import COLUMNS, Failure, Results
from assay.study import MEMBER_STRIDE

Make = Callable[..., Results]
SEVERAL = [place * MEMBER_STRIDE for place in range(5)]


@pytest.fixture(scope="module")
def zoo(made_up: Results) -> Zoo:
    return build_zoo(made_up)


@pytest.fixture(scope="module")
def small(make: Make, made_up: Results) -> Results:
    """Three recipes, two seeds, three trainings of the baseline a seed."""
    return make(labels=made_up.recipes[:3], seeds=(0, 1), trainings=3)


def column(zoo: Zoo, evaluation: str, metric: str, **setting: str | float) -> int:
    """The one measure whose setting has at least these entries."""
    (place,) = (
        place
        for place, key in enumerate(zoo.keys)
        if (key.evaluation, key.metric) == (evaluation, metric) and setting.items() <= dict(key.setting).items()
    )
    return place


def test_values_are_the_table_s_except_the_baseline_s_and_mce(zoo: Zoo, made_up: Results) -> None:
    assert zoo.recipes == made_up.recipes
    seen = set()
    for row in made_up.table.to_dict("records"):
        place = zoo.recipes.index(row["recipe"])
        if row["metric"] in ("base_rate", "accuracy_rise", "mce", "relative_mce") or place == zoo.baseline:
            continue
        key = (row["evaluation"], row["metric"], tuple(sorted(row["setting"].items())))
        assert zoo.values[place, zoo.keys.index(key)] == row["value"]
        seen.add(key)
    assert len(seen) + 2 == len(zoo.keys)
    assert zoo.reasons == {}
    assert zoo.seeds.tolist()[1] == [1] * len(zoo.keys)
    assert np.isnan(zoo.spread[1:]).all()


def test_each_training_is_kept_with_its_recipe(zoo: Zoo, small: Results) -> None:
    assert np.bincount(zoo.models).tolist() == [5] + [1] * (len(zoo.recipes) - 1)
    several = build_zoo(small)
    assert np.bincount(several.models).tolist() == [6, 2, 2]
    for made in (zoo, several):
        for place in range(len(made.recipes)):
            own = made.trainings[made.models == place]
            assert own.mean(axis=0) == pytest.approx(made.values[place])
            if len(own) > 1:
                assert own.std(axis=0, ddof=1) == pytest.approx(made.spread[place])


def test_what_training_met_of_a_value_is_kept(made_up: Results, zoo: Zoo) -> None:
    assert zoo.seen == {}
    place = column(zoo, "shift", "accuracy", corruption="fog")
    own = [
        label == "mixup(alpha=1)" and setting == dict(zoo.keys[place].setting)
        for label, setting in zip(made_up.table["recipe"], made_up.table["setting"], strict=True)
    ]
    table = made_up.table.assign(seen=["fog" if here else "" for here in own])
    assert build_zoo(replace(made_up, table=table)).seen == {("mixup(alpha=1)", zoo.keys[place]): "fog"}


def test_the_baseline_is_the_mean_of_its_trainings(zoo: Zoo, made_up: Results) -> None:
    place = column(zoo, "shift", "accuracy", corruption="fog")
    found = [made_up.load("baseline", seed, "shift") for seed in SEVERAL]
    accuracies = [float(one.tensors["correct/fog"].double().mean()) for one in found if one is not None]
    assert zoo.values[0, place] == pytest.approx(np.mean(accuracies))
    assert zoo.noise[place] == pytest.approx(np.std(accuracies, ddof=1))
    assert zoo.spread[0, place] == zoo.noise[place]
    assert zoo.replicates[place] == zoo.seeds[0, place] == 5


def test_draws_are_the_stored_ones_by_name(zoo: Zoo, made_up: Results) -> None:
    name = draw_name("ece", {"bins": 15})
    place = column(zoo, "calibration", "ece", bins=15)
    for recipe, seeds in ((3, [0]), (0, SEVERAL)):
        found = [made_up.load_draws(zoo.recipes[recipe], seed, "calibration") for seed in seeds]
        mean = np.mean([one[name] for one in found if one is not None], axis=0)
        np.testing.assert_allclose(zoo.draws[recipe, place], mean, atol=1e-6)
    assert zoo.draws.dtype == np.float32
    assert not np.isnan(zoo.draws).any()


def test_corruption_errors_are_against_the_mean_baseline(zoo: Zoo, made_up: Results) -> None:
    """One image in which every training of the baseline stands side by side has the mean's errors."""
    bases = [made_up.load("baseline", seed, "shift") for seed in SEVERAL]
    together = {
        name: torch.cat([base.tensors[name] for base in bases if base is not None])
        for name in ("clean", *(name for name in bases[0].tensors if name.startswith("correct/")))  # type: ignore[union-attr]
    }
    for recipe in (1, 4):
        own = made_up.load(zoo.recipes[recipe], 0, "shift")
        assert own is not None
        repeated = Observations(tensors={name: own.tensors[name].repeat(5) for name in together})
        for row in compare(repeated, Observations(tensors=together)):
            assert zoo.values[recipe, column(zoo, "shift", row.metric)] == pytest.approx(row.value)


@pytest.mark.parametrize("metric", ["mce", "relative_mce"])
def test_the_baseline_s_corruption_error_is_one_with_the_noise_of_its_trainings(zoo: Zoo, metric: str) -> None:
    place = column(zoo, "shift", metric)
    assert zoo.values[0, place] == pytest.approx(1)
    np.testing.assert_allclose(zoo.draws[0, place], 1, atol=1e-6)
    assert zoo.noise[place] > 0


def test_draws_of_corruption_errors_follow_from_those_of_accuracies(zoo: Zoo) -> None:
    corrupted = [
        place
        for place, key in enumerate(zoo.keys)
        if key.metric == "accuracy" and dict(key.setting).get("corruption", "clean") != "clean"
    ]
    errors = 1 - zoo.draws[:, corrupted].astype(np.float64)
    expected = (errors / errors[0]).mean(1)
    np.testing.assert_allclose(zoo.draws[:, column(zoo, "shift", "mce")], expected, rtol=1e-4)


def test_several_seeds_are_averaged(small: Results) -> None:
    zoo = build_zoo(small)
    place = column(zoo, "calibration", "nll")
    rows = small.table[(small.table["metric"] == "nll") & (small.table["recipe"] == small.recipes[1])]
    values = rows[rows["seed"] != "mean"]["value"].astype(float)
    assert zoo.values[1, place] == pytest.approx(values.mean())
    assert zoo.spread[1, place] == pytest.approx(values.std())
    assert zoo.seeds[1, place] == 2
    assert zoo.replicates[place] == 6
    found = [small.load_draws(small.recipes[1], seed, "calibration") for seed in (0, 1)]
    mean = np.mean([one[draw_name("nll", {})] for one in found if one is not None], axis=0)
    np.testing.assert_allclose(zoo.draws[1, place], mean, atol=1e-6)


def test_a_part_of_a_study_says_what_is_missing(made_up: Results) -> None:
    last, failed = made_up.recipes[-1], made_up.recipes[2]
    gone = (made_up.table["recipe"] == last) & (made_up.table["evaluation"] == "anomaly")
    table = made_up.table[~gone & (made_up.table["recipe"] != failed)]
    failure = Failure(recipe=failed, seed=0, stage="training", reason="out of memory")
    waiting = (f"{last}, seed 0: anomaly",)
    zoo = build_zoo(replace(made_up, table=table, failures=(failure,), waiting=waiting))
    place = column(zoo, "anomaly", "auroc", outliers="kmnist", score="msp")
    assert np.isnan(zoo.values[-1, place])
    assert np.isnan(zoo.draws[-1, place]).all()
    assert zoo.seeds[-1, place] == 0
    assert "has not run yet" in zoo.reasons[last, zoo.keys[place]]
    assert zoo.reasons[failed, zoo.keys[0]] == "training failed: out of memory"
    assert not np.isnan(zoo.values[-1, column(zoo, "calibration", "nll")])
    missing = {(zoo.recipes[r], zoo.keys[m]) for r, m in np.argwhere(np.isnan(zoo.values)).tolist()}
    assert zoo.reasons.keys() == missing


def test_what_is_awaited_is_looked_through_once(made_up: Results) -> None:
    class Counted(tuple[str, ...]):
        looked = 0

        def __iter__(self) -> Iterator[str]:
            type(self).looked += 1
            return super().__iter__()

    waiting = Counted(f"{recipe}, seed 0: training" for recipe in made_up.recipes[1:])
    table = made_up.table[made_up.table["recipe"] == made_up.recipes[0]]
    zoo = build_zoo(replace(made_up, table=table, waiting=waiting))
    assert "has not run yet" in zoo.reasons[made_up.recipes[-1], zoo.keys[-1]]
    assert Counted.looked == 1


def test_without_a_baseline_there_is_no_noise(made_up: Results) -> None:
    table = made_up.table[made_up.table["recipe"] != "baseline"]
    for results in (
        replace(made_up, baseline=None, recipes=made_up.recipes[1:], table=table, replicates=made_up.replicates[:0]),
        replace(made_up, table=table, replicates=made_up.replicates[:0]),
    ):
        zoo = build_zoo(results)
        assert np.isnan(zoo.noise).all()
        assert (zoo.replicates == 0).all()
        place = column(zoo, "shift", "mce")
        assert np.isnan(zoo.values[:, place]).all()
        assert "baseline" in zoo.reasons[results.recipes[-1], zoo.keys[place]]
        assert not np.isnan(zoo.values[-1, column(zoo, "shift", "mean_accuracy")])


def test_one_training_of_the_baseline_shows_no_noise(made_up: Results) -> None:
    zoo = build_zoo(replace(made_up, replicates=made_up.replicates[:0]))
    assert np.isnan(zoo.noise).all()
    assert (zoo.replicates == 1).all()
    table = made_up.table[(made_up.table["metric"] == "mce") & (made_up.table["recipe"] == made_up.recipes[3])]
    assert zoo.values[3, column(zoo, "shift", "mce")] == pytest.approx(float(table["value"].iloc[0]))


def test_numbers_on_other_images_are_left_out(made_up: Results) -> None:
    table = made_up.table.copy()
    table.loc[table["recipe"] == made_up.recipes[1], "n"] = 50
    zoo = build_zoo(replace(made_up, table=table))
    assert np.isnan(zoo.values[1]).all()
    assert zoo.reasons[made_up.recipes[1], zoo.keys[0]].startswith(
        "measured on 50 images, where the others were on 300"
    )
    assert not np.isnan(zoo.values[2]).any()


def test_missing_draws_leave_values(made_up: Results) -> None:
    zoo = build_zoo(replace(made_up, load_draws=lambda _recipe, _seed, _evaluation: None))
    assert np.isnan(zoo.draws).all()
    assert not np.isnan(zoo.values).any()


def test_draws_of_one_seed_do_not_stand_for_two(small: Results) -> None:
    def first_alone(recipe: str, seed: int, evaluation: str) -> dict[str, NDArray[np.float32]] | None:
        return small.load_draws(recipe, seed, evaluation) if seed == 0 else None

    assert np.isnan(build_zoo(replace(small, load_draws=first_alone)).draws).all()


def test_an_empty_study_and_a_model_of_one_s_own(made_up: Results) -> None:
    empty = pd.DataFrame(columns=list(COLUMNS))
    zoo = build_zoo(replace(made_up, table=empty, replicates=empty))
    assert zoo.values.shape == (len(made_up.recipes), 0)
    assert zoo.draws.shape == (len(made_up.recipes), 0, 1000)
    own = build_zoo(replace(made_up, recipes=("my model",), baseline=None, table=empty, replicates=empty))
    assert own.parameters == ({},)
