from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assay.analysis.build import build_zoo
from assay.analysis.contrasts import Terms, contrast, contrasts
from assay.analysis.effects import Effect, compare
from assay.analysis.false_discovery import adjust
from assay.analysis.training_noise import KnownNoise, noise_of_sum, training_noise
from assay.analysis.zoo import Floats, Key, Zoo
from assay.errors import BadValueError
from assay.results import Results

B = 400


def zoo_of(
    values: Floats,
    draws: Floats,
    *,
    seeds: Floats | None = None,
    spread: Floats | None = None,
    families: Sequence[str] | None = None,
    members: Mapping[int, int] | None = None,
    metric: str = "",
    higher_is_better: bool | None = True,
) -> Zoo:
    """A zoo with the baseline first, from values (R, M) and draws (R, M, B); `members` are those of ensembles."""
    recipes, measures = values.shape
    labels = ("baseline", *(f"r{place}" for place in range(1, recipes)))
    counts = np.ones(values.shape, dtype=np.int64) if seeds is None else seeds.astype(np.int64)
    own = np.full(values.shape, np.nan) if spread is None else spread
    return Zoo(
        recipes=labels,
        baseline=0,
        families=labels if families is None else tuple(families),
        parameters=tuple({"ensemble.members": float((members or {}).get(place, 1))} for place in range(recipes)),
        keys=tuple(Key("made up", metric, (("place", float(place)),)) for place in range(measures)),
        higher_is_better=(higher_is_better,) * measures,
        values=values,
        draws=draws.astype(np.float32),
        seeds=counts,
        spread=own,
        noise=own[0],
        replicates=counts[0],
        reasons={},
    )


def simple(difference: float = 0.02, spread: float = 0.01, trainings: int = 5, sampling: float = 0.004) -> Zoo:
    """Two recipes: the baseline with several trainings and one other, whose draws differ by noise of known size."""
    steps = stats.norm.ppf((np.arange(B) + 0.5) / B)
    draws = np.stack([np.zeros(B), steps / steps.std(ddof=1) * sampling])[:, None] + 0.5
    values = np.array([[0.5], [0.5 + difference]])
    return zoo_of(values, draws, seeds=np.array([[trainings], [1]]), spread=np.array([[spread], [np.nan]]))


def test_a_difference_in_closed_form() -> None:
    effect = contrast(simple(), 0, {1: 1, 0: -1})
    assert effect is not None
    training = 0.01**2 * (1 + 1 / 5)
    error = (0.004**2 + training) ** 0.5
    freedom = error**4 / (training**2 / 4)
    half = stats.t.ppf(0.975, freedom) * error
    assert effect.value == pytest.approx(0.02)
    assert effect.sampling == pytest.approx(0.004, rel=1e-4)
    assert effect.training == pytest.approx(training**0.5)
    assert (effect.low, effect.high) == pytest.approx((0.02 - half, 0.02 + half), rel=1e-4)
    assert effect.p == pytest.approx(2 * stats.t.sf(0.02 / error, freedom), rel=1e-4)


def test_without_sampling_noise_it_is_student_s_prediction_of_one_more_training() -> None:
    """One training against the mean of K: the t interval s sqrt(1 + 1 / K) with K - 1 degrees of freedom."""
    effect = contrast(simple(sampling=0), 0, {1: 1, 0: -1})
    assert effect is not None
    assert effect.high - effect.value == pytest.approx(stats.t.ppf(0.975, 4) * 0.01 * 1.2**0.5)


def test_without_training_noise_it_is_the_normal_interval_of_the_draws() -> None:
    effect = contrast(simple(spread=0), 0, {1: 1, 0: -1})
    assert effect is not None
    assert effect.training == 0
    assert effect.high - effect.value == pytest.approx(1.959964 * 0.004, rel=1e-4)


def test_unknown_training_noise_leaves_sampling_alone_and_says_so() -> None:
    zoo = simple(spread=np.nan, trainings=1)
    effect = contrast(zoo, 0, {1: 1, 0: -1})
    assert effect is not None
    assert np.isnan(effect.training)
    assert effect.high - effect.value == pytest.approx(1.959964 * 0.004, rel=1e-4)
    assert compare(zoo)[0].sampling_alone
    assert not compare(simple())[0].sampling_alone


