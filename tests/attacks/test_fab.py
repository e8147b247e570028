from typing import Any

import pytest
import torch
from torch import Tensor

from assay.attacks.fab import FAB
from assay.attacks.fab_t import FABT
from assay.attacks.norms import Norm, lengths
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError
from assay.parts import describe

Scene = tuple[Classifier, Tensor, Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def scene(trained: Scene) -> Scene:
    """A trained network, and images that it gets right."""
    model, x, y = trained
    right = model(x).argmax(1) == y
    return model, x[right][:40], y[right][:40]


def boundary(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The l2 distance of each image to the nearest of a linear model's boundaries."""
    gaps = x.flatten(1) @ w.T
    gaps = gaps.gather(1, y[:, None]) - gaps
    distance: Tensor = gaps / torch.linalg.vector_norm(w[None] - w[y][:, None], dim=2)
    return distance.scatter(1, y[:, None], torch.inf).amin(1)


@pytest.mark.parametrize("attack", [FAB(eps=9, steps=5, norm="l2"), FABT(eps=9, steps=5, norm="l2")], ids=describe)
def test_the_nearest_of_several_boundaries_is_found(attack: FAB | FABT, linear: Any) -> None:
    w = torch.randn(6, 36, generator=generator())
    x = 0.3 + 0.4 * torch.rand(20, 1, 6, 6, generator=generator(1))
    model = linear(w)
    y = model(x).argmax(1)
    points = attack(model, x, y, generator())
    assert bool((model(points).argmax(1) != y).all())
    distance = boundary(w, x, y)
    inside = (points > 0).flatten(1).all(1) & (points < 1).flatten(1).all(1)
    assert int(inside.sum()) > 3
    torch.testing.assert_close(lengths(points - x, "l2")[inside], distance[inside], rtol=0.01, atol=0)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("kind", [FAB, FABT])
def test_more_steps_come_nearer(scene: Scene, kind: type[FAB] | type[FABT], norm: Norm) -> None:
    model, x, y = scene
    few, many = (kind(eps=10, steps=steps, norm=norm)(*scene, generator()) for steps in (5, 30))
    assert bool((model(many).argmax(1) != y).all())
    near, far = lengths(many - x, norm), lengths(few - x, norm)
    assert bool((near <= far * 1.02).all())
    assert float(near.mean()) < 0.999 * float(far.mean())


@pytest.mark.parametrize("attack", [FAB(eps=0.03, steps=15), FABT(eps=0.03, steps=15)], ids=describe)
def test_early_stop_gives_the_same_verdict(scene: Scene, attack: FAB | FABT) -> None:
    model, x, y = scene
    distance = lengths(attack.at(1)(*scene, generator()) - x, "linf")
    attack = attack.at(float(distance.median()))
    fooled = model(attack(*scene, generator())).argmax(1) != y
    assert 0 < int(fooled.sum()) < len(x)
    assert torch.equal(fooled, distance <= attack.eps)
    early = type(attack)(eps=attack.eps, steps=attack.steps, early_stop=True)
    assert torch.equal(model(early(*scene, generator())).argmax(1) != y, fooled)


def test_a_point_beyond_eps_is_drawn_back_to_the_ball(scene: Scene) -> None:
    model, x, y = scene
    points = FAB(eps=1e-3, steps=10)(model, x, y, generator())
    torch.testing.assert_close(lengths(points - x, "linf"), torch.full((40,), 1e-3), rtol=0.05, atol=0)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_restarts_come_no_farther(scene: Scene, norm: Norm) -> None:
    x = scene[1]
    once, twice = (FAB(eps=10, steps=25, restarts=n, norm=norm)(*scene, generator()) for n in (1, 3))
    gain = lengths(once - x, norm) - lengths(twice - x, norm)
    assert float(gain.min()) > -0.01
    assert float(gain.max()) > 0


def test_one_target_is_the_class_with_the_next_largest_logit(linear: Any) -> None:
    """Logits 10 a, 8 a, and 5 b - 4: class 1 is the runner-up at a = b = 1, class 2 the only one to be reached."""
    w = torch.tensor([[10.0, 0.0], [8.0, 0.0], [9.0, 0.0]])
    model, x, y = linear(w), torch.tensor([[[[0.5, 0.5]]]]), torch.tensor([0])
    points = FABT(eps=0.5, targets=1, norm="l2")(model, x, y, generator())
    torch.testing.assert_close(points, torch.tensor([[[[0.0, 0.5]]]]))


def test_a_zero_gradient_moves_nothing_and_one_not_finite_is_named(linear: Any) -> None:
    x, y = torch.rand(3, 1, 2, 2, generator=generator()), torch.zeros(3).long()
    assert torch.equal(FAB(eps=0.1, steps=3)(linear(torch.zeros(2, 4)), x, y, generator()), x)
    with pytest.raises(ContractError, match="fab: expected finite logits"):
        FAB(eps=0.1, steps=3)(linear(torch.full((2, 4), float("nan"))), x, y, generator())


def test_names_and_refusals() -> None:
    assert describe(FAB(eps=0.3)) == "fab(eps=0.3)"
    assert describe(FABT(eps=0.3, targets=3, norm="l2")) == "fab_t(eps=0.3, targets=3, norm='l2')"
    assert FABT(eps=0.3, steps=7).at(0.1) == FABT(eps=0.1, steps=7)
    with pytest.raises(BadValueError, match="fab: restarts: expected a whole number >= 1, got 0"):
        FAB(eps=0.3, restarts=0)
    with pytest.raises(BadValueError, match="fab_t: targets: expected a whole number >= 1, got 0"):
        FABT(eps=0.3, targets=0)
