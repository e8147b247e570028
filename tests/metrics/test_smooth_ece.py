import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.smooth_ece import NARROWEST, reflected_kernel, smooth_calibration_error, smoothed_error
from assay.randomness import derive

EXAMPLES = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1), st.booleans()), min_size=1)


def drawn(n: int, power: float) -> tuple[Tensor, Tensor]:
    generator = derive(0, "smooth", n)
    confidence = 1 - 0.9 * torch.rand(n, generator=generator, dtype=torch.float64) ** 3
    return confidence, torch.rand(n, generator=generator, dtype=torch.float64) < confidence**power


def naive(confidence: Tensor, correct: Tensor, width: float, points: int = 20_001) -> float:
    """The trapezoidal rule over the kernel's definition: Gaussians around every reflection of every confidence."""
    t, total = np.linspace(0, 1, points), np.zeros(points)
    for f, y in zip(confidence.tolist(), correct.tolist(), strict=True):
        for image in [sign * f + 2 * turn for sign in (1, -1) for turn in range(-8, 9)]:
            total += (y - f) * np.exp(-(((t - image) / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
    return float(np.trapezoid(np.abs(total / len(confidence)), t))


@pytest.mark.parametrize("width", [0.004, 0.05, 0.3, 1.0])
def test_it_equals_quadrature_of_the_definition(width: float) -> None:
    confidence, correct = drawn(150, 1.2)
    assert smoothed_error(confidence, correct, width) == pytest.approx(naive(confidence, correct, width), abs=1e-6)


@pytest.mark.parametrize("power", [1.0, 1.2, 2.0])
@pytest.mark.parametrize("n", [150, 5000])
def test_its_width_is_its_value(n: int, power: float) -> None:
    found = smooth_calibration_error(*drawn(n, power))
    assert found.value == found.width
    assert smoothed_error(*drawn(n, power), found.width) == pytest.approx(found.value, abs=1e-9)


@given(EXAMPLES)
def test_it_falls_with_the_width_from_the_mean_error_to_the_error_of_the_mean(
    examples: list[tuple[float, bool]],
) -> None:
    confidence, correct = torch.tensor([c for c, _ in examples]).double(), torch.tensor([y for _, y in examples])
    error = correct.double() - confidence
    values = [smoothed_error(confidence, correct, width) for width in (0.002, 0.02, 0.2, 1.0)]
    assert values == sorted(values, reverse=True) or max(np.diff(values)) < 1e-6
    assert abs(float(error.mean())) - 1e-6 <= values[-1]
    assert values[0] <= float(error.abs().mean()) + 1e-6


def test_errors_of_one_sign_are_their_mean_at_every_width() -> None:
    # Right whenever and confidence below 1: the kernel holds its mass inside [0, 1], so nothing is lost at the walls.
    confidence = 0.9 + 0.1 * torch.rand(300, generator=derive(1), dtype=torch.float64)
    mean = float((1 - confidence).mean())
    for width in (0.001, 0.03, 0.7):
        assert smoothed_error(confidence, torch.ones(300), width) == pytest.approx(mean, abs=1e-6)
    assert smooth_calibration_error(confidence, torch.ones(300)).value == pytest.approx(mean, abs=1e-6)


def test_two_confidences_far_apart_do_not_cancel() -> None:
    # 0.25 always right and 0.75 never: half of 0.75 each side, overlapping where the kernel is as wide as that.
    confidence, correct = torch.tensor([0.25, 0.75]).double().repeat(10), torch.tensor([1, 0]).repeat(10)
    assert smoothed_error(confidence, correct, 0.01) == pytest.approx(0.75, abs=1e-6)
    found = smooth_calibration_error(confidence, correct).value
    assert found == pytest.approx(naive(confidence, correct, found), abs=1e-6)


def test_the_ends() -> None:
    assert smooth_calibration_error(torch.ones(50), torch.ones(50)) == (0.0, NARROWEST)
    assert smooth_calibration_error(torch.ones(50), torch.zeros(50)).value == pytest.approx(1, abs=1e-9)
    sure = torch.full((50,), 1 - 1e-5, dtype=torch.float64)  # an error below the least width is still found
    assert smooth_calibration_error(sure, torch.ones(50)).value == pytest.approx(1e-5, abs=1e-9)


def test_the_kernel_has_mass_one() -> None:
    points = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    for width in (0.01, 0.3, 1.0):
        mass = reflected_kernel(points, torch.tensor([0.0, 0.4, 1.0]).double(), width).mean(1)
        torch.testing.assert_close(mass, torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-9)


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadValueError, match="confidence"):
        smooth_calibration_error(torch.tensor([1.1]), torch.ones(1))
    with pytest.raises(BadValueError, match="width"):
        smoothed_error(torch.ones(1), torch.ones(1), 0.0)