def test_without_draws_nothing_is_judged() -> None:
    zoo = replace(simple(), draws=np.full((2, 1, B), np.nan, dtype=np.float32))
    (found,) = compare(zoo)
    assert found.verdict == "unjudged"
    assert found.effect.value == pytest.approx(0.02)
    assert np.isnan([found.effect.low, found.effect.high, found.effect.p, found.adjusted]).all()


def test_a_missing_value_gives_no_effect() -> None:
    zoo = simple()
    zoo.values[1, 0] = np.nan
    assert contrast(zoo, 0, {1: 1, 0: -1}) is None
    assert compare(zoo) == []
    with pytest.raises(BadValueError, match="at least one recipe"):
        contrast(zoo, 0, {})


def test_equal_numbers_without_noise_are_equal() -> None:
    (found,) = compare(simple(difference=0, spread=0, sampling=0))
    assert found.effect == Effect(0, 0, 0, 1, 0, 0)
    assert found.verdict == "noise"


@pytest.mark.parametrize(
    ("difference", "higher_is_better", "verdict"),
    [
        (0.2, True, "better"),
        (-0.2, True, "worse"),
        (0.2, False, "worse"),
        (-0.2, False, "better"),
        (0.001, True, "noise"),
        (0.2, None, "unjudged"),
    ],
)
def test_verdicts(difference: float, higher_is_better: bool | None, verdict: str) -> None:
    zoo = replace(simple(difference), higher_is_better=(higher_is_better,))
    assert compare(zoo)[0].verdict == verdict


def test_a_shift_of_all_draws_changes_nothing() -> None:
    """Draws of calibration errors lie above their estimate."""
    zoo = simple()
    moved = replace(zoo, draws=zoo.draws + np.array([0, 0.25], dtype=np.float32)[:, None, None])
    one, other = (contrast(item, 0, {1: 1, 0: -1}) for item in (zoo, moved))
    assert one is not None
    assert other == pytest.approx(one, rel=1e-4)


def test_pairing_narrows_what_models_have_in_common() -> None:
    rng = np.random.default_rng(0)
    common = 0.05 * rng.standard_normal(B)
    draws = 0.5 + np.stack([common, common + 0.002 * rng.standard_normal(B)])[:, None]
    values = np.array([[0.5], [0.51]])
    paired = contrast(zoo_of(values, draws), 0, {1: 1, 0: -1})
    draws[1, 0] = draws[1, 0, rng.permutation(B)]
    unpaired = contrast(zoo_of(values, draws), 0, {1: 1, 0: -1})
    assert paired is not None
    assert unpaired is not None
    assert paired.sampling < unpaired.sampling / 10


def test_a_group_s_mean_has_less_noise_and_borrows_one_estimate() -> None:
    values = np.array([[0.5], [0.6], [0.7]])
    zoo = zoo_of(
        values,
        np.repeat(values[..., None], B, axis=2),
        seeds=np.array([[5], [1], [1]]),
        spread=np.array([[0.01], [np.nan], [np.nan]]),
    )
    effect = contrast(zoo, 0, {1: 0.5, 2: 0.5, 0: -1})
    assert effect is not None
    assert effect.value == pytest.approx(0.15)
    assert effect.training == pytest.approx(0.01 * (0.25 + 0.25 + 0.2) ** 0.5)
    assert effect.high - effect.value == pytest.approx(stats.t.ppf(0.975, 4) * effect.training)


def test_recipes_with_seeds_use_their_family_s_noise() -> None:
    seeds = np.array([[5], [3], [3], [2], [1], [1]])
    spread = np.array([[0.01], [0.03], [0.05], [0.02], [np.nan], [np.nan]])
    families = ("baseline", "pgd", "pgd", "mixup", "pgd", "cutout")
    zoo = zoo_of(np.zeros((6, 1)), np.zeros((6, 1, B)), seeds=seeds, spread=spread, families=families)
    found = training_noise(zoo)
    pooled = (2 * 0.03**2 + 2 * 0.05**2) / 4
    mixed = (1 * 0.02**2 + 4 * 0.01**2) / 5  # one degree of freedom is too few: pooled with the baseline's
    assert found.variance[:, 0] == pytest.approx([0.01**2, pooled, pooled, mixed, pooled, 0.01**2])
    assert found.freedom[:, 0] == pytest.approx([4, 4, 4, 5, 4, 4])
    assert found.source[0, 0] == found.source[5, 0] != found.source[1, 0]
    effect = contrast(zoo, 0, {1: 1, 0: -1})
    assert effect is not None
    assert effect.training == pytest.approx((pooled / 3 + 0.01**2 / 5) ** 0.5)


