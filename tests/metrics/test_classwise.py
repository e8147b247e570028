import math

import pytest
import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.calibration import expected_calibration_error
from assay.metrics.classwise import classwise_calibration_error
from assay.metrics.linear_gaps import classwise_gaps, linear_draws, linear_intervals, smooth_gaps
from assay.metrics.smooth_ece import smooth_calibration_error, smoothed_error
from assay.randomness import derive


def drawn(n: int, sharpness: float, *names: object, classes: int = 4) -> tuple[Tensor, Tensor]:
    """Logits, and labels drawn from their softmax; then the logits are sharpened."""
    generator = derive(0, "classwise", *names)
    z = 2 * torch.randn(n, classes, generator=generator, dtype=torch.float64)
    y = torch.multinomial(z.softmax(1), 1, generator=generator).squeeze(1)
    return z * sharpness, y


def test_by_hand_with_two_bins() -> None:
    # p = (0.9, 0.1), (0.9, 0.1), (0.4, 0.6); labels 0, 1, 1.
    # class 0: upper bin |1/2 - 0.9| * 2/3, lower |0 - 0.4| / 3; class 1: lower |1/2 - 0.1| * 2/3, upper |1 - 0.6| / 3.
    z = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]]).double().log()
    assert classwise_calibration_error(z, torch.tensor([0, 1, 1]), 2) == pytest.approx(0.4, abs=1e-6)


def test_it_equals_a_loop_over_classes_and_bins() -> None:
    z, y = drawn(2000, 1.5)
    p, expected = z.softmax(1), 0.0
    for k in range(4):
        for b in range(15):
            inside = (p[:, k] > b / 15) & (p[:, k] <= (b + 1) / 15)
            if inside.any():
                gap = (y[inside] == k).double().mean() - p[inside, k].mean()
                expected += float(inside.sum()) / 2000 * abs(float(gap)) / 4
    assert classwise_calibration_error(z, y) == pytest.approx(expected, abs=1e-12)


def test_with_two_classes_and_an_even_number_of_bins_it_is_the_ece_of_either() -> None:
    z, y = drawn(900, 2.0, classes=2)
    own = expected_calibration_error(z.softmax(1)[:, 0], y == 0, 10)
    assert classwise_calibration_error(z, y, 10) == pytest.approx(own, abs=1e-12)


@pytest.mark.parametrize("bins", [1, 15])
def test_one_class_in_a_batch_and_probabilities_of_exactly_one(bins: int) -> None:
    z, y = torch.tensor([[1000.0, 0.0, 0.0]]).repeat(5, 1), torch.zeros(5, dtype=torch.int64)
    assert classwise_calibration_error(z, y, bins) == 0
    assert classwise_calibration_error(z, y + 1, bins) == pytest.approx(2 / 3, abs=1e-12)


def test_one_bin_is_the_mean_distance_of_class_shares() -> None:
    z, y = drawn(500, 3.0)
    gaps = torch.bincount(y, minlength=4) / 500 - z.softmax(1).mean(0)
    assert classwise_calibration_error(z, y, 1) == pytest.approx(float(gaps.abs().mean()), abs=1e-7)


@pytest.mark.oracle
def test_it_is_the_mean_of_netcals_ece_of_each_class() -> None:
    netcal = pytest.importorskip("netcal.metrics", reason="netcal is not installed: make test-oracles")
    z, y = drawn(2000, 1.5, "netcal")
    error = netcal.ECE(bins=15, detection=True)
    classes = [error.measure(p.numpy(), (y == k).numpy().astype(int)) for k, p in enumerate(z.softmax(1).T)]
    assert classwise_calibration_error(z, y) == pytest.approx(sum(classes) / 4, abs=1e-9)


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadValueError, match="labels"):
        classwise_calibration_error(torch.zeros(2, 3), torch.tensor([0, 3]))
    with pytest.raises(BadValueError, match="bins"):
        classwise_calibration_error(torch.zeros(2, 3), torch.tensor([0, 2]), 0)
    with pytest.raises(BadValueError, match="finite"):
        classwise_calibration_error(torch.tensor([[math.nan, 0.0]]), torch.tensor([0]))


@pytest.mark.parametrize("sharpness", [1.0, 2.0])
def test_intervals_hold_the_truth(sharpness: float) -> None:
    # The truth is that of a very large sample; calibrated logits have none.
    far, labels = drawn(400_000, sharpness, "truth")
    truths = [
        smooth_calibration_error(far.softmax(1).amax(1), far.argmax(1) == labels).value if sharpness > 1 else 0.0,
        classwise_calibration_error(far, labels) if sharpness > 1 else 0.0,
    ]
    covered = [0, 0]
    for trial in range(40):
        z, y = drawn(1000, sharpness, trial)
        errors = (smooth_gaps(z.softmax(1).amax(1), z.argmax(1) == y), classwise_gaps(z, y))
        found = linear_intervals(errors, derive(1, trial), resamples=200)
        for place, (interval, error) in enumerate(zip(found, errors, strict=True)):
            assert interval.low <= error.estimate <= interval.high
            covered[place] += interval.low <= truths[place] <= interval.high
    # With a coverage of 0.95, fewer than 33 of 40 happen with probability 0.0007.
    assert min(covered) >= 33, covered


def test_gaps_are_those_of_the_errors() -> None:
    z, y = drawn(700, 1.7, "gaps")
    confidence, right = z.softmax(1).amax(1), z.argmax(1) == y
    smooth, classwise = smooth_gaps(confidence, right), classwise_gaps(z, y)
    assert float(linear_draws(smooth, torch.ones(1, 700))) == pytest.approx(smooth.estimate, abs=2e-3 * smooth.estimate)
    assert float(linear_draws(classwise, torch.ones(1, 700))) == pytest.approx(classwise.estimate, abs=1e-6)
    twice = torch.zeros(1, 700).index_add_(1, torch.arange(350).repeat(2), torch.ones(1, 700))
    own = smoothed_error(confidence[:350], right[:350], smooth.estimate)
    assert float(linear_draws(smooth, twice)) == pytest.approx(own, rel=2e-3)
