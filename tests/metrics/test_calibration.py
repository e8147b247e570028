import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.calibration import (
    adaptive_calibration_error,
    confidence_histogram,
    expected_calibration_error,
    max_calibration_error,
    reliability_bins,
    rms_calibration_error,
    rms_calibration_error_without_last_bin,
    top_label,
)
from assay.randomness import derive

ERRORS = [expected_calibration_error, adaptive_calibration_error, max_calibration_error, rms_calibration_error]
Metric = Callable[[Tensor, Tensor], float]
EXAMPLES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 1 / 3, 0.55, 0.9, 1.0]) | st.floats(0, 1), st.booleans()),
    min_size=1,
    max_size=60,
)


def drawn(n: int, name: str = "drawn") -> tuple[Tensor, Tensor]:
    generator = derive(0, name)
    confidence = 1 - 0.9 * torch.rand(n, generator=generator, dtype=torch.float64) ** 3
    return confidence, torch.rand(n, generator=generator, dtype=torch.float64) < confidence**1.5


def split(examples: list[tuple[float, bool]]) -> tuple[Tensor, Tensor]:
    return torch.tensor([c for c, _ in examples], dtype=torch.float64), torch.tensor([y for _, y in examples])


def test_by_hand_with_two_bins() -> None:
    # (0, 0.5]: confidences 0.2 and 0.5, one of two right: gap |0.5 - 0.35| = 0.15.
    # (0.5, 1]: confidences 0.6, 1.0 and 1.0, all right: gap 0.4 / 3.
    confidence, correct = torch.tensor([0.6, 0.2, 1.0, 0.5, 1.0]), torch.tensor([True, False, True, True, True])
    assert expected_calibration_error(confidence, correct, 2) == pytest.approx((0.3 + 0.4) / 5, abs=1e-6)
    assert max_calibration_error(confidence, correct, 2) == pytest.approx(0.15, abs=1e-6)
    bins = reliability_bins(confidence, correct, 2)
    assert bins.count.tolist() == [2, 3]
    assert bins.confidence.tolist() == pytest.approx([0.35, 2.6 / 3], abs=1e-6)
    assert bins.accuracy.tolist() == [0.5, 1.0]


def test_a_confidence_of_exactly_one_belongs_to_the_last_bin() -> None:
    # Two at 1.0 of which one is right, with 0.95 right: the last bin's gap is (2.95 - 2) / 3.
    confidence, correct = torch.tensor([1.0, 1.0, 0.95]), torch.tensor([1, 0, 1])
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.95 / 3, abs=1e-6)
    assert reliability_bins(confidence, correct, 10).count.tolist() == [0] * 9 + [3]


def test_borders_belong_to_the_lower_bin_and_empty_bins_are_nan() -> None:
    bins = reliability_bins(torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=torch.float64), torch.ones(4), 4)
    assert bins.count.tolist() == [2, 1, 0, 1]
    assert math.isnan(float(bins.confidence[2]))
    assert math.isnan(float(bins.accuracy[2]))


def test_a_histogram_counts_the_right_and_the_wrong() -> None:
    # (0, 0.5]: 0.2 right, 0.5 wrong; (0.5, 1]: 0.6 and 1.0 right, 1.0 wrong.
    confidence, correct = torch.tensor([0.6, 0.2, 1.0, 0.5, 1.0]), torch.tensor([True, True, True, False, False])
    found = confidence_histogram(confidence, correct, 2)
    assert (found.right.tolist(), found.wrong.tolist()) == ([1, 2], [1, 1])
    found, bins = confidence_histogram(*drawn(3000)), reliability_bins(*drawn(3000))
    assert torch.equal(found.right + found.wrong, bins.count)
    torch.testing.assert_close(found.right / bins.count, bins.accuracy.float(), equal_nan=True)