def borrowed(
    metric: str, values: Sequence[float], families: Sequence[str], spread: Sequence[float] | None = None
) -> Zoo:
    """Recipes beside a baseline of five trainings that hardly differ; a spread is that of two trainings."""
    own = np.array([0.0001, *([np.nan] * (len(values) - 1) if spread is None else spread)])[:, None]
    seeds = np.where(np.isnan(own), 1, 2)
    seeds[0] = 5
    table = np.array(values)[:, None]
    draws = table[:, :, None] + 0.001 * np.random.default_rng(0).standard_normal((len(values), 1, B))
    return zoo_of(table, draws, seeds=seeds, spread=own, families=families, metric=metric)


@pytest.mark.parametrize(
    ("metric", "values", "unknown"),
    [
        ("accuracy", (0.0, 0.005, 0.02, 0.9, 1.0), (False, False, True, True, True)),  # at the floor
        ("auroc", (0.996, 1.0, 0.97, 0.95, 0.0), (False, False, False, True, True)),  # at the ceiling
        ("fpr95", (0.008, 0.02, 0.07, 0.09, 0.9), (False, False, False, True, True)),
        ("accuracy", (0.02, 0.0, 0.5, 0.9, 1.0), (False,) * 5),  # with room on both sides
        ("ece", (0.0, 0.005, 0.02, 0.9, 1.0), (False,) * 5),  # no proportion
    ],
)
def test_noise_of_a_baseline_at_the_end_of_a_proportion_is_not_borrowed_far_from_it(
    metric: str, values: Sequence[float], unknown: Sequence[bool]
) -> None:
    zoo = borrowed(metric, values, ["baseline", "a", "b", "c", "d"])
    found = training_noise(zoo)
    assert np.isnan(found.variance[:, 0]).tolist() == list(unknown)
    assert np.isnan(found.freedom[:, 0]).tolist() == list(unknown)
    assert [one.sampling_alone for one in compare(zoo)] == list(unknown[1:])
    for one in compare(zoo):
        effect = contrast(zoo, 0, {one.recipe: 1, 0: -1})
        assert effect == pytest.approx(one.effect, rel=1e-4, abs=1e-7, nan_ok=True)


def test_far_from_that_end_a_family_has_its_own_noise_or_none() -> None:
    found = training_noise(
        borrowed("accuracy", (0.0, 0.9, 0.8, 0.001), ["baseline", *["pgd"] * 3], [0.02, np.nan, np.nan])
    )
    pooled = (0.02**2 + 4 * 0.0001**2) / 5  # the one at the floor may still take the baseline's too
    assert found.variance[:, 0] == pytest.approx([0.0001**2, 0.02**2, 0.02**2, pooled])
    assert found.freedom[:, 0].tolist() == [4, 1, 1, 5]
    assert len(set(found.source[[0, 1, 3], 0].tolist())) == 3
    assert found.source[1, 0] == found.source[2, 0]


def test_an_ensemble_has_the_noise_of_one_training_over_its_members() -> None:
    """Of a baseline and an ensemble with trainings of their own, and ensembles that borrow."""
    zoo = zoo_of(
        np.zeros((5, 1)),
        np.zeros((5, 1, B)),
        seeds=np.array([[5], [1], [3], [1], [1]]),
        spread=np.array([[0.01], [np.nan], [0.02], [np.nan], [np.nan]]),
        families=("baseline", "mixup", "ensemble", "ensemble", "ensemble > mixup"),
        members={2: 4, 3: 10, 4: 3},
    )
    found = training_noise(zoo)
    one = 4 * 0.02**2  # a network's, of which the ensemble of four shows a quarter
    assert found.variance[:, 0] == pytest.approx([0.01**2, 0.01**2, one / 4, one / 10, 0.01**2 / 3])
    assert found.freedom[:, 0].tolist() == [4, 4, 2, 2, 4]
    assert found.source[0, 0] == found.source[1, 0] == found.source[4, 0] != found.source[3, 0]
    assert found.source[2, 0] == found.source[3, 0]
    effect = contrast(zoo, 0, {4: 1, 0: -1})
    assert effect is not None
    assert effect.training == pytest.approx(0.01 * (1 / 3 + 1 / 5) ** 0.5)
    assert effect.high == pytest.approx(stats.t.ppf(0.975, 4) * effect.training)
    for comparison in compare(zoo):
        expected = contrast(zoo, 0, {comparison.recipe: 1, 0: -1})
        assert comparison.effect == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_two_trainings_of_the_baseline_have_one_degree_of_freedom() -> None:
    found = training_noise(simple(trainings=2))
    assert found.variance[:, 0] == pytest.approx([0.01**2] * 2)
    assert found.freedom[:, 0] == pytest.approx([1, 1])


