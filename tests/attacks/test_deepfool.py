from typing import Any

import pytest
import torch
from torch import Tensor

from assay.attacks.deepfool import DeepFool
from assay.attacks.norms import Norm, lengths
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import describe


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_one_step_crosses_the_boundary_of_a_linear_model(linear: Any, norm: Norm) -> None:
    """The way |v| / ||w||_1 * sign(w) or |v| / ||w||_2^2 * w, and a half more."""
    w = torch.tensor([[0.0, 0.0], [3.0, -4.0]])
    x = torch.tensor([[[[0.5, 0.5]]]])  # z_1 - z_0 = -0.5
    points = DeepFool(eps=1, overshoot=0.5, norm=norm)(linear(w), x, torch.tensor([0]), torch.Generator())
    way = 0.5 / 7 * torch.tensor([1.0, -1.0]) if norm == "linf" else 0.5 / 25 * w[1]
    torch.testing.assert_close(points, x + 1.5 * way)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_network_is_fooled_from_near(trained: tuple[Classifier, Tensor, Tensor], norm: Norm) -> None:
    model, x, y = trained
    points = DeepFool(eps=20, norm=norm)(model, x, y, torch.Generator())
    assert bool((model(points).argmax(1) != y).all())
    assert float(lengths(points - x, norm).mean()) < {"linf": 0.12, "l2": 1.2}[norm]


def test_names_and_refusals() -> None:
    assert describe(DeepFool(eps=2)) == "deepfool(eps=2)"
    assert DeepFool(eps=2, steps=3).at(1) == DeepFool(eps=1, steps=3)
    with pytest.raises(BadValueError, match="deepfool: overshoot: expected a number >= 0, got -1"):
        DeepFool(eps=2, overshoot=-1)
