import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadValueError
from assay.metrics.rejection import answered_at, aurc, aurc_interval, excess_aurc, risk_coverage

SCORES = torch.tensor([0.1, 0.2, 0.2, 0.7])
WRONG = torch.tensor([0, 1, 0, 1])


def naive(scores: list[float], wrong: list[int]) -> float:
    total = 0.0
    for threshold in scores:
        taken = [error for score, error in zip(scores, wrong, strict=True) if score <= threshold]
        total += sum(taken) / len(taken)
    return total / len(scores)


def test_by_hand() -> None:
    """Answered are 1, then the two that tie, then all: risks 0, 1/3 twice, 1/2."""
    curve = risk_coverage(SCORES, WRONG)
    torch.testing.assert_close(curve.coverage, torch.tensor([0.25, 0.75, 1], dtype=torch.float64))
    torch.testing.assert_close(curve.risk, torch.tensor([0, 1 / 3, 1 / 2], dtype=torch.float64))
    assert aurc(SCORES, WRONG) == pytest.approx((0 + 1 / 3 + 1 / 3 + 1 / 2) / 4, abs=1e-12)
    best = (0 + 0 + 1 / 3 + 2 / 4) / 4
    assert excess_aurc(SCORES, WRONG) == pytest.approx(aurc(SCORES, WRONG) - best, abs=1e-12)
    assert [answered_at(SCORES, WRONG, c) for c in (0.25, 0.26, 0.5, 0.75, 1.0)] == [
        (1, 0), (3, 1), (3, 1), (3, 1), (4, 2),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=12))
def test_against_a_loop(pairs: list[tuple[int, int]]) -> None:
    scores, wrong = [float(s) for s, _ in pairs], [w for _, w in pairs]
    assert aurc(torch.tensor(scores), torch.tensor(wrong)) == pytest.approx(naive(scores, wrong), abs=1e-12)


def test_no_order_of_the_answers_is_better_than_the_best() -> None:
    wrong = torch.tensor([0, 1, 0, 1, 0])
    orders = [excess_aurc(torch.tensor(order), wrong) for order in itertools.permutations(range(5))]
    assert min(orders) == pytest.approx(0, abs=1e-12)
    assert max(orders) > 0.3


def test_one_score_for_all_has_the_error_rate_as_its_area_and_no_errors_have_none() -> None:
    wrong = torch.tensor([1, 0, 0, 0])
    assert aurc(torch.ones(4), wrong) == 0.25
    assert aurc(torch.rand(4), torch.zeros(4)) == 0
    assert excess_aurc(torch.ones(4), torch.ones(4)) == 0


@pytest.mark.parametrize(("n", "coverage", "images"), [(10, 0.7, 7), (100, 0.29, 29), (3, 1 / 3, 1), (7, 0.5, 4)])
def test_a_whole_share_is_met_exactly_whatever_the_rounding(n: int, coverage: float, images: int) -> None:
    assert answered_at(torch.arange(n), torch.zeros(n), coverage).images == images


def test_the_interval_is_that_of_a_bootstrap_by_hand() -> None:
    g = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 30, (200,), generator=g).float()
    wrong = (torch.rand(200, generator=g) < scores / 60).int()
    low, high = aurc_interval(scores, wrong, torch.Generator().manual_seed(1))
    draws = torch.Generator().manual_seed(2)
    found = []
    for _ in range(400):
        drawn = torch.randint(200, (200,), generator=draws)
        found.append(aurc(scores[drawn], wrong[drawn]))
    ends = torch.tensor(found).quantile(torch.tensor([0.025, 0.975]))
    assert low < aurc(scores, wrong) < high
    assert (low, high) == pytest.approx(tuple(ends.tolist()), rel=0.12)


@pytest.mark.parametrize(
    ("scores", "wrong", "message"),
    [
        ([], [], "scores: expected shape"),
        ([1.0], [1, 0], r"wrong: expected shape \(1,\) as scores"),
        ([1.0, float("nan")], [0, 1], "scores: expected finite numbers"),
        ([1.0, 2.0], [0, 2], "wrong: expected 0 or 1"),
    ],
)
def test_bad_input(scores: list[float], wrong: list[int], message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        aurc(torch.tensor(scores), torch.tensor(wrong))
    with pytest.raises(BadValueError, match=r"coverage: expected a number in \(0, 1\], got 0"):
        answered_at(SCORES, WRONG, 0)
