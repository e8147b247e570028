import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from assay.analysis.correlations import correlate, interval, spearman
from assay.analysis.zoo import Floats

PAIRS = arrays(np.float64, st.tuples(st.integers(4, 15), st.just(2)), elements=st.integers(0, 6).map(float))


@given(PAIRS)
def test_agrees_with_scipy(pair: Floats) -> None:
    x, y = pair.T
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert np.isnan(spearman(x, y))
    else:
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_interval_by_hand() -> None:
    # atanh(0.5) = 0.549306; sqrt((1 + 0.125) / 27) = 0.204124, times 1.959964 = 0.400076
    low, high = interval(0.5, 30)
    assert (low, high) == pytest.approx((np.tanh(0.149230), np.tanh(0.949382)), abs=1e-6)
    assert interval(-0.5, 30) == pytest.approx((-high, -low))


def test_interval_of_a_perfect_correlation_has_width() -> None:
    low, high = interval(1.0, 4)
    assert high == 1.0
    assert low < 0  # four recipes show little
    assert 0.99 < interval(1.0, 500)[0] < 1
    assert interval(-1.0, 4) == (-1.0, -low)


def test_interval_covers() -> None:
    random, n, rho = np.random.default_rng(0), 25, 0.6
    truth = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's rho of a bivariate normal
    hits = 0
    for _ in range(1000):
        x = random.standard_normal(n)
        low, high = interval(spearman(x, rho * x + np.sqrt(1 - rho**2) * random.standard_normal(n)), n)
        hits += low <= truth <= high
    assert 925 <= hits <= 975


def test_pairs_take_the_recipes_that_have_both_axes() -> None:
    values = np.array([[1, 4, 1], [2, 3, 1], [3, 2, 1], [4, 1, 1], [5, np.nan, 1], [np.nan, 0, 1]], dtype=float)
    first, second, third = correlate(values)
    assert (first.first, first.second, first.n, first.rho) == (0, 1, 4, -1.0)
    assert (second.rho, second.reason) == (None, "all recipes have the same value on one of the axes")
    assert third.n == 5
    few = correlate(values, [0, 1, 2, 4])[0]
    assert (few.rho, few.low, few.n) == (None, None, 3)
    assert few.reason == "3 recipes have both axes; an interval needs at least 4"
