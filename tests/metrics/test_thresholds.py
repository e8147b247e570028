import pytest
import torch
from scipy.stats import binom

from assay.errors import BadValueError
from assay.metrics.thresholds import threshold_at_fpr


def test_by_hand() -> None:
    """Of 19 scores 1..19, one in twenty is promised by the highest, two by the second highest."""
    scores = torch.arange(1, 20)
    assert threshold_at_fpr(scores, 0.05) == (19.0, 1, 19)
    assert threshold_at_fpr(scores, 0.1) == (18.0, 2, 19)
    assert threshold_at_fpr(scores, 0.149).rank == 2
    assert threshold_at_fpr(scores, 0.05).rate == 0.05
    assert threshold_at_fpr(torch.arange(5), 1 - 1e-12).rank == 5


def test_ties_never_flag_more_than_the_rank() -> None:
    scores = torch.tensor([0.0] * 90 + [1.0] * 10)
    assert threshold_at_fpr(scores, 0.2) == (1.0, 10, 100)
    assert threshold_at_fpr(scores, 0.1) == (1.0, 10, 100)
    with pytest.raises(BadValueError, match="10 of 100 validation scores are equal and the highest"):
        threshold_at_fpr(scores, 0.05)


@pytest.mark.parametrize(("n", "fpr"), [(199, 0.05), (99, 0.01), (500, 0.02)])
def test_the_promise_holds_over_draws_of_validation_and_test(n: int, fpr: float) -> None:
    """The mean rate is at most the wanted one, and 95 % of the rates lie in the promised interval, or a little more."""
    g = torch.Generator().manual_seed(0)
    rates, inside, trials, images = [], 0, 2000, 300
    for _ in range(trials):
        threshold = threshold_at_fpr(torch.randn(n, generator=g), fpr)
        rate = float((torch.randn(images, generator=g) >= threshold.value).float().mean())
        low, high = threshold.promised(images)
        inside += low - 1e-9 <= rate <= high + 1e-9
        rates.append(rate)
    spread = (fpr / images + fpr / n) ** 0.5 / trials**0.5
    assert abs(sum(rates) / trials - threshold.rate) < 4 * spread
    assert threshold.rate <= fpr
    assert 0.94 <= inside / trials <= 0.995


def test_with_endless_validation_the_promise_is_binomial() -> None:
    low, high = threshold_at_fpr(torch.arange(4_000_000), 0.05).promised(1000)
    expected = (binom.ppf(0.025, 1000, 0.05) / 1000, binom.ppf(0.975, 1000, 0.05) / 1000)
    assert (low, high) == pytest.approx(expected, abs=0.0011)


def test_bad_input() -> None:
    with pytest.raises(BadValueError, match=r"fpr: expected at least 1 / \(N \+ 1\) = 0.091 with N = 10 validation"):
        threshold_at_fpr(torch.arange(10), 0.05)
    with pytest.raises(BadValueError, match=r"fpr: expected a number in \(0, 1\), got 1"):
        threshold_at_fpr(torch.arange(10), 1)
    with pytest.raises(BadValueError, match="validation: expected finite numbers"):
        threshold_at_fpr(torch.tensor([1.0, float("inf")]), 0.4)
    with pytest.raises(BadValueError, match="promised: expected images >= 1"):
        threshold_at_fpr(torch.arange(100), 0.05).promised(0)
