"""The L1 ball inside [0, 1]: projection against bisection, the step against linear programming, the start's law."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from torch import Tensor

from assay.attacks.fgsm import FGSM
from assay.attacks.l1 import ascend_l1_, project_l1_, uniform_l1
from assay.attacks.norms import lengths
from assay.attacks.pgd import PGD
from assay.classifier import Classifier

Scene = tuple[Classifier, Tensor, Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Images (4, 1, 3, 5) of which half of the pixels are 0 or 1, as those of digits are."""
    g = generator(seed)
    x = torch.rand(4, 1, 3, 5, generator=g, dtype=dtype)
    return torch.where(torch.rand(x.shape, generator=g) < 0.5, x.round(), x)


def by_bisection(point: Tensor, x: Tensor, eps: float) -> Tensor:
    """The nearest point by halving the interval of t, image by image."""
    found = []
    for p, start in zip(point, x, strict=True):
        u = p - start

        def at(t: float, u: Tensor = u, start: Tensor = start) -> Tensor:
            return (start + u.sign() * (u.abs() - t).clamp(min=0)).clamp(0, 1)

        low, high = 0.0, float(u.abs().max())
        if float((at(0) - start).abs().sum()) > eps:
            for _ in range(100):
                middle = (low + high) / 2
                inside = float((at(middle) - start).abs().sum()) <= eps
                low, high = (low, middle) if inside else (middle, high)
        else:
            high = 0.0
        found.append(at(high))
    return torch.stack(found)


@given(seed=st.integers(0, 999), eps=st.floats(0, 8), scale=st.sampled_from([0.1, 1.0, 6.0]))
def test_projection_is_that_found_by_bisection(seed: int, eps: float, scale: float) -> None:
    x = images(seed)
    point = x + scale * torch.randn(x.shape, generator=generator(seed + 1), dtype=x.dtype)
    expected = by_bisection(point, x, eps)
    torch.testing.assert_close(project_l1_(point, x, eps), expected, rtol=0, atol=1e-9)


@given(seed=st.integers(0, 999), eps=st.floats(0.01, 5))
def test_no_point_of_the_ball_and_the_box_is_nearer(seed: int, eps: float) -> None:
    """The projection q of p onto a convex set has <p - q, z - q> <= 0 for all of its points z."""
    x = images(seed)
    point = x + torch.randn(x.shape, generator=generator(seed + 1), dtype=x.dtype)
    nearest = project_l1_(point.clone(), x, eps)
    for other in range(20):
        z = (x + uniform_l1(x, eps, generator(other))).clamp(0, 1)
        assert float(((point - nearest) * (z - nearest)).flatten(1).sum(1).max()) <= 1e-9


def test_projection_keeps_what_the_box_takes_from_others() -> None:
    """Clipping after the ball would leave a move of 0.2 + 0.3: the pixel at its edge pays for nothing."""
    x = torch.tensor([[[[0.8, 0.5, 0.5]]]])
    point = project_l1_(x + torch.tensor([1.0, 0.5, 0.1]), x, 0.6)
    torch.testing.assert_close(point, x + torch.tensor([0.2, 0.4, 0.0]))


def test_many_pixels_do_not_round_out_of_the_ball() -> None:
    x = torch.rand(3, 3, 200, 200, generator=generator())
    for eps in (0.5, 60.0):
        points = project_l1_(x + uniform_l1(x, 3 * eps, generator()), x, eps)
        length = (points.double() - x.double()).flatten(1).abs().sum(1)
        assert float(length.max()) <= eps * (1 + 1e-6)
        assert float(length.min()) >= eps * (1 - 1e-2)


@given(seed=st.integers(0, 999), step=st.sampled_from([0.05, 0.7, 3.0, 20.0]))
def test_the_step_is_the_optimum_of_the_linear_programme(seed: int, step: float) -> None:
    """Maximise <g, a - b> over a, b >= 0 with sum(a + b) <= step, a <= 1 - x and b <= x."""
    x = images(seed)[:1]
    gradient = torch.randn(x.shape, generator=generator(seed + 1), dtype=x.dtype)
    gradient[..., 0, 0] = 0
    moved = ascend_l1_(x.clone(), gradient.clone(), step).clamp(0, 1)
    cost = torch.cat([-gradient.flatten(), gradient.flatten()])
    bounds = [(0, float(room)) for room in torch.cat([1 - x.flatten(), x.flatten()])]
    best = linprog(cost.numpy(), A_ub=[[1.0] * len(cost)], b_ub=[step], bounds=bounds)
    assert float(lengths(moved - x, "l1")) <= step + 1e-12
    assert float((moved - x)[..., 0, 0].abs().max()) == 0
    assert float((gradient * (moved - x)).sum()) == pytest.approx(-float(best.fun or 0), abs=1e-9)


def test_pixels_at_their_edge_take_nothing_of_a_step_and_pay_nothing() -> None:
    x = torch.tensor([[[[1.0, 0.0, 0.95, 0.5]]]])
    gradient = torch.tensor([[[[9.0, -8.0, 7.0, -6.0]]]])
    moved = ascend_l1_(x.clone(), gradient, 0.3)
    torch.testing.assert_close(moved, torch.tensor([[[[1.3, -0.3, 1.3, 0.25]]]]))
    torch.testing.assert_close(project_l1_(moved, x, 0.2), torch.tensor([[[[1.0, 0.0, 1.0, 0.35]]]]))


def test_offsets_are_uniform_in_the_ball() -> None:
    """A coordinate of a uniform point has (1 - |offset| / eps)^D uniform on [0, 1], and either sign."""
    offsets = uniform_l1(torch.zeros(4000, 1, 2, 3), 0.2, generator())
    for pixel in offsets.flatten(1).unbind(1):
        levels = (1 - pixel.abs() / 0.2).double().pow(6).sort().values
        assert float((levels - (torch.arange(4000) + 0.5) / 4000).abs().max()) < 1.63 / 4000**0.5
        assert 0.46 < float((pixel > 0).float().mean()) < 0.54


def test_one_step_takes_the_optimum_of_a_linear_model(linear: Any) -> None:
    """Two pixels of the largest gradient go to their edges, which costs 0.4 and 0.5, and the third gets the rest."""
    model = linear(torch.tensor([[0.0] * 4, [3.0, -4.0, 1.0, 2.0]]))
    x, y = torch.tensor([[[[0.5, 0.4, 0.5, 0.5]]]]), torch.tensor([0])
    points = FGSM(eps=1, norm="l1")(model, x, y, generator())
    torch.testing.assert_close(points, torch.tensor([[[[1.0, 0.0, 0.5, 0.6]]]]))
    torch.testing.assert_close(PGD(eps=1, steps=20, norm="l1")(model, x, y, generator()), points)


def test_steps_fool_more_than_one(trained: Scene) -> None:
    model, x, y = trained
    stands = [
        int((model(attack(model, x, y, generator())).argmax(1) == y).sum())
        for attack in (FGSM(eps=3, norm="l1"), PGD(eps=3, steps=20, norm="l1"))
    ]
    assert 0 < stands[1] < stands[0] - 5
