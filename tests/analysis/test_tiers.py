from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assay.analysis.tiers import optimal_splits, tiers
from assay.analysis.zoo import Floats
from assay.errors import BadValueError


def squares(points: Floats, counts: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    total = 0.0
    for tier in set(labels.tolist()):
        own = np.repeat(points[labels == tier], counts[labels == tier].astype(int))
        total += float(((own - own.mean()) ** 2).sum())
    return total


def brute_force(points: Floats, counts: NDArray[np.int64], k: int) -> float:
    """The least sum of squares over every way to cut the sorted points into k runs."""
    cuts = combinations(range(1, len(points)), k - 1)
    where = np.arange(len(points))
    return min(squares(points, counts, np.searchsorted(np.array(cut), where, side="right").astype(int)) for cut in cuts)


@given(st.dictionaries(st.integers(-20, 20).map(lambda k: k / 7), st.integers(1, 3), min_size=1, max_size=8))
def test_splits_are_optimal(values: dict[float, int]) -> None:
    points = np.array(sorted(values))
    counts = np.array([values[float(point)] for point in points])
    for k, labels in enumerate(optimal_splits(points, counts, len(points)), start=1):
        assert labels.tolist() == sorted(labels.tolist())
        assert set(labels.tolist()) == set(range(k))
        assert squares(points, counts, labels) == pytest.approx(brute_force(points, counts, k), abs=1e-9)


def test_far_apart_values_near_each_other_keep_their_digits() -> None:
    points = 1e6 + np.array([0.0, 1e-3, 5e-3, 6e-3])
    assert optimal_splits(points, np.ones(4, dtype=np.int64), 2)[1].tolist() == [0, 0, 1, 1]


def test_clear_groups_are_found() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(centre, 0.01, 20) for centre in (0.1, 0.5, 0.9)])
    found = tiers(random.permutation(values), noise=0.005)
    assert len(found.means) == 3
    assert found.means == pytest.approx((0.1, 0.5, 0.9), abs=0.01)
    assert np.bincount(found.labels).tolist() == [20, 20, 20]


@pytest.mark.parametrize("n", [9, 30, 150])
def test_one_cloud_is_one_tier(n: int) -> None:
    clouds = [np.random.default_rng(seed).normal(size=n) for seed in range(40)]
    assert sum(len(tiers(cloud, noise=0.01).means) > 1 for cloud in clouds) <= 2


@pytest.mark.parametrize("n", [9, 30, 150])
def test_an_even_spread_seldom_has_tiers(n: int) -> None:
    """The hardest single group, given tiers in 5 % of cases: 6 or more of 40 have a chance of 1.4 %."""
    clouds = [np.random.default_rng(seed).random(size=n) for seed in range(40)]
    assert sum(len(tiers(cloud, noise=0.01).means) > 1 for cloud in clouds) <= 5


def test_gaps_of_two_points() -> None:
    """With W_1 / n = 1/4 and W_2 = 0 raised to the noise, against even spreads drawn anew."""
    gaps = tiers(np.repeat([0.0, 1.0], 10), noise=0.1).gaps
    random = np.random.default_rng(0)
    even = np.sort(random.random((400, 20)), axis=1)
    assert gaps[0] == pytest.approx(np.log(even.var(axis=1)).mean() - np.log(0.25), abs=0.15)
    cuts = [even[:, :k].var(axis=1) * k + even[:, k:].var(axis=1) * (20 - k) for k in range(1, 20)]
    second = np.maximum(np.min(cuts, axis=0) / 20, 0.01)
    assert gaps[1] == pytest.approx(np.log(second).mean() - np.log(0.01), abs=0.15)


def test_values_within_noise_are_one_tier() -> None:
    values = np.repeat([0.990, 0.992], 10)
    assert len(tiers(values, noise=0.002).means) == 1
    assert len(tiers(values, noise=0.0001).means) == 2
    assert len(tiers(np.full(30, 0.99), noise=1e-9).means) == 1


def test_missing_values_have_no_tier() -> None:
    found = tiers(np.array([0.0, np.nan, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]), noise=0.01)
    assert found.labels.tolist() == [0, -1, 1, 0, 1, 0, 1, 0, 1]
    assert found.means == (0.0, 1.0)
    assert len(found.gaps) == 2


def test_noise_must_be_known() -> None:
    for values, noise in ((np.array([1.0]), 0.0), (np.array([1.0]), float("nan")), (np.array([np.nan]), 1.0)):
        with pytest.raises(BadValueError, match="noise > 0"):
            tiers(values, noise)
