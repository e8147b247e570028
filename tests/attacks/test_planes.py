from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize
from torch import Tensor

from assay.attacks.norms import Norm, lengths
from assay.attacks.planes import nearest_plane, onto_plane
from assay.classifier import Classifier
from assay.errors import ContractError


def scene(seed: int, count: int = 12, pixels: int = 15) -> tuple[Tensor, Tensor, Tensor]:
    """Images with pixels at 0 and at 1, and linear functions that some boxes' corners reach and some do not."""
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(count, 1, 3, pixels // 3, generator=g, dtype=torch.float64)
    x[:, :, 0, 0], x[:, :, 0, 1] = 0, 1
    w = torch.randn(x.shape, generator=g, dtype=torch.float64)
    w[:, :, 1, 1] = 0
    return x, 5 * torch.randn(count, generator=g, dtype=torch.float64), w


def reachable(x: Tensor, value: Tensor, w: Tensor) -> Tensor:
    up = torch.where((value < 0)[:, None] == (w.flatten(1) > 0), 1 - x.flatten(1), x.flatten(1))
    return (up * w.flatten(1).abs()).sum(1) > value.abs()


def by_linear_programme(x: np.ndarray[Any, Any], value: float, w: np.ndarray[Any, Any]) -> float:
    """The smallest max |d|: minimise t subject to w d = -value, -t <= d <= t, 0 <= x + d <= 1."""
    n = len(x)
    eye = np.eye(n)
    solved = optimize.linprog(
        np.r_[np.zeros(n), 1],
        A_ub=np.block([[eye, -np.ones((n, 1))], [-eye, -np.ones((n, 1))]]),
        b_ub=np.zeros(2 * n),
        A_eq=np.r_[w, 0][None],
        b_eq=[-value],
        bounds=[*zip(-x, 1 - x, strict=True), (0, None)],
    )
    assert solved.success
    assert solved.fun is not None
    return float(solved.fun)


def by_dual(x: np.ndarray[Any, Any], value: float, w: np.ndarray[Any, Any]) -> float:
    """The smallest ||d||_2, by bisection on the multiplier: d = clip(m * w, -x, 1 - x) with w d = -value."""
    reached = optimize.brentq(lambda m: w @ np.clip(m * w, -x, 1 - x) + value, -1e6, 1e6, xtol=1e-14)
    return float(np.linalg.norm(np.clip(reached * w, -x, 1 - x)))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_the_way_onto_a_plane_is_the_shortest_in_the_box(norm: Norm, seed: int) -> None:
    x, value, w = scene(seed)
    way = onto_plane(x, value, w, norm)
    assert float((x + way).min()) >= 0
    assert float((x + way).max()) <= 1
    met = value + (w * way).flatten(1).sum(1)
    can = reachable(x, value, w)
    assert 3 < int(can.sum()) < len(x)
    torch.testing.assert_close(met[can], torch.zeros_like(met[can]))
    solver = by_linear_programme if norm == "linf" else by_dual
    rows = zip(x[can], value[can].tolist(), w[can], strict=True)
    expected = [solver(image.flatten().numpy(), start, slope.flatten().numpy()) for image, start, slope in rows]
    torch.testing.assert_close(lengths(way, norm)[can], torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_where_the_plane_misses_the_box_the_nearest_corner_is_reached(norm: Norm) -> None:
    x, value, w = scene(0)
    way = onto_plane(x, value, w, norm)
    corner = ((value < 0)[:, None, None, None] == (w > 0)).double()
    out = ~reachable(x, value, w)
    assert bool(out.any())
    torch.testing.assert_close((x + way)[out][w[out] != 0], corner[out][w[out] != 0])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_pixels_that_do_not_matter_and_points_on_the_plane_stay(norm: Norm) -> None:
    x, value, w = scene(1)
    way = onto_plane(x, value, w, norm)
    assert float(way[w == 0].abs().max()) == 0
    assert float(onto_plane(x, torch.zeros_like(value), w, norm).abs().max()) == 0
    assert float(onto_plane(x, value, torch.zeros_like(w), norm).abs().max()) == 0


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_nearest_plane_is_that_of_the_smallest_distance(linear: Any, norm: Norm) -> None:
    g = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 12, generator=g)
    x, y = torch.rand(20, 1, 3, 4, generator=g), torch.randint(0, 5, (20,), generator=g)
    rivals = (y[:, None] + torch.arange(1, 5)) % 5
    plane = nearest_plane(linear(weight), x, y, rivals, norm)
    w = weight[rivals] - weight[y][:, None]
    value = (w * x.flatten(1)[:, None]).sum(2)
    distance = value.abs() / torch.linalg.vector_norm(w, ord=1 if norm == "linf" else 2, dim=2)
    best = distance.argmin(1)
    assert len(set(best.tolist())) == 4
    rows = torch.arange(20)
    torch.testing.assert_close(plane.value, value[rows, best])
    torch.testing.assert_close(plane.gradient.flatten(1), w[rows, best])
    torch.testing.assert_close(plane.logits, x.flatten(1) @ weight.T)


class Detached(Classifier):
    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return x.detach().flatten(1)

    def head(self, features: Tensor) -> Tensor:
        return features[:, :2]


def test_a_model_without_gradients_is_named() -> None:
    y = torch.zeros(2).long()
    with pytest.raises(ContractError, match="expected logits that depend on the image differentiably"):
        nearest_plane(Detached(), torch.rand(2, 1, 2, 2), y, y[:, None] + 1, "l2")
