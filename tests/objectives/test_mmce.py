import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.errors import BadValueError
from assay.objectives import MMCE, CrossEntropy
from assay.objectives.mmce import calibration_error
from assay.recipe import parse_recipe


def logits(count: int = 9, classes: int = 4) -> Tensor:
    return 2 * torch.randn(count, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def some_right(z: Tensor, count: int = 6) -> Tensor:
    """Labels of which the first `count` are the predicted class, and the others are not."""
    return (z.argmax(1) + (torch.arange(len(z)) >= count)) % z.shape[1]


def naive(z: Tensor, right: list[float]) -> float:
    """The three sums of the paper's weighted form, with n the number of images that are right."""
    r = [float(value) for value in z.softmax(1).amax(1)]
    m, n = len(r), sum(right)

    def k(i: int, j: int) -> float:
        return math.exp(-abs(r[i] - r[j]) / 0.4)

    pairs = [(i, j) for i in range(m) for j in range(m)]
    wrongs = sum((1 - right[i]) * (1 - right[j]) * r[i] * r[j] * k(i, j) for i, j in pairs) / (m - n) ** 2
    rights = sum(right[i] * right[j] * (1 - r[i]) * (1 - r[j]) * k(i, j) for i, j in pairs) / n**2
    mixed = sum(right[i] * (1 - right[j]) * (1 - r[i]) * r[j] * k(i, j) for i, j in pairs) / ((m - n) * n)
    return math.sqrt(wrongs + rights - 2 * mixed)


@pytest.mark.parametrize("count", [1, 6, 8])
def test_it_is_the_papers_weighted_form_added_to_the_cross_entropy(taken: Any, count: int) -> None:
    z = logits()
    y = some_right(z, count)
    expected = naive(z, [1.0] * count + [0.0] * (9 - count))
    assert float(calibration_error(z, y)) == pytest.approx(expected, rel=1e-10)
    cross_entropy, _ = taken(CrossEntropy(), z, y)
    for weight in (0.0, 2.5):
        value, _ = taken(MMCE(weight=weight), z, y)
        assert float(value) == pytest.approx(float(cross_entropy) + weight * expected, rel=1e-10)


def test_a_soft_label_says_how_probably_the_prediction_is_right() -> None:
    z = logits()
    soft = torch.rand(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).softmax(1)
    right = soft[torch.arange(9), z.argmax(1)].tolist()
    assert float(calibration_error(z, soft)) == pytest.approx(naive(z, right), rel=1e-10)
    y = some_right(z)
    torch.testing.assert_close(calibration_error(z, F.one_hot(y, 4).double()), calibration_error(z, y))


def test_its_gradient_is_that_of_finite_differences() -> None:
    z = logits().requires_grad_()
    y = some_right(z.detach())
    assert torch.autograd.gradcheck(lambda values: calibration_error(values, y), (z,))


def test_a_closed_form_of_two_images(taken: Any) -> None:
    """One right with confidence a, one wrong with b: M^2 = (1 - a)^2 + b^2 - 2 (1 - a) b exp(-|a - b| / 0.4)."""
    a, b = 0.9, 0.7
    z = torch.tensor([[a, 1 - a], [b, 1 - b]], dtype=torch.float64).log()
    expected = math.sqrt((1 - a) ** 2 + b**2 - 2 * (1 - a) * b * math.exp(-(a - b) / 0.4))
    assert float(calibration_error(z, torch.tensor([0, 1]))) == pytest.approx(expected, rel=1e-10)
    _, gradient = taken(MMCE(weight=1e6), z, torch.tensor([0, 1]))
    assert float(gradient[1, 0]) > 0  # a step downhill makes the wrong prediction less sure


@pytest.mark.parametrize("count", [0, 9])
def test_where_all_are_right_or_none_is_it_is_the_cross_entropy(taken: Any, count: int) -> None:
    z = logits()
    y = some_right(z, count)
    torch.testing.assert_close(taken(MMCE(), z, y), taken(CrossEntropy(), z, y))


def test_perfect_calibration_has_no_gradient_and_no_nan(taken: Any) -> None:
    """Half of the images are right, at a confidence of a half: M is 0, where its square root has no slope."""
    z, y = torch.zeros(4, 2), torch.tensor([0, 0, 1, 1])
    assert float(calibration_error(z, y)) == 0
    torch.testing.assert_close(taken(MMCE(), z, y), taken(CrossEntropy(), z, y))


@pytest.mark.parametrize("size", [200.0, 1e6])
def test_certainty_has_finite_gradients(taken: Any, size: float) -> None:
    """p is 1 for the label in the first image, and 0 in the second, exactly: M is 1, and flat."""
    z = torch.tensor([[size, 0.0, 0.0], [0.0, size, 0.0]])
    assert torch.equal(z.softmax(1), torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
    assert float(calibration_error(z, torch.tensor([0, 0]))) == 1
    for y in (torch.tensor([0, 0]), torch.tensor([0, 1]), torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])):
        value, gradient = taken(MMCE(), z, y)
        assert bool(value.isfinite())
        assert bool(gradient.isfinite().all())


def test_it_parses_and_refuses_what_is_no_weight() -> None:
    assert parse_recipe("mmce(weight=2)").objective == MMCE(weight=2)
    assert parse_recipe("mmce(weight=1)").label == "mmce"
    with pytest.raises(BadValueError, match="mmce: weight: expected a number >= 0, got -1"):
        MMCE(weight=-1)
