from typing import Any

import pytest
import torch
from scipy.special import log_softmax
from torch import Tensor
from torch.nn import functional as F

from assay.errors import BadValueError
from assay.objectives import CrossEntropy, LabelSmoothing
from assay.recipe import parse_recipe


def logits(count: int = 7, classes: int = 4) -> Tensor:
    return 3 * torch.randn(count, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize("soft", [False, True])
def test_it_is_the_cross_entropy_to_smoothed_labels(taken: Any, share: float, soft: bool) -> None:
    """Value by numpy; the gradient is (p - smoothed) / B."""
    z, hard = logits(), torch.arange(7) % 4
    y = 0.7 * F.one_hot(hard, 4).double() + 0.3 * F.one_hot((hard + 1) % 4, 4).double() if soft else hard
    target = (1 - share) * (y if soft else F.one_hot(hard, 4).double()) + share / 4
    value, gradient = taken(LabelSmoothing(share=share), z, y)
    expected = -(target.numpy() * log_softmax(z.numpy(), axis=1)).sum(1).mean()
    assert float(value) == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(gradient, (z.softmax(1) - target) / 7)


def test_without_a_share_it_is_the_cross_entropy(taken: Any) -> None:
    y = torch.arange(7) % 4
    for found, expected in zip(
        taken(LabelSmoothing(share=0), logits(), y), taken(CrossEntropy(), logits(), y), strict=True
    ):
        assert torch.equal(found, expected)


def test_the_optimum_is_one_minus_share_plus_its_part(taken: Any) -> None:
    optimum = torch.full((4, 4), 0.1 / 4, dtype=torch.float64) + 0.9 * torch.eye(4, dtype=torch.float64)
    value, gradient = taken(LabelSmoothing(share=0.1), optimum.log(), torch.arange(4))
    torch.testing.assert_close(gradient, torch.zeros(4, 4, dtype=torch.float64))
    assert float(value) == pytest.approx(-float((optimum * optimum.log()).sum(1).mean()))


@pytest.mark.parametrize("size", [200.0, 1e6])
def test_certainty_has_finite_gradients(taken: Any, size: float) -> None:
    """p is 1 for the label in the first image, and 0 in the second, exactly."""
    z = torch.tensor([[size, 0.0, 0.0], [0.0, size, 0.0]])
    assert torch.equal(z.softmax(1), torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
    for y in (torch.tensor([0, 0]), torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])):
        value, gradient = taken(LabelSmoothing(), z, y)
        assert bool(value.isfinite())
        assert bool(gradient.isfinite().all())


def test_it_parses_and_refuses_what_is_no_share() -> None:
    assert parse_recipe("label_smoothing(share=0.2)").objective == LabelSmoothing(share=0.2)
    assert parse_recipe("label_smoothing").objective == LabelSmoothing(share=0.1)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadValueError, match=r"label_smoothing: share: expected a number in \[0, 1\]"):
            LabelSmoothing(share=share)
