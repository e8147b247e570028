"""Effects over several measures: sampling on paired draws, training from each training or added as it is at worst."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from math import hypot, nan

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t

from assay.analysis.claims import Evidence
from assay.analysis.claims.combine import combine, combine_each
from assay.analysis.contrasts import contrast
from assay.analysis.effects import Effect
from assay.analysis.zoo import Floats, Zoo

Make = Callable[..., Evidence]
DIFFERENCE = {1: 1.0, 0: -1.0}


@pytest.fixture
def zoo(evidence: Make) -> Zoo:
    rows = {"baseline": {"fgsm": 0.4, "pgd": 0.2}, "pgd(eps=0.3, steps=40)": {"fgsm": 0.9, "pgd": 0.8}}
    return evidence(rows, scatter=0.01, noise=0.004).zoo


def mean(zoo: Zoo, sign: int = 1) -> Effect:
    half = {place: weight / 2 for place, weight in DIFFERENCE.items()}
    found = combine(zoo, {0: half, 1: {place: sign * weight for place, weight in half.items()}})
    assert found is not None
    return found


def test_one_measure_is_as_it_is_alone(zoo: Zoo) -> None:
    assert combine(zoo, {1: DIFFERENCE}) == contrast(zoo, 1, DIFFERENCE)


def test_many_sums_are_each_as_it_is_alone(evidence: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ["baseline", *(f"pgd(eps={eps}, steps=40)" for eps in (0.1, 0.2, 0.3)), "cutout(length=7, holes=1)"]
    random = np.random.default_rng(0)
    rows = {label: dict(zip(("fgsm", "pgd"), random.random(2).tolist(), strict=True)) for label in labels}
    zoo = shaken(evidence(rows, scatter=0.01).zoo, (5, 2, 1, 3, 1))
    zoo.values[2, 1] = nan
    one = [{0: {place: 1.0, 0: -1.0}} for place in range(1, 5)] + [{1: {place: 1.0, 0: -1.0}} for place in range(1, 5)]
    two = [{0: {place: 1.0}, 1: {place: -1.0}} for place in range(5)]
    more = [{0: {1: 0.5, 3: 0.5, 0: -1.0}, 1: {4: 1.0}}, {1: {1: 0.2, 4: 0.3, 3: 0.5}}, {}]
    sums = [*one, *more, *two]
    alone = [combine(zoo, weights) for weights in sums]
    assert [place for place, effect in enumerate(alone) if effect is None] == [5, 10, 13]
    for block in (1, 3 * zoo.draws.shape[2], 1 << 17):
        monkeypatch.setattr("assay.analysis.claims.combine.BLOCK", block)
        assert combine_each(zoo, sums) == alone


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
    return replace(zoo, trainings=zoo.values[0] + scaled, models=np.zeros(count, dtype=np.int64))


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


def shaken(zoo: Zoo, counts: tuple[int, ...], *, seed: int = 0) -> Zoo:
    """The zoo with so many trainings of each recipe, in which all measures move together and a little on their own."""
    random = np.random.default_rng(seed)
    models = np.repeat(np.arange(len(counts)), counts)
    together = 0.01 * random.standard_normal((len(models), 1))
    trainings = zoo.values[models] + together + 0.0005 * random.standard_normal((len(models), zoo.values.shape[1]))
    return told(zoo, trainings, models)


def told(zoo: Zoo, trainings: Floats, models: NDArray[np.int64]) -> Zoo:
    """The zoo as these trainings, with NaN where one has no value, make it."""
    own = [trainings[models == place] for place in range(len(zoo.recipes))]
    seeds = np.stack([(~np.isnan(each)).sum(0) for each in own])
    spread = np.full(seeds.shape, nan)
    for place, each in enumerate(own):
        some = seeds[place] > 1
        spread[place, some] = np.nanstd(each[:, some], axis=0, ddof=1)
    return replace(zoo, trainings=trainings, models=models, seeds=seeds, spread=spread)


def half_width(effect: Effect) -> float:
    return effect.high - effect.value


def test_more_trainings_make_the_interval_of_two_scores_of_one_model_no_wider(zoo: Zoo) -> None:
    still = replace(zoo, draws=np.zeros_like(zoo.draws))
    widths: dict[int, list[float]] = {1: [], 3: [], 5: []}
    for count, seed in product(widths, range(20)):
        found = combine(shaken(still, (5, count), seed=seed), {0: {1: 1.0}, 1: {1: -1.0}})
        assert found is not None
        assert found.training < 0.002  # what moves both scores cancels
        widths[count].append(half_width(found))
    mean_width = {count: np.mean(own) for count, own in widths.items()}
    assert mean_width[5] < mean_width[1]
    assert mean_width[3] < 1.5 * mean_width[1]  # with the two degrees of freedom of three trainings


def test_noise_of_a_sum_is_of_the_family_s_own_trainings_where_there_are_enough(zoo: Zoo) -> None:
    some = shaken(zoo, (5, 3))
    sums = some.trainings @ np.array([1.0, -1.0])
    own = combine(replace(some, draws=np.zeros_like(some.draws)), {0: {1: 1.0}, 1: {1: -1.0}})
    assert own is not None
    assert own.training == pytest.approx(sums[5:].std(ddof=1) / np.sqrt(3))
    assert half_width(own) == pytest.approx(t.ppf(0.975, 2) * own.training, rel=2e-3)
    both = combine(some, {0: {1: 1.0, 0: -1.0}, 1: {1: -1.0, 0: 1.0}})
    assert both is not None
    assert both.training == pytest.approx(np.sqrt(sums[:5].var(ddof=1) / 5 + sums[5:].var(ddof=1) / 3))


def test_noise_of_a_sum_is_pooled_over_a_family_with_its_degrees_of_freedom(evidence: Make) -> None:
    rows = {
        "baseline": {"fgsm": 0.4, "pgd": 0.2},
        "pgd(eps=0.3, steps=40)": {"fgsm": 0.9, "pgd": 0.8},
        "pgd(eps=0.2, steps=40)": {"fgsm": 0.8, "pgd": 0.6},
    }
    some = shaken(evidence(rows, scatter=0.0).zoo, (5, 3, 4))
    sums = some.trainings @ np.array([1.0, -1.0])
    found = combine(some, {0: {1: 1.0}, 1: {1: -1.0}})
    assert found is not None
    pooled = (2 * sums[5:8].var(ddof=1) + 3 * sums[8:].var(ddof=1)) / 5
    assert found.training == pytest.approx(np.sqrt(pooled / 3))
    assert half_width(found) == pytest.approx(t.ppf(0.975, 5) * found.training, rel=2e-3)


def test_a_single_degree_of_freedom_is_pooled_with_the_baseline_s(zoo: Zoo) -> None:
    some = shaken(zoo, (5, 2))
    sums = some.trainings @ np.array([1.0, -1.0])
    found = combine(replace(some, draws=np.zeros_like(some.draws)), {0: {1: 1.0}, 1: {1: -1.0}})
    assert found is not None
    pooled = (4 * sums[:5].var(ddof=1) + sums[5:].var(ddof=1)) / 5
    assert found.training == pytest.approx(np.sqrt(pooled / 2))
    assert half_width(found) == pytest.approx(t.ppf(0.975, 5) * found.training, rel=2e-3)


def test_of_unequal_counts_the_smaller_one_says_how_many_trainings_there_are(zoo: Zoo) -> None:
    some = shaken(zoo, (5, 4))
    trainings = some.trainings.copy()
    trainings[8, 1] = nan  # one training has the first measure alone
    holed = told(zoo, trainings, some.models)
    assert holed.seeds[1].tolist() == [4, 3]
    sums = trainings[5:8] @ np.array([1.0, -1.0])
    found = combine(replace(holed, draws=np.zeros_like(holed.draws)), {0: {1: 1.0}, 1: {1: -1.0}})
    assert found is not None
    assert found.training == pytest.approx(sums.std(ddof=1) / np.sqrt(3))
    assert half_width(found) == pytest.approx(t.ppf(0.975, 2) * found.training, rel=2e-3)


def test_the_baseline_s_noise_is_not_borrowed_where_it_would_mislead(zoo: Zoo) -> None:
    """A baseline at 0 on one of the two measures: of one training of a robust model nothing is known there."""
    low = replace(zoo, values=np.array([[0.4, 0.0], [0.9, 0.8]]))
    once = mean(shaken(low, (5, 1)))
    first = contrast(shaken(low, (5, 1)), 0, DIFFERENCE)
    assert first is not None
    assert once.training == pytest.approx(first.training / 2)  # as of the one measure alone
    twice = shaken(low, (5, 2))
    sums = twice.trainings @ np.array([1.0, -1.0])
    found = combine(twice, {0: {1: 1.0}, 1: {1: -1.0}})
    assert found is not None
    assert found.training == pytest.approx(sums[5:].std(ddof=1) / np.sqrt(2))  # its own, little as it is


def test_a_single_training_shows_no_noise_of_a_sum(zoo: Zoo) -> None:
    alone = shaken(zoo, (1, 1))
    assert np.isnan(mean(alone).training)
    assert mean(alone).high - mean(alone).value == pytest.approx(1.96 * mean(alone).sampling, rel=1e-3)


def test_where_not_every_measure_has_two_trainings_their_noise_is_added(zoo: Zoo) -> None:
    some = shaken(zoo, (3, 1))
    trainings = some.trainings.copy()
    trainings[0, 0], trainings[1, 1] = nan, nan  # two trainings on each measure, one on both
    holed = told(zoo, trainings, some.models)
    each = [contrast(holed, measure, DIFFERENCE) for measure in (0, 1)]
    assert mean(holed).training == pytest.approx(sum(effect.training for effect in each if effect) / 2)


def test_an_ensemble_has_a_share_of_the_noise_of_the_sum(evidence: Make) -> None:
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