def test_compare_gives_what_contrast_gives(made_up: Results) -> None:
    zoo = build_zoo(made_up)
    found = compare(zoo)
    assert len(found) == (len(zoo.recipes) - 1) * len(zoo.keys)
    for one in found[::13]:
        assert contrast(zoo, one.measure, {one.recipe: 1, 0: -1}) == pytest.approx(
            one.effect, rel=1e-4, abs=1e-7, nan_ok=True
        )
    pgd = zoo.recipes.index("pgd(eps=0.3, steps=40)")
    verdicts = {zoo.keys[one.measure].metric: one.verdict for one in found if one.recipe == pgd}
    assert verdicts["mce"] == "worse"
    worst = zoo.keys.index(Key("adversarial", "accuracy", (("attack", "worst_case"), ("eps", 0.2))))
    assert next(one for one in found if (one.recipe, one.measure) == (pgd, worst)).verdict == "better"


def test_compare_agrees_with_contrast_where_recipes_have_noise_of_their_own() -> None:
    rng = np.random.default_rng(5)
    zoo = zoo_of(
        rng.standard_normal((5, 2)),
        rng.standard_normal((5, 2, B)),
        seeds=np.array([[5, 5], [3, 3], [2, 1], [1, 1], [2, 2]]),
        spread=np.array([[1, 0], [0.5, 0.2], [0.1, np.nan], [np.nan, np.nan], [0.3, 0.3]]),
        families=("baseline", "a", "a", "b", "c"),
    )
    for one in compare(zoo):
        assert contrast(zoo, one.measure, {one.recipe: 1, 0: -1}) == pytest.approx(one.effect, rel=1e-5, abs=1e-7)


def test_many_contrasts_are_each_in_closed_form() -> None:
    rng = np.random.default_rng(6)
    zoo = zoo_of(
        rng.standard_normal((6, 1)),
        rng.standard_normal((6, 1, B)),
        seeds=np.array([[5], [3], [4], [1], [2], [1]]),
        spread=np.array([[1], [0.5], [0.1], [np.nan], [0.3], [np.nan]]),
        families=("baseline", "a", "a", "b", "c", "a"),
    )
    zoo.values[5] = np.nan
    recipes = np.array([rng.permutation(5)[:4] for _ in range(20)] + [[0, 5, 1, 2]])
    terms = Terms(recipes, rng.standard_normal(recipes.shape))
    *found, none = contrasts(zoo, 0, terms)
    assert none is None
    variance, freedom, source = (column[:, 0] for column in training_noise(zoo))
    for own, weights, effect in zip(*terms, found, strict=False):
        assert effect is not None
        each = weights**2 * variance[own] / zoo.seeds[own, 0]
        parts = {name: each[source[own] == name].sum() for name in source[own]}
        doubt = sum(part**2 / freedom[source == name][0] for name, part in parts.items())
        draws = weights @ zoo.draws[own, 0].astype(float)
        error = np.hypot(draws.std(ddof=1), sum(parts.values()) ** 0.5)
        half = stats.t.ppf(0.975, error**4 / doubt) * error
        assert effect.value == pytest.approx(weights @ zoo.values[own, 0])
        assert (effect.training**2, effect.high - effect.value) == pytest.approx((sum(parts.values()), half))


