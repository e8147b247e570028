"""Effects over several measures: sampling on paired draws, training from each training or added as it is at worst."""

from collections.abc import Callable
from dataclasses import replace
from math import hypot, nan

import numpy as np
import pytest
from scipy.stats import t

from assay.analysis.claims import Evidence
from assay.analysis.claims.combine import combine
from assay.analysis.effects import Effect, contrast
from assay.analysis.zoo import Zoo

DIFFERENCE = {1: 1.0, 0: -1.0}


@pytest.fixture
def zoo(evidence: Callable[..., Evidence]) -> Zoo:
    rows = {"baseline": {"fgsm": 0.4, "pgd": 0.2}, "pgd(eps=0.3, steps=40)": {"fgsm": 0.9, "pgd": 0.8}}
    return evidence(rows, scatter=0.01, noise=0.004).zoo


def mean(zoo: Zoo, sign: int = 1) -> Effect:
    half = {place: weight / 2 for place, weight in DIFFERENCE.items()}
    found = combine(zoo, {0: half, 1: {place: sign * weight for place, weight in half.items()}})
    assert found is not None
    return found


def test_one_measure_is_as_it_is_alone(zoo: Zoo) -> None:
    assert combine(zoo, {1: DIFFERENCE}) == contrast(zoo, 1, DIFFERENCE)


def test_sampling_is_of_the_sum_on_each_resample(zoo: Zoo) -> None:
    differences = zoo.draws[1].astype(float) - zoo.draws[0].astype(float)
    assert mean(zoo).value == pytest.approx((0.5 + 0.6) / 2)
    assert mean(zoo).sampling == pytest.approx(differences.mean(0).std(ddof=1))
    opposed = replace(zoo, draws=np.stack([zoo.draws[:, 0], -zoo.draws[:, 0]], 1))
    assert mean(opposed).sampling == pytest.approx(0, abs=1e-6)  # what one gains the other loses
    assert mean(opposed, -1).sampling > 0.01


def test_training_noise_adds_as_if_it_went_together(zoo: Zoo) -> None:
    each = [contrast(zoo, measure, DIFFERENCE) for measure in (0, 1)]
    expected = sum(effect.training for effect in each if effect) / 2
    assert mean(zoo).training == mean(zoo, -1).training == pytest.approx(expected)


def trained(zoo: Zoo, *correlation: float, count: int = 5) -> Zoo:
    """The zoo with the baseline's trainings, which on each measure err as its spread says, together as given."""
    random = np.random.default_rng(0).standard_normal((count, 1 + len(correlation)))
    errors = [random[:, 0], *(r * random[:, 0] + np.sqrt(1 - r * r) * random[:, 1] for r in correlation)]
    scaled = np.stack([0.004 * (e - e.mean()) / e.std(ddof=1) for e in errors], 1)
    return replace(zoo, trainings=zoo.values[0] + scaled)


def test_training_noise_is_of_the_sum_in_each_training_where_these_are_known(zoo: Zoo) -> None:
    whole = mean(zoo).training
    assert mean(trained(zoo, 1.0)).training == pytest.approx(whole)  # they do go together
    assert mean(trained(zoo, 1.0), -1).training == pytest.approx(0, abs=1e-9)  # and cancel in a difference
    assert mean(trained(zoo, -1.0)).training == pytest.approx(0, abs=1e-9)
    some = trained(zoo, 0.3)
    sums = (some.trainings @ np.array([0.5, -0.5])).std(ddof=1)
    found = mean(replace(some, draws=np.zeros_like(some.draws)), -1)
    assert found.training == pytest.approx(
        sums * np.sqrt(1 + 1 / 5)
    )  # one training of the recipe, five of the baseline
    assert found.high - found.value == pytest.approx(t.ppf(0.975, 4) * found.training, rel=2e-3)


def test_trainings_say_nothing_of_recipes_with_noise_of_their_own(zoo: Zoo) -> None:
    some = trained(zoo, 1.0)
    seeds, spread = zoo.seeds.copy(), zoo.spread.copy()
    seeds[1], spread[1] = 4, 0.02
    own = replace(some, seeds=seeds, spread=spread)
    assert mean(own, -1).training == mean(replace(zoo, seeds=seeds, spread=spread)).training > 0.01
    holed = some.trainings.copy()
    holed[2, 1] = nan
    assert mean(replace(some, trainings=holed), -1).training == mean(zoo).training


def test_an_ensemble_has_a_share_of_the_noise_of_the_sum(evidence: Callable[..., Evidence]) -> None:
    rows = {"baseline": {"fgsm": 0.4, "pgd": 0.2}, "ensemble(members=4)": {"fgsm": 0.9, "pgd": 0.8}}
    some = trained(evidence(rows, noise=0.004).zoo, 0.3)
    found = combine(some, {0: {1: 1.0}, 1: {1: -1.0}})
    assert found is not None
    assert found.training == pytest.approx((some.trainings @ np.array([1, -1])).std(ddof=1) / 2)


def test_the_interval_and_p_value_are_of_the_sum(zoo: Zoo) -> None:
    still = replace(zoo, draws=np.zeros_like(zoo.draws))
    found = mean(still)  # training noise of five trainings alone
    freedom = 4
    assert found.high - found.value == pytest.approx(t.ppf(0.975, freedom) * found.training, rel=2e-3)
    near = replace(still, values=np.array([[0.4, 0.2], [0.41, 0.21]]))
    found = mean(near)
    assert found.p == pytest.approx(2 * t.sf(found.value / found.training, freedom), rel=2e-2)
    both = mean(zoo)
    normal = 1.96 * hypot(both.sampling, both.training)
    assert normal < both.high - both.value < 1.1 * normal


def test_unknown_training_noise_of_one_leaves_the_others(zoo: Zoo) -> None:
    spread = zoo.spread.copy()
    spread[0, 1] = nan
    one = contrast(zoo, 0, DIFFERENCE)
    assert one is not None
    assert mean(replace(zoo, spread=spread)).training == pytest.approx(one.training / 2)
    assert np.isnan(mean(replace(zoo, spread=np.full_like(spread, nan))).training)


def test_nothing_comes_of_a_missing_value_or_draws(zoo: Zoo) -> None:
    values = zoo.values.copy()
    values[1, 1] = nan
    half = {0: DIFFERENCE, 1: DIFFERENCE}
    assert combine(replace(zoo, values=values), half) is None
    assert combine(replace(zoo, draws=np.full_like(zoo.draws, nan)), half) is None
    assert combine(zoo, {}) is None
