from typing import Any

import pytest
import torch

from assay.attacks.base import attack_loss
from assay.attacks.fgsm import FGSM
from assay.errors import BadValueError, ContractError
from assay.parts import describe


def test_points_by_hand(linear: Any) -> None:
    """Two classes: the gradient's direction is w_other - w_label wherever x is."""
    model = linear(torch.tensor([[1.0, -2.0, 0.0], [0.0, 0.0, 0.0]]))
    x, y = torch.tensor([[[[0.5, 0.9, 0.2]]]]), torch.tensor([0])
    point = FGSM(eps=0.2)(model, x, y, torch.Generator())
    torch.testing.assert_close(point, torch.tensor([[[[0.3, 1.0, 0.2]]]]))
    point = FGSM(eps=0.05, norm="l2")(model, x, y, torch.Generator())
    torch.testing.assert_close(point - x, 0.05 * torch.tensor([[[[-1.0, 2.0, 0.0]]]]) / 5**0.5)


def test_towards_a_target_its_loss_falls(linear: Any) -> None:
    g = torch.Generator().manual_seed(0)
    model, x = linear(torch.randn(5, 16, generator=g)), torch.rand(9, 1, 4, 4, generator=g)
    y, target = torch.zeros(9, dtype=torch.int64), torch.full((9,), 3)
    point = FGSM(eps=0.05, target=3)(model, x, y, g)
    assert (attack_loss(model, point, target) < attack_loss(model, x, target)).all()


def test_names_and_refusals() -> None:
    assert describe(FGSM(eps=0.3)) == "fgsm(eps=0.3)"
    assert FGSM(eps=0.3, norm="l2").at(1.5) == FGSM(eps=1.5, norm="l2")
    with pytest.raises(BadValueError, match="fgsm: eps: expected a number >= 0, got -1"):
        FGSM(eps=-1)


def test_gradients_that_are_not_finite_are_named(linear: Any) -> None:
    model = linear(torch.full((2, 4), float("nan")))
    with pytest.raises(ContractError, match="fgsm: expected finite gradients"):
        FGSM(eps=0.1)(model, torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0]), torch.Generator())
