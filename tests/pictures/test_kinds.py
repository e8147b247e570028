"""Each kind of picture against what is known of it: attractors, orbits, tones, dullness."""

import math

import torch

from assay.pictures import ifs
from assay.pictures.clouds import clouds
from assay.pictures.diversity import duplicates
from assay.pictures.dull import dull
from assay.pictures.escape_time import STEPS, _counted, _near_the_edge
from assay.pictures.tones import curves, levels
from assay.randomness import derive

SIERPINSKI = torch.tensor([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]])


def sierpinski() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    matrices = torch.eye(2).mul(0.5).expand(1, 3, 2, 2)
    return matrices, SIERPINSKI[None], torch.full((1, 3), 1 / 3)


def test_systems_contract_and_keep_the_sum_of_their_singular_values() -> None:
    matrices, _, probabilities = ifs.systems(200, derive(0))
    values = torch.linalg.svdvals(matrices)
    assert values.max() <= ifs.LONGEST + 1e-5
    present = probabilities > 0
    number = present.sum(dim=1)
    alpha = ((values[..., 0] + 2 * values[..., 1]) * present).sum(dim=1)
    assert torch.all((alpha > (5 + number) / 2 - 1e-3) & (alpha < (6 + number) / 2 + 1e-3))
    assert set(number.tolist()) == set(range(ifs.MAPS[0], ifs.MAPS[1] + 1))
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(200))


def test_chaos_game_fills_the_sierpinski_triangle_evenly() -> None:
    points, _ = ifs.chaos_game(*sierpinski(), 100, derive(0))
    x, y = points.flatten(1).double()
    # The attractor: binary digits of x and y are never both 1.
    a, b = (x * 2**12).long(), (y * 2**12).long()
    assert ((a & b) >> 2).eq(0).double().mean() > 0.99  # but for the last digits, which the start still shifts
    # Its measure gives each of the 3^2 parts of the second level a ninth: here with 51,200 points, 1 sd = 0.0014.
    parts = torch.bincount(((a >> 10) * 4 + (b >> 10)).clamp(0, 15), minlength=16) / len(x)
    assert (parts == 0).sum() == 7
    torch.testing.assert_close(parts[parts > 0], torch.full((9,), 1 / 9), atol=0.01, rtol=0)


def test_a_place_keeps_its_map_while_points_change_places() -> None:
    points, colours = ifs.chaos_game(*sierpinski(), 400, derive(1))
    by_the_second_map = points[0] >= 0.5
    assert torch.all(by_the_second_map == by_the_second_map[0])
    torch.testing.assert_close(points.mean(dim=(1, 2, 3)), torch.full((2,), 1 / 3), atol=0.01, rtol=0)
    assert colours.min() >= 0
    assert colours.max() <= 1


def test_counts_of_orbits_that_are_known() -> None:
    # z -> z^2 from 0 stays at 0: every step counts 1. From 3 it runs away: 1/(1 + 9^2), 1/(1 + 81^2), held at 100.
    start = torch.tensor([[[0.0, 3.0]], [[0.0, 0.0]]])
    escape = torch.tensor([0.0, 0.0, 0.0, 1.0])[:, None, None]
    counted = _counted(start, torch.zeros_like(start), 2, escape)
    expected = 1 / (1 + 9**2) + 1 / (1 + 81**2) + (STEPS - 2) / (1 + 100**2)
    torch.testing.assert_close(counted, torch.tensor([[float(STEPS), expected]]))


def test_powers_agree_with_complex_numbers() -> None:
    start, constant = 0.5 * torch.randn(2, 2, 5, 7, generator=derive(2))
    trap = torch.tensor([0.2, -0.1, 0.3, 4.0])[:, None, None]
    for power in (2, 3, 4):
        z, c = torch.complex(*start.double()), torch.complex(*constant.double())
        total = torch.zeros(5, 7, dtype=torch.float64)
        for _ in range(STEPS):
            z = z**power + c
            z = torch.complex(z.real.clamp(-100, 100), z.imag.clamp(-100, 100))
            total += 1 / (1 + (4 * ((z - (0.2 - 0.1j)).abs() - 0.3)) ** 2)
        near = (_counted(start, constant, power, trap) - total).abs() < 1e-3
        assert near.double().mean() > 0.7  # the rest are chaotic orbits, which float32 follows for some steps only


def test_edge_of_the_main_component() -> None:
    # For p = 2 it is the cardioid: 1 - sqrt(1 - 4 c) has modulus 1; the constants lie at 0.97 to 1.25 times it.
    x, y = _near_the_edge(torch.full((500, 1), 2.0), derive(3))
    c = torch.complex(x, y)
    inner, outer = ((1 - torch.sqrt(1 - 4 * c / scale)).abs() for scale in (0.97, 1.25))
    assert torch.all(inner >= 1 - 1e-3)
    assert torch.all(outer <= 1 + 1e-3)


def test_curves_span_zero_to_one_and_are_smooth() -> None:
    curve = curves(50, 3, 4, derive(4))
    torch.testing.assert_close(curve.amin(2), torch.zeros(50, 3))
    torch.testing.assert_close(curve.amax(2), torch.ones(50, 3))
    assert curve.diff(dim=2).abs().max() < 0.06  # at most 4 half waves in 255 steps: pi * 4 / 255, and a little


def test_levels_keep_the_order_of_the_field() -> None:
    field = torch.rand(6, 20, 20, generator=derive(5)) ** 3
    found = levels(field, derive(6))
    assert found.min() >= 0
    assert found.max() <= 255
    order = field.flatten(1).argsort(dim=1)
    assert torch.all(found.gather(1, order).diff(dim=1) >= 0)


def test_dull_pictures_are_flat_ones_dots_blurs_and_noise() -> None:
    wave = (0.5 + 0.5 * torch.cos(2 * math.pi * torch.arange(32) / 8)).expand(1, 1, 32, 32)
    flat, dot = torch.full((1, 1, 32, 32), 0.5), torch.zeros(1, 1, 32, 32)
    dot[..., 4:12, 4:12] = 1
    ramp = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    noise = torch.rand(1, 1, 32, 32, generator=derive(7))
    assert dull(torch.cat([wave, flat, dot, ramp, noise, 0.3 * wave])).tolist() == [False, *5 * [True]]
    assert not dull(torch.cat([wave, 1 - wave, flat], dim=1)).any()  # colours whose mean is grey


def test_clouds_of_any_size_differ_and_are_finite() -> None:
    for height, width in [(1, 1), (2, 3), (33, 5)]:
        field = clouds(8, height, width, derive(8))
        assert field.shape == (8, height, width)
        assert torch.all(field.isfinite())
        assert height == 1 or duplicates(field) == 0


def test_angles_of_the_plane_keep_distances() -> None:
    from assay.pictures.escape_time import _plane

    x, y = _plane(torch.tensor([[0.5], [2.0]]), 3, 5, derive(9)).view(2, 2, 3, 5)
    across = torch.hypot(x[..., -1] - x[..., 0], y[..., -1] - y[..., 0])
    down = torch.hypot(x[:, -1] - x[:, 0], y[:, -1] - y[:, 0])
    for row, zoom in enumerate((0.5, 2.0)):
        assert math.isclose(across[row, 0], zoom * 2 * 4 / 5, rel_tol=1e-5)
        assert math.isclose(down[row, 0], zoom * 2 * 2 / 5, rel_tol=1e-5)