def test_one_bin_is_the_gap_between_mean_confidence_and_accuracy() -> None:
    confidence, correct = drawn(500)
    gap = abs(float(confidence.mean()) - float(correct.double().mean()))
    for metric in (expected_calibration_error, adaptive_calibration_error, max_calibration_error):
        assert metric(confidence, correct, 1) == pytest.approx(gap, abs=1e-12)
    assert rms_calibration_error(confidence, correct, 500) == pytest.approx(gap, abs=1e-12)


def test_ece_equals_a_loop_over_bins() -> None:
    confidence, correct = drawn(3000)
    expected = 0.0
    for b in range(15):
        inside = (confidence > b / 15) & (confidence <= (b + 1) / 15)
        if inside.any():
            expected += float(inside.sum()) * abs(float(confidence[inside].mean() - correct[inside].double().mean()))
    assert expected_calibration_error(confidence, correct) == pytest.approx(expected / 3000, abs=1e-12)


def test_adaptive_ece_equals_a_loop_over_equal_parts() -> None:
    confidence, correct = drawn(3000)
    order = np.argsort(confidence.numpy())
    parts = [(confidence.numpy()[part], correct.numpy()[part]) for part in np.split(order, 15)]
    expected = sum(len(c) * abs(c.mean() - y.mean()) for c, y in parts) / 3000
    assert adaptive_calibration_error(confidence, correct) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [200, 1000, 1037])
def test_rms_equals_a_loop_over_bins_of_100(n: int) -> None:
    confidence, correct = drawn(n)
    order = np.argsort(confidence.numpy())
    c, y = confidence.numpy()[order], correct.numpy()[order]
    borders = [*range(0, n - n % 100, 100), n]
    borders = [*borders[: n // 100], n]
    squares = [(high - low) / n * (c[low:high].mean() - y[low:high].mean()) ** 2 for low, high in pairwise(borders)]
    assert rms_calibration_error(confidence, correct) == pytest.approx(math.sqrt(sum(squares)), abs=1e-12)
    without = rms_calibration_error_without_last_bin(confidence, correct)
    assert without == pytest.approx(math.sqrt(sum(squares[:-1])), abs=1e-12)
    assert without < rms_calibration_error(confidence, correct)


def test_equal_confidences_share_their_mean_correctness() -> None:
    # All 400 at 0.9 and 300 right: each bin's gap is 0.15, whichever way the wrong ones are strewn.
    confidence = torch.full((400,), 0.9, dtype=torch.float64)
    correct = torch.arange(400) < 300
    assert rms_calibration_error(confidence, correct) == pytest.approx(0.15, abs=1e-12)
    assert adaptive_calibration_error(confidence, correct) == pytest.approx(0.15, abs=1e-12)


def test_rms_without_the_last_bin_needs_two_bins() -> None:
    with pytest.raises(BadValueError, match="at least 200 examples"):
        rms_calibration_error_without_last_bin(torch.ones(199), torch.ones(199))


@given(EXAMPLES)
def test_ranges_and_order(examples: list[tuple[float, bool]]) -> None:
    confidence, correct = split(examples)
    ece, largest = expected_calibration_error(confidence, correct), max_calibration_error(confidence, correct)
    assert 0 <= ece <= largest + 1e-12
    assert largest <= 1
    assert 0 <= rms_calibration_error(confidence, correct, 7) <= 1 + 1e-12


@pytest.mark.parametrize("metric", ERRORS)
@given(examples=EXAMPLES, seed=st.integers(0, 1000))
def test_the_order_of_examples_does_not_matter(metric: Metric, examples: list[tuple[float, bool]], seed: int) -> None:
    confidence, correct = split(examples)
    order = torch.randperm(len(examples), generator=derive(seed))
    assert metric(confidence[order], correct[order]) == pytest.approx(metric(confidence, correct), abs=1e-9)


@pytest.mark.parametrize("metric", ERRORS)
def test_certain_and_right_is_calibrated_and_certain_and_wrong_is_1(metric: Metric) -> None:
    assert metric(torch.ones(50), torch.ones(50)) == 0
    assert metric(torch.ones(50), torch.zeros(50)) == 1


@pytest.mark.parametrize("metric", ERRORS)
@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        (torch.empty(0), torch.empty(0)),
        (torch.tensor([0.5, math.nan]), torch.ones(2)),
        (torch.tensor([0.5, 1.1]), torch.ones(2)),
        (torch.tensor([0.5]), torch.ones(2)),
        (torch.tensor([0.5]), torch.tensor([0.5])),
        (torch.zeros(2, 2), torch.zeros(2, 2)),
    ],
)
def test_bad_input_is_refused(metric: Metric, confidence: Tensor, correct: Tensor) -> None:
    with pytest.raises(BadValueError, match="expected"):
        metric(confidence, correct)


