from typing import Any

import pytest
import torch
from torch import Tensor

from assay.attacks.base import attack_loss
from assay.attacks.fgsm import FGSM
from assay.attacks.norms import random_start
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError
from assay.parts import canonical, describe


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
    assert describe(FGSM(eps=0.3, random_start=True)) == "fgsm(eps=0.3, random_start=True)"
    assert canonical(FGSM(eps=0.3)) == {"name": "fgsm", "version": 1, "fields": {"eps": 0.3}}
    assert FGSM(eps=0.3, norm="l2").at(1.5) == FGSM(eps=1.5, norm="l2")
    with pytest.raises(BadValueError, match="fgsm: eps: expected a number >= 0, got -1"):
        FGSM(eps=-1)
    with pytest.raises(BadValueError, match="fgsm: step_size: expected a number >= 0, got -1"):
        FGSM(eps=0.3, random_start=True, step_size=-1)


def test_gradients_that_are_not_finite_are_named(linear: Any) -> None:
    model = linear(torch.full((2, 4), float("nan")))
    with pytest.raises(ContractError, match="fgsm: expected finite gradients"):
        FGSM(eps=0.1)(model, torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0]), torch.Generator())


def test_a_random_start_takes_a_longer_step_and_ends_in_the_ball(linear: Any) -> None:
    """Two classes: every start of the Linf ball moves by 1.25 * eps to the far side, and is cut where it overshoots."""
    w = torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]])
    model, x, y = linear(w), torch.full((50, 1, 1, 3), 0.5), torch.zeros(50, dtype=torch.int64)
    point = FGSM(eps=0.2, random_start=True)(model, x, y, torch.Generator().manual_seed(0))
    moved = (point - x) * torch.tensor([-1.0, 1.0, -1.0])  # along the way over the boundary
    start = (random_start(x, 0.2, "linf", torch.Generator().manual_seed(0)) - x) * torch.tensor([-1.0, 1.0, -1.0])
    torch.testing.assert_close(moved, (start + 0.25).clamp(max=0.2))
    assert 0 < int((moved < 0.19).sum()) < 100  # three in eight start too far back
    short = FGSM(eps=0.2, random_start=True, step_size=0.1)(model, x, y, torch.Generator().manual_seed(0))
    torch.testing.assert_close((short - x) * torch.tensor([-1.0, 1.0, -1.0]), (start + 0.1).clamp(max=0.2))


def test_the_gradient_is_that_at_the_start() -> None:
    """On a curved loss the way depends on where the gradient is taken."""

    class Curved(Classifier):
        n_classes = 2

        def features(self, x: Tensor) -> Tensor:
            return (x.flatten(1) - 0.5).square().sum(1, keepdim=True)

        def head(self, features: Tensor) -> Tensor:
            return torch.cat([-features, features], dim=1)

    x, y = torch.full((20, 1, 1, 4), 0.5), torch.zeros(20, dtype=torch.int64)
    draw = random_start(x, 0.2, "linf", torch.Generator().manual_seed(1)) - x
    found = FGSM(eps=0.2, random_start=True)(Curved(), x, y, torch.Generator().manual_seed(1)) - x
    torch.testing.assert_close(found, 0.2 * draw.sign())
    assert torch.equal(FGSM(eps=0.2)(Curved(), x, y, torch.Generator()), x)  # at x the slope is 0


def test_only_a_random_start_draws(linear: Any) -> None:
    model, generator = linear(torch.eye(4)[:2]), torch.Generator().manual_seed(0)
    before = generator.get_state()
    x, y = torch.rand(3, 1, 2, 2), torch.zeros(3, dtype=torch.int64)
    FGSM(eps=0.1)(model, x, y, generator)
    assert torch.equal(generator.get_state(), before)
    FGSM(eps=0.1, random_start=True)(model, x, y, generator)
    assert not torch.equal(generator.get_state(), before)
