from typing import Any

import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from torch import Tensor
from torch.nn import functional as F

from assay.errors import BadValueError
from assay.objectives import CrossEntropy, Focal
from assay.objectives.focal import log_others
from assay.recipe import parse_recipe


def logits(count: int = 7, classes: int = 4) -> Tensor:
    return 3 * torch.randn(count, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 3.0, 5.0])
@pytest.mark.parametrize("classes", [2, 4])
def test_value_and_gradient_are_the_papers(taken: Any, gamma: float, classes: int) -> None:
    """With p of the label: dL / dp = g (1 - p)^(g - 1) log p - (1 - p)^g / p, and dp / dz_k = p (1[k = y] - p_k)."""
    z, y = logits(classes=classes), torch.arange(7) % classes
    probabilities = softmax(z.numpy(), axis=1)
    p = torch.from_numpy(probabilities[range(7), y.numpy()])
    value, gradient = taken(Focal(gamma=gamma), z, y)
    assert float(value) == pytest.approx(float((-((1 - p) ** gamma) * p.log()).mean()), rel=1e-12)
    slope = gamma * (1 - p) ** (gamma - 1) * p.log() - (1 - p) ** gamma / p
    expected = (slope * p)[:, None] * (F.one_hot(y, classes) - torch.from_numpy(probabilities)) / 7
    torch.testing.assert_close(gradient, expected)


def test_soft_labels_weigh_each_class_s_own_term(taken: Any) -> None:
    z, y = logits(), torch.rand(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).softmax(1)
    p = softmax(z.numpy(), axis=1)
    naive = sum(-y[i, c] * (1 - p[i, c]) ** 2 * z.log_softmax(1)[i, c] for i in range(7) for c in range(4)) / 7
    assert float(taken(Focal(gamma=2), z, y)[0]) == pytest.approx(float(naive), rel=1e-12)


def test_without_gamma_it_is_the_cross_entropy(taken: Any) -> None:
    for y in (torch.arange(7) % 4, torch.full((7, 4), 0.25, dtype=torch.float64)):
        torch.testing.assert_close(taken(Focal(gamma=0), logits(), y), taken(CrossEntropy(), logits(), y))


def test_it_is_at_least_the_cross_entropy_less_gamma_times_the_entropy(taken: Any) -> None:
    y = torch.arange(7) % 4
    mean_entropy = float(entropy(softmax(logits().numpy(), axis=1), axis=1).mean())
    for gamma in (1.0, 3.0):
        bound = float(taken(CrossEntropy(), logits(), y)[0]) - gamma * mean_entropy
        assert float(taken(Focal(gamma=gamma), logits(), y)[0]) >= bound


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("size", [200.0, 1e4, 1e30])
def test_certainty_has_finite_gradients(taken: Any, gamma: float, size: float) -> None:
    """p is 1 for the label in the first image, and 0 in the second, exactly."""
    z = torch.tensor([[size, 0.0, 0.0], [0.0, size, 0.0]])
    assert torch.equal(z.softmax(1), torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
    for y in (torch.tensor([0, 0]), torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])):
        value, gradient = taken(Focal(gamma=gamma), z, y)
        assert bool(value.isfinite())
        assert bool(gradient.isfinite().all())
    _, gradient = taken(Focal(gamma=gamma), z, torch.tensor([0, 0]))
    torch.testing.assert_close(gradient, torch.tensor([[0.0, 0, 0], [-0.5, 0.5, 0]]))  # that of the cross entropy


def test_the_logarithm_of_the_rest_is_exact_where_the_rest_is_small() -> None:
    """1 - p = 2 exp(-40) / (1 + 2 exp(-40)): p is 1 in float32 and in float64."""
    for dtype in (torch.float32, torch.float64):
        z = torch.tensor([[40.0, 0.0, 0.0]], dtype=dtype)
        assert float(log_others(z)[0, 0]) == pytest.approx(-40 + 0.6931471805599453, rel=1e-6)
    z = logits()
    torch.testing.assert_close(log_others(z), (1 - z.softmax(1)).log())
    even = torch.zeros(1, 2)
    torch.testing.assert_close(log_others(even), torch.full((1, 2), 0.5).log())


def test_it_parses_and_refuses_what_is_no_gamma() -> None:
    assert parse_recipe("focal(gamma=2)").objective == Focal(gamma=2)
    assert parse_recipe("focal(gamma=3) > train(epochs=1)").label == "focal"
    with pytest.raises(BadValueError, match="focal: gamma: expected a number >= 0, got -1"):
        Focal(gamma=-1)
