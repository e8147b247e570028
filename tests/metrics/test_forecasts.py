import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, log_loss

from assay.errors import BadValueError
from assay.metrics.forecasts import interval_score_each, log_score_each, murphy_parts, squared_error_each
from assay.metrics.proper_scores import brier_decomposition
from assay.randomness import derive

P = torch.randn(300, 4, generator=derive(0, "p"), dtype=torch.float64).softmax(1)
Y = torch.randint(4, (300,), generator=derive(0, "y"))


def test_squared_error_by_hand() -> None:
    p = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]], dtype=torch.float64)
    # 0.3^2 + 0.2^2 + 0.1^2 = 0.14, and 0.5^2 + 0.75^2 + 0.25^2 = 0.875.
    assert squared_error_each(p, torch.tensor([0, 1])).tolist() == pytest.approx([0.14, 0.875], abs=1e-12)


def test_squared_error_is_the_sum_of_sklearns_over_classes() -> None:
    expected = sum(brier_score_loss(Y.eq(k), P[:, k]) for k in range(4))
    assert float(squared_error_each(P, Y).mean()) == pytest.approx(expected, abs=1e-12)


def test_log_score_equals_sklearn() -> None:
    happened = P.gather(1, Y[:, None])[:, 0]
    assert float(log_score_each(happened).mean()) == pytest.approx(log_loss(Y, P, labels=range(4)), abs=1e-12)


def test_log_score_of_certainty_and_of_the_impossible() -> None:
    certain, half, impossible = log_score_each(torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)).tolist()
    assert math.copysign(1, certain) == 1  # 0, not -0
    assert certain == 0
    assert half == pytest.approx(math.log(2))
    assert impossible == math.inf


def test_interval_score_by_hand() -> None:
    low, high = torch.tensor([0.0, 0.0, 0.0]), torch.tensor([10.0, 10.0, 10.0])
    outcome = torch.tensor([10.0, -1.0, 13.0])
    # alpha = 0.2: the width 10, and 2 / 0.2 = 10 for each unit outside; the ends belong to the interval.
    assert interval_score_each(low, high, outcome, 0.8).tolist() == pytest.approx([10, 20, 40])


def test_true_quantiles_minimise_the_interval_score() -> None:
    x = torch.from_numpy(norm.ppf((np.arange(20_000) + 0.5) / 20_000))
    tail = float(norm.ppf(0.95))

    def mean(low: float, high: float) -> float:
        return float(interval_score_each(torch.full_like(x, low), torch.full_like(x, high), x, 0.9).mean())

    best = mean(-tail, tail)
    # Gneiting and Raftery's score of the true normal interval is 4 / alpha times the density at its end.
    assert best == pytest.approx(4 / 0.1 * norm.pdf(tail), rel=1e-3)
    assert all(mean(-tail + a, tail + b) > best for a in (-0.2, 0.2) for b in (-0.2, 0.2))


@pytest.mark.parametrize(("low", "high", "level"), [(1.0, 0.0, 0.9), (0.0, 1.0, 1.0), (0.0, math.nan, 0.9)])
def test_interval_score_refuses(low: float, high: float, level: float) -> None:
    with pytest.raises(BadValueError):
        interval_score_each(torch.tensor([low]), torch.tensor([high]), torch.tensor([0.0]), level)


@given(examples=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), bins=st.integers(1, 20))
def test_murphys_parts_sum_to_the_refinement_for_any_binning(examples: list[tuple[float, bool]], bins: int) -> None:
    c = torch.tensor([confidence for confidence, _ in examples], dtype=torch.float64)
    y = torch.tensor([correct for _, correct in examples])
    parts = murphy_parts(c, y, bins)
    assert parts.resolution >= 0
    whole = parts.uncertainty - parts.resolution + parts.within_bins
    assert whole == pytest.approx(brier_decomposition(c, y, bins).refinement, abs=1e-12)


def test_murphy_by_hand() -> None:
    # 0.2 came true in 1 of 4, 0.8 in 3 of 4; a = 1/2: uncertainty 1/4, resolution (1/4)^2; nothing inside the bins.
    c = torch.tensor([0.2] * 4 + [0.8] * 4, dtype=torch.float64)
    y = torch.tensor([1, 0, 0, 0, 1, 1, 1, 0])
    assert murphy_parts(c, y) == pytest.approx((0.25, 0.0625, 0.0), abs=1e-12)


def test_one_bin_has_no_resolution() -> None:
    c, y = torch.tensor([0.1, 0.9], dtype=torch.float64), torch.tensor([0, 1])
    parts = murphy_parts(c, y, 1)
    assert parts.resolution == 0
    # Var(c) - 2 Cov(c, y) = 0.16 - 2 * 0.2.
    assert parts.within_bins == pytest.approx(0.16 - 0.4)
