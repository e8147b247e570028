import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.attacks.bumps import bump, move_mass, pair, tiles
from assay.attacks.losses import margin
from assay.attacks.norms import Norm, lengths
from assay.attacks.square import Square
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import describe


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Recording(Classifier):
    """Keeps the images that a model is asked about, and cuts the graph."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.n_classes, self.model = model.n_classes, model
        self.asked: list[Tensor] = []

    def features(self, x: Tensor) -> Tensor:
        self.asked.append(x.clone())
        return self.model.features(x).detach()

    def head(self, features: Tensor) -> Tensor:
        return self.model.head(features)


def asked(linear: Any, attack: Square, shape: tuple[int, ...] = (3, 2, 8, 6)) -> tuple[Tensor, list[Tensor]]:
    """Images whose label stands whatever is done, and all points that the model is asked about."""
    x = 0.4 + 0.2 * torch.rand(shape, generator=generator())
    w = torch.zeros(3, math.prod(shape[1:]))
    w[1] = 1
    w[0] = 1e-3 * torch.randn(math.prod(shape[1:]), generator=generator())
    model = Recording(linear(w))
    attack(model, x, torch.ones(len(x)).long(), generator())
    return x, model.asked[1:]


def test_linf_starts_with_stripes_and_paints_one_square_a_query(linear: Any) -> None:
    x, points = asked(linear, Square(eps=0.1, queries=40))
    assert len(points) == 40
    torch.testing.assert_close((points[0] - x).abs(), torch.full_like(x, 0.1))
    torch.testing.assert_close(points[0] - x, (points[0] - x)[:, :, :1].expand_as(x))
    assert 0 < int((points[0] > x).sum()) < x.numel()
    sides = [Square(eps=0.1, queries=40).side(query, x) for query in range(40)]
    best = points[0].clone()
    weight = 1e-3 * torch.randn(96, generator=generator()) - 1
    for side, point in zip(sides[1:], points[1:], strict=True):
        torch.testing.assert_close((point - x).abs(), torch.full_like(x, 0.1))
        for i in range(len(x)):
            places = (point[i] != best[i]).any(0).nonzero()
            assert len(places)  # no query is spent on what is there already
            assert int((places.amax(0) - places.amin(0)).max()) < side
            if float(weight @ (point[i] - best[i]).flatten()) > 0:
                best[i] = point[i]


def test_squares_reach_every_place(linear: Any) -> None:
    points = asked(linear, Square(eps=0.1, queries=300, p=0.02), shape=(2, 1, 5, 4))[1]
    moved = torch.stack([(a != b).squeeze(1) for a, b in pairwise(points)]).any(0)
    assert bool(moved.all())


def test_the_side_of_a_square_is_halved_in_area_as_published() -> None:
    x = torch.zeros(1, 3, 32, 32)
    attack = Square(eps=0.1, queries=10_000)
    parts = {0: 1, 10: 1, 11: 2, 51: 4, 201: 8, 501: 16, 1001: 32, 2001: 64, 4001: 128, 6001: 256, 8001: 512, 9999: 512}
    for query, halved in parts.items():
        assert attack.side(query, x) == max(1, round(math.sqrt(0.8 * 1024 / halved)))
    assert Square(eps=0.1, queries=1000).side(101, x) == attack.side(1010, x)
    assert Square(eps=0.1, norm="l2").side(4999, x) == 3
    assert Square(eps=0.1, p=1).side(0, torch.zeros(1, 1, 5, 20)) == 5


def test_l2_points_lie_on_the_sphere_and_raise_the_margin(linear: Any) -> None:
    x, points = asked(linear, Square(eps=0.5, queries=60, norm="l2"))
    for point in points:
        torch.testing.assert_close(lengths(point - x, "l2"), torch.full((3,), 0.5), rtol=1e-4, atol=0)


def test_a_bump_has_the_published_heights() -> None:
    """1 + 1/4 + 1/9 in the centre of 5 x 5, then 1/4 + 1/9, then 1/9."""
    top, middle, edge = 1 + 1 / 4 + 1 / 9, 1 / 4 + 1 / 9, 1 / 9
    row = torch.tensor([edge, middle, top, middle, edge], dtype=torch.float64)
    torch.testing.assert_close(bump(5, 5)[2], row)
    torch.testing.assert_close(bump(5, 5)[1], row.clamp(max=middle))
    torch.testing.assert_close(bump(5, 5)[0], torch.full_like(row, edge))
    for side in (1, 2, 5, 8):
        both = pair(side)
        assert float(both.square().sum()) == pytest.approx(1)
        assert bool((both[:, : side // 2] > 0).all())
        assert bool((both[:, side // 2 :] < 0).all())


def test_tiles_cover_the_middle() -> None:
    signs = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).view(1, 1, 2, 2)
    made = tiles(torch.Size((1, 1, 8, 7)), 3, signs, torch.tensor([[[[False, True], [False, False]]]]))[0, 0]
    one = pair(3).float()
    torch.testing.assert_close(made[1:4, 0:3], one)
    torch.testing.assert_close(made[1:4, 3:6], -one.T)
    torch.testing.assert_close(made[4:7, 0:3], -one)
    assert float(made[0].abs().max()) == float(made[7].abs().max()) == float(made[:, 6].abs().max()) == 0


def test_mass_moves_from_one_square_to_another() -> None:
    """Lengths by hand: the receiving square gets what both had, and an equal share of what the radius has left."""
    delta = 0.1 * torch.randn(2, 3, 16, generator=generator(), dtype=torch.float64)
    to, out = torch.tensor([[0, 1, 4, 5], [0, 1, 4, 5]]), torch.tensor([[10, 11, 14, 15], [5, 6, 9, 10]])
    shape, signs = torch.full((2, 4), 0.5, dtype=torch.float64), torch.ones(2, 3, dtype=torch.float64)
    new = move_mass(delta, to, out, shape, signs, eps=2.0)
    torch.testing.assert_close(new.square().sum((1, 2)), torch.full((2,), 4.0, dtype=torch.float64))
    for i in range(2):
        gave = [pixel for pixel in out[i].tolist() if pixel not in to[i].tolist()]
        rest = [pixel for pixel in range(16) if pixel not in {*to[i].tolist(), *gave}]
        assert float(new[i][:, gave].abs().max()) == 0
        assert torch.equal(new[i][:, rest], delta[i][:, rest])
        union = delta[i][:, sorted({*to[i].tolist(), *gave})].square().sum(1)
        expected = (union + (4 - delta[i].square().sum()) / 3).sqrt()
        torch.testing.assert_close(new[i][:, to[i]].norm(dim=1), expected)
        mixed = F.normalize(delta[i][:, to[i]], dim=1) + shape[i]
        torch.testing.assert_close(F.normalize(new[i][:, to[i]], dim=1), F.normalize(mixed, dim=1))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_more_queries_fool_more(trained: tuple[Classifier, Tensor, Tensor], norm: Norm) -> None:
    model, x, _ = trained
    y = model(x).argmax(1)
    eps = {"linf": 0.07, "l2": 0.7}[norm]
    few, many = (Square(eps=eps, queries=queries, norm=norm)(model, x, y, generator()) for queries in (5, 300))
    fooled = [int((model(points).argmax(1) != y).sum()) for points in (few, many)]
    assert 0 < fooled[0] < fooled[1] - 10 < len(x) - 10
    assert float((margin(model(many), y) > margin(model(x), y)).float().mean()) > 0.99


def test_headroom_leaves_what_rose_too_slowly_after_a_fifth_of_the_queries(
    trained: tuple[Classifier, Tensor, Tensor],
) -> None:
    """Image by image, against the margins of the points asked about."""
    model, x, _ = trained
    y, fates = model(x).argmax(1), []
    for i in range(60):
        plain, spared = Recording(model), Recording(model)
        one = x[i : i + 1], y[i : i + 1]
        Square(eps=0.07, queries=100)(plain, *one, generator(i))
        Square(eps=0.07, queries=100, headroom=1)(spared, *one, generator(i))
        margins = [float(margin(model(point), y[i : i + 1]).detach()) for point in plain.asked[1:]]
        slow = False
        if len(margins) > 20:
            before, now = max(margins[:4]), max(margins[:20])
            slow = now - before < -now
        assert len(spared.asked[1:]) == (20 if slow else len(margins))
        fates.append((slow, len(margins) > 20))
    assert len(set(fates)) == 3  # fooled early, left, and gone on with


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_an_images_draws_do_not_depend_on_its_neighbours_fate(small: Classifier, norm: Norm) -> None:
    x = torch.rand(4, 1, 12, 12, generator=generator())
    y = small.eval()(x).argmax(1)
    attack = Square(eps=0.02, queries=40, norm=norm)
    together = attack(small, x, y, generator())
    others = y.clone()
    others[:3] = (y[:3] + 1) % 4
    alone = attack(small, x, others, generator())
    assert torch.equal(alone[:3], x[:3])
    torch.testing.assert_close(alone[3], together[3])


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("shape", [(2, 3, 1, 9), (2, 1, 4, 2), (1, 2, 9, 5)])
def test_any_shape(linear: Any, norm: Norm, shape: tuple[int, ...]) -> None:
    x, points = asked(linear, Square(eps=0.1, queries=30, norm=norm), shape)
    assert len(points) == 30
    assert all(float(lengths(point - x, norm).max()) <= 0.1 + 1e-6 for point in points)


def test_names_and_refusals() -> None:
    assert describe(Square(eps=0.3)) == "square(eps=0.3)"
    assert Square(eps=0.3, queries=7).at(0.1) == Square(eps=0.1, queries=7)
    with pytest.raises(BadValueError, match="square: queries: expected a whole number >= 1, got 0"):
        Square(eps=0.3, queries=0)
    with pytest.raises(BadValueError, match=r"square: headroom: expected a number >= 1, got 0\.5"):
        Square(eps=0.3, headroom=0.5)
    with pytest.raises(BadValueError, match=r"square: p: expected a number in \[0, 1\], got 2"):
        Square(eps=0.3, p=2)