def test_without_a_baseline_nothing_is_compared() -> None:
    assert compare(replace(simple(), baseline=None)) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_adjusted_p_values_are_scipy_s(p: list[float]) -> None:
    np.testing.assert_allclose(adjust(np.array(p)), stats.false_discovery_control(p), atol=1e-12)


def test_what_was_not_tested_does_not_count() -> None:
    found = adjust(np.array([0.01, np.nan, 0.03]))
    assert found[[0, 2]] == pytest.approx([0.02, 0.03])
    assert np.isnan(found[1])


def simulated(
    rng: np.random.Generator, effects: Floats, *, trainings: int, scatter: float, n: int = 150, members: int = 1
) -> Zoo:
    """A linear model: a training's value = effect + its luck + mean over n images of shared and own noise.

    With `scatter` each training also has its own noise on every image. With `members` all recipes but the baseline are
    the mean of so many trainings.
    """
    recipes = len(effects)
    seeds = np.array([trainings] + [1] * (recipes - 1))
    shared, own = rng.standard_normal(n), rng.standard_normal((recipes, n))
    images, spread = [], np.full((recipes, 1), np.nan)
    for recipe, count in enumerate(seeds):
        luck = 0.1 * rng.standard_normal((count, members if recipe else 1)).mean(axis=1, keepdims=True)
        each = effects[recipe] + luck + shared + own[recipe] + scatter * rng.standard_normal((count, n))
        images.append(each.mean(0))
        if count > 1:
            spread[recipe] = each.mean(1).std(ddof=1)
    x = np.stack(images)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=B)
    return zoo_of(
        x.mean(1)[:, None],
        (x @ weights.T / n)[:, None],
        seeds=seeds[:, None],
        spread=spread,
        members=dict.fromkeys(range(1, recipes), members),
    )


@pytest.mark.parametrize(
    ("trainings", "scatter", "least", "most"), [(15, 0.0, 0.935, 0.965), (3, 0.0, 0.935, 0.985), (15, 2.0, 0.95, 0.995)]
)
def test_intervals_hold_the_truth(trainings: int, scatter: float, least: float, most: float) -> None:
    """Over 400 studies; where trainings scatter on single images this noise counts twice, and intervals are wider."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(400):
        truth = rng.standard_normal(5)
        for one in compare(simulated(rng, truth, trainings=trainings, scatter=scatter)):
            held.append(one.effect.low <= truth[one.recipe] - truth[0] <= one.effect.high)
    assert least <= np.mean(held) <= most


@pytest.mark.parametrize("members", [3, 15])
def test_intervals_of_ensembles_hold_the_truth_and_are_no_wider_than_they_must(members: int) -> None:
    rng = np.random.default_rng(4)
    held = []
    for _ in range(400):
        truth = rng.standard_normal(5)
        for one in compare(simulated(rng, truth, trainings=15, scatter=0, members=members)):
            held.append(one.effect.low <= truth[one.recipe] - truth[0] <= one.effect.high)
    assert 0.93 <= np.mean(held) <= 0.965


def test_sampling_alone_flatters() -> None:
    rng = np.random.default_rng(2)
    held = []
    for _ in range(200):
        zoo = simulated(rng, np.zeros(3), trainings=1, scatter=0)
        held += [one.effect.low <= 0 <= one.effect.high for one in compare(zoo)]
    assert np.mean(held) < 0.92


def test_few_null_studies_find_anything() -> None:
    """With no true difference the false discovery rate is the chance that anything at all is called one."""
    rng = np.random.default_rng(3)
    false = [
        any(one.verdict != "noise" for one in compare(simulated(rng, np.zeros(20), trainings=15, scatter=0)))
        for _ in range(300)
    ]
    assert np.mean(false) <= 0.08


def test_noise_that_is_kept_is_that_which_is_worked_out_anew(made_up: Results) -> None:
    zoo = build_zoo(made_up)
    known, weights = KnownNoise(zoo), {0: 0.5, 1: -0.5}
    for measure in range(len(zoo.keys)):
        for kept, anew in zip(known.of(measure), training_noise(zoo, [measure]), strict=True):
            np.testing.assert_array_equal(kept, anew)
    for found in (known.of_sum(weights), known.of_sum(weights)):
        for kept, anew in zip(found, noise_of_sum(zoo, weights), strict=True):
            np.testing.assert_array_equal(kept, anew)
