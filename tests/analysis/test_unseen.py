"""Means over the corruptions that training has not met."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assay.analysis.build import build_zoo
from assay.analysis.corruption import CLEAN
from assay.analysis.unseen import unseen_means
from assay.analysis.zoo import Zoo
from assay.results import Results

RECIPE, SEEN = "mixup(alpha=1)", ("fog", "rotate")


@pytest.fixture(scope="module")
def zoo(make: Callable[..., Results]) -> Zoo:
    made = build_zoo(make(labels=("baseline", RECIPE)))
    keys = [key for key in made.keys if dict(key.setting).get("corruption") in SEEN]
    return replace(made, seen={(RECIPE, key): str(dict(key.setting)["corruption"]) for key in keys})


def left(zoo: Zoo) -> list[int]:
    names = [dict(key.setting).get("corruption", CLEAN) for key in zoo.keys]
    return [place for place, name in enumerate(names) if name not in (CLEAN, *SEEN)]


def test_is_the_mean_over_all_other_corruptions_beside_the_baseline_s(zoo: Zoo) -> None:
    (found,) = unseen_means(zoo).items()
    label, mean = found
    assert label == RECIPE
    assert set(mean.names) == set(SEEN)
    assert mean.left == len(left(zoo)) == 13
    assert mean.value == pytest.approx(zoo.values[1, left(zoo)].mean())
    assert mean.base == pytest.approx(zoo.values[0, left(zoo)].mean())


def test_its_interval_is_of_the_difference_on_each_resample_and_training(zoo: Zoo) -> None:
    effect = unseen_means(zoo)[RECIPE].effect
    assert effect is not None
    draws = zoo.draws[:, left(zoo)].astype(np.float64).mean(axis=1)
    assert effect.value == pytest.approx(zoo.values[1, left(zoo)].mean() - zoo.values[0, left(zoo)].mean())
    assert effect.sampling == pytest.approx((draws[1] - draws[0]).std(ddof=1), rel=1e-4)
    trainings = zoo.trainings[zoo.models == 0][:, left(zoo)].mean(axis=1)
    assert effect.training == pytest.approx(trainings.std(ddof=1) * np.sqrt(1 + 1 / 5))


def test_without_draws_there_is_no_interval(zoo: Zoo) -> None:
    found = unseen_means(replace(zoo, draws=np.full_like(zoo.draws, np.nan)))[RECIPE]
    assert found.effect is None
    assert found.base is not None


def test_without_a_baseline_there_is_nothing_beside_it(zoo: Zoo) -> None:
    found = unseen_means(replace(zoo, baseline=None))[RECIPE]
    assert found.base is None
    assert found.effect is None
    itself = unseen_means(replace(zoo, baseline=1))[RECIPE]
    assert itself.base is None
    assert itself.effect is None


def test_needs_corruptions_that_are_left_and_measured(zoo: Zoo) -> None:
    assert unseen_means(replace(zoo, seen={})) == {}
    values = zoo.values.copy()
    values[1, left(zoo)[0]] = np.nan
    assert unseen_means(replace(zoo, values=values)) == {}
    every = {(RECIPE, key): "fog" for key in zoo.keys}
    assert unseen_means(replace(zoo, seen=every)) == {}
    values = zoo.values.copy()
    values[0, left(zoo)[0]] = np.nan
    assert unseen_means(replace(zoo, values=values))[RECIPE].base is None