def test_no_bins_are_refused() -> None:
    with pytest.raises(BadValueError, match="bins"):
        expected_calibration_error(torch.ones(1), torch.ones(1), 0)


def test_top_label_is_the_largest_softmax() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)], [1000.0, 0.0]])
    assert top_label(logits).tolist() == pytest.approx([0.75, 1.0], abs=1e-7)


# Confidences of exactly 1, all equal, ties off the borders of 15 bins, and predictions that are all right or all wrong.
# Borders themselves are left out: of two bins netcal gives them to the upper one.
EDGES = {
    "drawn": drawn(5000, "netcal"),
    "exactly one": (torch.tensor([1.0, 1.0, 1.0, 0.93, 0.41]).double(), torch.tensor([1, 0, 1, 1, 0]).bool()),
    "all one": (torch.ones(50).double(), torch.arange(50) < 30),
    "ties": (torch.tensor([0.25, 0.7, 0.9, 0.95]).double().repeat(25), torch.arange(100) % 3 == 0),
    "all right": (drawn(300)[0], torch.ones(300).bool()),
    "all wrong": (drawn(300)[0], torch.zeros(300).bool()),
    "one example": (torch.tensor([0.83]).double(), torch.tensor([True])),
}
edges = pytest.mark.parametrize("name", EDGES)


@pytest.mark.parametrize("bins", [1, 10, 15])
@edges
def test_reliability_bins_equal_sklearn(name: str, bins: int) -> None:
    confidence, correct = EDGES[name]
    found = reliability_bins(confidence, correct, bins)
    share, mean = calibration_curve(correct.numpy(), confidence.numpy(), n_bins=bins)
    filled = found.count > 0
    np.testing.assert_allclose(found.accuracy[filled], share, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.confidence[filled], mean, rtol=0, atol=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("bins", [1, 15])
@edges
def test_ece_and_mce_equal_netcal(name: str, bins: int) -> None:
    netcal = pytest.importorskip("netcal.metrics", reason="netcal is not installed: make test-oracles")
    confidence, correct = EDGES[name]
    c, y = confidence.numpy(), correct.numpy().astype(int)
    # netcal reads one column as P(positive) unless told that it is the confidence of a detection.
    ours = expected_calibration_error(confidence, correct, bins)
    assert ours == pytest.approx(netcal.ECE(bins=bins, detection=True).measure(c, y), abs=1e-9)
    ours = max_calibration_error(confidence, correct, bins)
    assert ours == pytest.approx(netcal.MCE(bins=bins, detection=True).measure(c, y), abs=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_adaptive_ece_equals_netcals_ece_of_bins_of_equal_mass(bins: int) -> None:
    netcal = pytest.importorskip("netcal.metrics", reason="netcal is not installed: make test-oracles")
    confidence, correct = drawn(3000, "adaptive")  # no ties, and equally many in each bin
    theirs = netcal.ECE(bins=bins, equal_intervals=False, detection=True)
    expected = theirs.measure(confidence.numpy(), correct.numpy().astype(int))
    assert adaptive_calibration_error(confidence, correct, bins) == pytest.approx(expected, abs=1e-9)
