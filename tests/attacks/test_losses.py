"""The losses against their closed forms, written here by sorting, and where they must not break."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from assay.architectures.ensemble import Ensemble
from assay.attacks.base import input_gradient, judge
from assay.attacks.losses import Away, Towards, dlr, margin, targeted_dlr


def scene(classes: int, seed: int, count: int = 40) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (B, K), labels, and targets other than the labels."""
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, classes, (count,), generator=g)
    target = (y + torch.randint(1, classes, (count,), generator=g)) % classes
    return 3 * torch.randn(count, classes, generator=g, dtype=torch.float64), y, target


def test_values_by_hand() -> None:
    z, y, t = torch.tensor([[1.0, 4.0, 2.0, 0.0]] * 2), torch.tensor([1, 0]), torch.tensor([0, 3])
    torch.testing.assert_close(margin(z, y), torch.tensor([2.0 - 4, 4.0 - 1]))
    torch.testing.assert_close(dlr(z, y), torch.tensor([-2 / (4 - 1), 3 / (4 - 1)]))
    torch.testing.assert_close(targeted_dlr(z, y, t), torch.tensor([-3 / 3.5, -1 / 3.5]))


@given(classes=st.integers(2, 12), seed=st.integers(0, 99))
def test_closed_forms(classes: int, seed: int) -> None:
    z, y, t = scene(classes, seed)
    rows, order = torch.arange(len(z)), z.sort(1, descending=True).values
    rival = torch.stack([torch.cat([one[:label], one[label + 1 :]]).max() for one, label in zip(z, y, strict=True)])
    lead, way = rival - z[rows, y], z[rows, t] - z[rows, y]
    torch.testing.assert_close(margin(z, y), lead)
    torch.testing.assert_close(dlr(z, y), lead if classes < 3 else lead / (order[:, 0] - order[:, 2]))
    scale = 1 if classes < 4 else order[:, 0] - (order[:, 2] + order[:, 3]) / 2
    torch.testing.assert_close(targeted_dlr(z, y, t), way / scale)
    assert torch.equal(margin(z, y) > 0, z.argmax(1) != y)


@given(seed=st.integers(0, 99), scale=st.floats(0.01, 1000), shift=st.floats(-100, 100))
def test_ratios_do_not_see_the_scale_or_a_shift_of_the_logits(seed: int, scale: float, shift: float) -> None:
    z, y, t = scene(5, seed)
    torch.testing.assert_close(dlr(scale * z + shift, y), dlr(z, y))
    torch.testing.assert_close(targeted_dlr(scale * z + shift, y, t), targeted_dlr(z, y, t))


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ties_give_finite_losses_and_gradients(classes: int, dtype: torch.dtype) -> None:
    y = torch.zeros(3, dtype=torch.int64)
    z = torch.zeros(3, classes, dtype=dtype)
    z[1, 0], z[2, 1:] = -1, 2  # all equal; the label lowest and the others equal; the others equal and ahead
    z.requires_grad_()
    for loss in (margin(z, y), dlr(z, y), targeted_dlr(z, y, y + 1)):
        assert bool(loss.isfinite().all())
        assert float(loss[0].detach()) == 0
        assert float(loss[2].detach()) > 0
        assert bool(torch.autograd.grad(loss.sum(), z)[0].isfinite().all())


@pytest.mark.parametrize("classes", [2, 3, 4, 6])
def test_gradients_are_those_of_the_formulas(classes: int) -> None:
    z, y, t = scene(classes, 1, count=6)
    z.requires_grad_()
    for loss in (lambda z: margin(z, y), lambda z: dlr(z, y), lambda z: targeted_dlr(z, y, t)):
        assert torch.autograd.gradcheck(loss, z)


def test_soft_labels_count_by_their_largest_entry() -> None:
    z, y, t = scene(5, 2)
    soft = 0.1 + 0.5 * F.one_hot(y, 5)
    assert torch.equal(margin(z, soft), margin(z, y))
    assert torch.equal(dlr(z, soft), dlr(z, y))
    assert torch.equal(targeted_dlr(z, soft, t), targeted_dlr(z, y, t))


def test_goals_climb_the_mean_of_the_members_losses_and_are_reached_by_the_ensembles_logits(linear: Any) -> None:
    g = torch.Generator().manual_seed(3)
    members = [linear(torch.randn(5, 16, generator=g)) for _ in range(3)]
    x, (_, y, t) = torch.rand(40, 1, 4, 4, generator=g), scene(5, 3)
    ensemble = Ensemble(members)
    for goal in (Away(dlr, y), Towards(y, t)):
        climb = input_gradient(ensemble, x, goal)
        each = [input_gradient(member, x, goal) for member in members]
        torch.testing.assert_close(climb.loss, torch.stack([one.loss for one in each]).mean(0))
        torch.testing.assert_close(climb.gradient, torch.stack([one.gradient for one in each]).mean(0))
        loss, reached = judge(ensemble, x, goal)
        torch.testing.assert_close(loss, climb.loss)
        assert torch.equal(reached, ensemble(x).argmax(1) != y)
        some = torch.tensor([3, 1])
        torch.testing.assert_close(input_gradient(ensemble, x[some], goal.take(some)).loss, climb.loss[some])
