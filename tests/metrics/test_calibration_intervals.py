import math

import pytest
import scipy.stats
import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.calibration import expected_calibration_error, max_calibration_error, rms_calibration_error
from assay.metrics.calibration_intervals import (
    calibration_intervals,
    max_calibration_error_interval,
    mean_interval,
)
from assay.metrics.proper_scores import brier_decomposition
from assay.randomness import derive

LEVELS = torch.tensor([0.35, 0.55, 0.75, 0.95], dtype=torch.float64)  # confidences that occur, each in a bin of its own
SHIFTS = {"calibrated": 0.0, "slight": 0.02, "clear": 0.08}  # accuracy = confidence - shift


def draw(n: int, shift: float, *names: object) -> tuple[Tensor, Tensor]:
    generator = derive(0, *names)
    confidence = LEVELS[torch.randint(4, (n,), generator=generator)]
    return confidence, torch.rand(n, generator=generator, dtype=torch.float64) < confidence - shift


@pytest.mark.parametrize("kind", SHIFTS)
def test_intervals_cover_the_truth(kind: str) -> None:
    # Each accuracy lies `shift` below its confidence, so ECE = MCE = shift, calibration = shift^2, all exactly known.
    shift, trials, n = SHIFTS[kind], 60, 1000
    truths = {
        "ece": shift,
        "brier_calibration": shift**2,
        "brier_refinement": float(((LEVELS - shift) * (1 - LEVELS + shift)).mean()),
        "max": shift,
        "adaptive_ece": shift,
    }
    covered = dict.fromkeys(truths, 0)
    for trial in range(trials):
        confidence, correct = draw(n, shift, "cover", kind, trial)
        found = calibration_intervals(confidence, correct, derive(1, kind, trial), resamples=200)._asdict()
        found["max"] = max_calibration_error_interval(confidence, correct)
        for name, truth in truths.items():
            covered[name] += found[name].low <= truth <= found[name].high
    # With a coverage of 0.95, fewer than 51 of 60 happen with probability 0.0006.
    assert min(covered.values()) >= 51, covered


def test_intervals_of_a_large_error_are_those_of_a_mean() -> None:
    # Where every gap is clear, ECE is a mean of c - y, and a bootstrap finds its standard error.
    confidence, correct = draw(5000, 0.3, "large")
    interval = calibration_intervals(confidence, correct, derive(2), resamples=4000).ece
    error = confidence - correct.double()
    half = 1.96 * float(error.std()) / math.sqrt(5000)
    estimate = expected_calibration_error(confidence, correct)
    assert estimate - interval.low == pytest.approx(half, rel=0.1)
    assert interval.high - estimate == pytest.approx(half, rel=0.1)


def test_intervals_hold_their_estimates() -> None:
    confidence, correct = draw(1500, 0.05, "hold")
    found = calibration_intervals(confidence, correct, derive(3))
    rms = rms_calibration_error(confidence, correct)
    assert found.rms.low < rms < found.rms.high
    assert found.rms_without_last_bin is not None
    assert found.rms_without_last_bin.high < found.rms.high
    parts = brier_decomposition(confidence, correct)
    assert found.brier_calibration.low < parts.calibration < found.brier_calibration.high
    assert found.brier_refinement.low < parts.refinement < found.brier_refinement.high
    largest = max_calibration_error_interval(confidence, correct)
    assert largest.low <= max_calibration_error(confidence, correct) <= largest.high


def test_few_examples_have_no_rms_without_the_last_bin() -> None:
    assert calibration_intervals(*draw(150, 0.0, "few"), derive(4)).rms_without_last_bin is None


def test_the_max_interval_holds_an_estimate_on_its_end() -> None:
    # All right: Wilson's interval ends at exactly 1, as far from the confidences as they are; sums may round otherwise.
    for c in torch.rand(50, 1, generator=derive(8), dtype=torch.float64):
        largest = max_calibration_error(c.repeat(3), torch.ones(3), 1)
        assert max_calibration_error_interval(c.repeat(3), torch.ones(3), bins=1).high >= largest


@pytest.mark.parametrize("n", [1, 2])
def test_a_single_example_has_intervals(n: int) -> None:
    found = calibration_intervals(torch.full((n,), 0.9), torch.ones(n), derive(5))
    assert all(0 <= interval.low <= interval.high <= 1 for interval in found if interval is not None)


def test_max_interval_of_one_bin_is_wilsons() -> None:
    # One bin: mean confidence 0.9, 60 of 100 right; Wilson's interval of 0.6 is [0.5020, 0.6906] (scipy).
    ci = scipy.stats.binomtest(60, 100).proportion_ci(0.95, method="wilson")
    found = max_calibration_error_interval(torch.full((100,), 0.9, dtype=torch.float64), torch.arange(100) < 60)
    assert found == pytest.approx((0.9 - ci.high, 0.9 - ci.low), abs=1e-9)


def test_mean_interval_is_near_students() -> None:
    values = torch.randn(4000, generator=derive(6)) * 3 + 1000
    low, high = mean_interval(values, derive(7), resamples=4000)
    expected = scipy.stats.ttest_1samp(values.double().numpy(), 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadValueError, match="confidence"):
        calibration_intervals(torch.tensor([2.0]), torch.ones(1), derive(0))
    with pytest.raises(BadValueError, match="level"):
        max_calibration_error_interval(torch.ones(1), torch.ones(1), level=1.5)
    with pytest.raises(BadValueError, match="finite"):
        mean_interval(torch.tensor([math.nan]), derive(0))
