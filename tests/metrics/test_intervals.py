import math

import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadValueError
from assay.metrics.intervals import (
    across_seeds,
    bootstrap_blocks,
    bootstrap_weights,
    normal_quantile,
    paired_difference,
    percentile_interval,
    wilson,
)
from assay.randomness import derive


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (1, 1), (7, 10), (9930, 10_000), (3, 10_000)])
def test_wilson_equals_scipy(successes: int, n: int, level: float) -> None:
    expected = scipy.stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert wilson(successes, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(n=st.integers(1, 10**6), data=st.data())
def test_wilson_holds_the_proportion_and_mirrors(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert low < high
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize(("successes", "n"), [(-1, 10), (11, 10), (0, 0)])
def test_wilson_refuses_impossible_counts(successes: int, n: int) -> None:
    with pytest.raises(BadValueError, match=r"expected a count in 0\.\.n"):
        wilson(successes, n)


def test_normal_quantile_of_95_percent() -> None:
    assert normal_quantile(0.95) == pytest.approx(1.959963984540054, abs=1e-12)
    with pytest.raises(BadValueError, match="level"):
        normal_quantile(1.0)


def test_weights_are_counts_of_n_draws() -> None:
    weights = bootstrap_weights(50, 400, derive(0, "weights"))
    assert weights.shape == (400, 50)
    assert weights.dtype == torch.float32
    assert bool((weights.sum(1) == 50).all())
    assert bool((weights == weights.round()).all())
    # A count is Binomial(50, 1 / 50): mean 1, variance 0.98; 20,000 counts put the variance within 0.05.
    assert float(weights.var()) == pytest.approx(0.98, abs=0.05)


@pytest.mark.parametrize("block", [1, 70, 10**9])
def test_weights_do_not_depend_on_the_block(block: int) -> None:
    blocks = list(bootstrap_blocks(30, 11, derive(1), block=block))
    assert all(len(rows) * 30 <= max(block, 30) for rows in blocks)
    assert torch.equal(torch.cat(blocks), bootstrap_weights(30, 11, derive(1)))


def test_bootstrap_refuses_an_empty_set() -> None:
    with pytest.raises(BadValueError, match="n >= 1"):
        bootstrap_weights(0, 10, derive(0))


def test_percentile_interval_of_evenly_spaced_values() -> None:
    assert percentile_interval(torch.linspace(0, 1, 1001)) == pytest.approx((0.025, 0.975), abs=1e-6)
    assert percentile_interval(torch.linspace(0, 1, 1001), 0.5) == pytest.approx((0.25, 0.75), abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 41, 1000])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_percentile_interval_is_torch_quantile_to_the_bit(count: int, level: float) -> None:
    values = torch.randn(count, generator=derive(count), dtype=torch.float64)
    ends = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    assert list(percentile_interval(values, level)) == torch.quantile(values, ends).tolist()


@pytest.mark.parametrize("values", [torch.empty(0), torch.tensor([0.0, math.nan])])
def test_percentile_interval_refuses_nothing_and_nan(values: torch.Tensor) -> None:
    with pytest.raises(BadValueError, match="finite numbers"):
        percentile_interval(values)


def test_paired_difference_has_the_standard_error_of_the_differences() -> None:
    generator = derive(2)
    a = torch.randn(2000, generator=generator)
    b = a + 0.1 + 0.01 * torch.randn(2000, generator=generator)
    value, low, high = paired_difference(a, b, derive(3))
    assert value == pytest.approx(-0.1, abs=0.001)
    # Pairing removes the spread of a: the half width is 1.96 * 0.01 / sqrt(2000), not 1.96 * sqrt(2 / 2000).
    assert (high - low) / 2 == pytest.approx(1.96 * 0.01 / math.sqrt(2000), rel=0.1)
    assert low < value < high


def test_paired_difference_of_equal_models_is_exactly_zero() -> None:
    a = torch.rand(100, generator=derive(4))
    assert paired_difference(a, a.clone(), derive(5)) == (0.0, 0.0, 0.0)


def test_paired_difference_refuses_unpaired_values() -> None:
    with pytest.raises(BadValueError, match="two"):
        paired_difference(torch.zeros(3), torch.zeros(4), derive(0))
    with pytest.raises(BadValueError, match="finite"):
        paired_difference(torch.tensor([math.inf]), torch.zeros(1), derive(0))


def test_across_seeds_equals_scipy() -> None:
    values = [0.991, 0.993, 0.990, 0.995, 0.992]
    expected = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert across_seeds(values) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, math.nan]])
def test_across_seeds_needs_two_finite_values(values: list[float]) -> None:
    with pytest.raises(BadValueError, match="at least two"):
        across_seeds(values)
