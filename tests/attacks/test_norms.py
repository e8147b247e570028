import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.attacks.norms import NORMS, Norm, ascend_, check_norm, lengths, project_, random_start, steepest_
from assay.errors import BadValueError

NORMED = st.sampled_from(NORMS)


def draw(seed: int, scale: float = 1.0) -> torch.Tensor:
    return torch.rand(5, 2, 3, 4, generator=torch.Generator().manual_seed(seed)) * scale


@given(norm=NORMED, eps=st.floats(0, 3), seed=st.integers(0, 99))
def test_projection_ends_in_the_ball_and_in_the_unit_interval(norm: Norm, eps: float, seed: int) -> None:
    x = draw(seed)
    point = project_(draw(seed + 1, 6) - 3, x, eps, norm)
    assert float(lengths(point - x, norm).max()) <= eps + 1e-6
    assert float(point.min()) >= 0
    assert float(point.max()) <= 1


@given(norm=NORMED, seed=st.integers(0, 99))
def test_projection_leaves_points_inside_alone(norm: Norm, seed: int) -> None:
    x = 0.4 + 0.2 * draw(seed)
    point = x + 0.01 * draw(seed + 1)
    torch.testing.assert_close(project_(point.clone(), x, {"linf": 0.1, "l2": 0.1, "l1": 0.3}[norm], norm), point)


def test_l2_projection_scales_the_offset_to_the_radius() -> None:
    x = torch.full((1, 1, 1, 2), 0.5)
    point = project_(x + torch.tensor([0.3, 0.4]), x, 0.25, "l2")
    torch.testing.assert_close(point - x, torch.tensor([[[[0.15, 0.2]]]]))


def test_steepest_steps() -> None:
    gradient = torch.tensor([[[[3.0, -4.0]]], [[[0.0, 0.0]]]])
    zero = torch.zeros(2, 1, 1, 2)
    torch.testing.assert_close(
        ascend_(zero.clone(), gradient.clone(), 0.1, "linf"), torch.tensor([[[[0.1, -0.1]]], [[[0.0, 0.0]]]])
    )
    torch.testing.assert_close(
        ascend_(zero.clone(), gradient.clone(), 0.1, "l2"), torch.tensor([[[[0.06, -0.08]]], [[[0.0, 0.0]]]])
    )
    half = zero + 0.5
    torch.testing.assert_close(
        ascend_(half.clone(), gradient.clone(), 0.4, "l1"), torch.tensor([[[[0.5, 0.1]]], [[[0.5, 0.5]]]])
    )


@pytest.mark.parametrize(("norm", "power"), [("linf", 12), ("l2", 12), ("l1", 12)])
def test_starts_are_uniform_in_the_ball(norm: Norm, power: int) -> None:
    """The radius r of a uniform point in a ball of d dimensions has (r / eps)^d uniform on [0, 1]."""
    x = torch.full((4000, 1, 3, 4), 0.5)
    delta = random_start(x, 0.2, norm, torch.Generator().manual_seed(0)) - x
    levels = (lengths(delta, norm) / 0.2).double().pow(power).sort().values
    uniform = (torch.arange(4000) + 0.5) / 4000
    assert float((levels - uniform).abs().max()) < 1.63 / 4000**0.5  # Kolmogorov's bound, p = 0.01
    assert float(delta.mean(0).abs().max()) < 0.02


def test_norms_have_names() -> None:
    check_norm("mim", "l2")
    with pytest.raises(BadValueError, match="mim: norm: expected one of linf, l2, got 'l1'"):
        check_norm("mim", "l1")
    check_norm("pgd", "l1", NORMS)
    with pytest.raises(BadValueError, match="pgd: norm: expected one of linf, l2, l1, got 'l0'"):
        check_norm("pgd", "l0", NORMS)


@pytest.mark.parametrize("power", [1, 12, 25, 35])
def test_a_step_has_its_length_however_small_the_gradient(power: int) -> None:
    g = torch.randn(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = steepest_((g.double() * 10.0**-power).float(), "l2")
    torch.testing.assert_close(lengths(found, "l2"), torch.ones(5), rtol=1e-4, atol=0)
    torch.testing.assert_close(found, g / lengths(g, "l2")[:, None, None, None], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_radii_and_steps_can_be_each_images_own(norm: Norm) -> None:
    x, gradient, own = draw(0), draw(1) - 0.5, torch.linspace(0, 0.8, 5)
    moved = project_(ascend_(x.clone(), gradient.clone(), 2 * own, norm), x, own, norm)
    for place, eps in enumerate(own.tolist()):
        one = slice(place, place + 1)
        alone = project_(ascend_(x[one].clone(), gradient[one].clone(), 2 * eps, norm), x[one], eps, norm)
        torch.testing.assert_close(moved[one], alone)
