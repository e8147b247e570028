import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from assay.errors import BadValueError
from assay.metrics.proper_scores import brier, brier_decomposition, brier_top_label, nll, nll_each
from assay.randomness import derive

LOGITS = 3 * torch.randn(400, 5, generator=derive(0, "logits"), dtype=torch.float64)
LABELS = torch.randint(5, (400,), generator=derive(0, "labels"))


def test_nll_equals_sklearn() -> None:
    expected = log_loss(LABELS, LOGITS.softmax(1), labels=list(range(5)))
    assert nll(LOGITS, LABELS) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("label", [0, 4])
def test_one_class_in_a_batch_equals_sklearn(label: int) -> None:
    labels, p = torch.full((400,), label), LOGITS.softmax(1)
    assert nll(LOGITS, labels) == pytest.approx(log_loss(labels, p, labels=list(range(5))), abs=1e-12)
    expected = brier_score_loss(labels, p, labels=list(range(5)), scale_by_half=False)
    assert brier(LOGITS, labels) == pytest.approx(expected, abs=1e-12)


def test_nll_of_a_certain_error_is_the_gap_of_the_logits() -> None:
    assert nll(torch.tensor([[1000.0, 0.0]]), torch.tensor([1])) == pytest.approx(1000)


def test_nll_does_not_change_when_all_logits_rise() -> None:
    assert nll_each(LOGITS + 50, LABELS).allclose(nll_each(LOGITS, LABELS))


def test_brier_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]], dtype=torch.float64))
    # 0.3^2 + 0.2^2 + 0.1^2 = 0.14, and 0.5^2 + 0.75^2 + 0.25^2 = 0.875.
    assert brier(logits, torch.tensor([0, 1])) == pytest.approx((0.14 + 0.875) / 2, abs=1e-12)


def test_brier_of_two_classes_is_twice_the_binary_one() -> None:
    logits, labels = LOGITS[:, :2], LABELS % 2
    assert brier(logits, labels) == pytest.approx(2 * brier_score_loss(labels, logits.softmax(1)[:, 1]), abs=1e-12)


def test_top_label_brier_equals_sklearn() -> None:
    confidence, predicted = LOGITS.softmax(1).max(1)
    correct = predicted == LABELS
    expected = brier_score_loss(correct, confidence)
    assert brier_top_label(confidence, correct) == pytest.approx(expected, abs=1e-12)


@given(examples=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50), bins=st.integers(1, 20))
def test_the_two_parts_sum_to_the_score_for_any_binning(examples: list[tuple[float, bool]], bins: int) -> None:
    confidence = torch.tensor([c for c, _ in examples], dtype=torch.float64)
    correct = torch.tensor([y for _, y in examples])
    parts = brier_decomposition(confidence, correct, bins)
    assert parts.calibration >= 0
    assert parts.refinement >= 0
    assert sum(parts) == pytest.approx(brier_top_label(confidence, correct), abs=1e-12)


def test_one_confidence_a_bin_gives_murphys_decomposition() -> None:
    confidence = torch.tensor([0.2] * 10 + [0.8] * 10, dtype=torch.float64)
    correct = torch.tensor([1] * 4 + [0] * 6 + [1] * 9 + [0])
    parts = brier_decomposition(confidence, correct, 10)
    assert parts.calibration == pytest.approx(0.5 * 0.2**2 + 0.5 * 0.1**2, abs=1e-12)
    assert parts.refinement == pytest.approx(0.5 * 0.4 * 0.6 + 0.5 * 0.9 * 0.1, abs=1e-12)


@pytest.mark.parametrize("metric", [nll, brier])
def test_bad_input_is_refused(metric: object) -> None:
    assert callable(metric)
    with pytest.raises(BadValueError, match="finite"):
        metric(torch.tensor([[math.inf, 0.0]]), torch.tensor([0]))
    with pytest.raises(BadValueError, match=r"0\.\.1"):
        metric(torch.zeros(1, 2), torch.tensor([2]))
