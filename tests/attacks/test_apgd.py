"""APGD: its schedule by hand, its optimum on linear models, what it costs, and what PGD does not reach."""

from typing import Any

import pytest
import torch
from torch import Tensor

from assay.architectures.ensemble import Ensemble
from assay.attacks.apgd import APGD, APGDT
from assay.attacks.ascent import Ascent, _climbers, checkpoints
from assay.attacks.base import Aim
from assay.attacks.counted import Counted
from assay.attacks.norms import Norm, lengths
from assay.attacks.pgd import PGD
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError
from assay.parts import describe

Scene = tuple[Classifier, Tensor, Tensor]
NORMS = pytest.mark.parametrize(("norm", "eps"), [("linf", 0.1), ("l2", 0.8)])


def generator(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fooled(model: Classifier, points: Tensor, y: Tensor) -> Tensor:
    wrong: Tensor = model(points).argmax(1) != y
    return wrong


def test_checkpoints_are_those_of_the_paper() -> None:
    """p = 0, 0.22, 0.41, 0.57, 0.70, 0.80, 0.87, 0.93, 0.99, of 100 steps and, rounded up, of 10."""
    assert checkpoints(100) == {22: 22, 41: 19, 57: 16, 70: 13, 80: 10, 87: 7, 93: 6, 99: 6}
    assert checkpoints(10) == {3: 3, 5: 2, 6: 1, 7: 1, 8: 1, 9: 1}
    assert checkpoints(1) == {}


def test_steps_are_halved_where_the_loss_rose_too_seldom_or_the_best_is_old() -> None:
    x = torch.zeros(4, 1, 1, 1)
    climbers = _climbers(x, x.clone(), 0.4)
    # Four steps: three rises of four, two of four, four of four, and a zigzag below the best.
    losses = [[0, 0, 0, 5], [1, 1, 1, 1], [2, 0.5, 2, 2], [1, 0.4, 3, 3], [3, 2, 4, 4]]
    for k, loss in enumerate(losses):
        climbers.point = torch.full_like(x, k)
        climbers.look(torch.tensor(loss), torch.full_like(x, 10 + k))
    direction = climbers.check(torch.full_like(x, 14), 4)
    assert climbers.step.flatten().tolist() == pytest.approx([0.4, 0.2, 0.4, 0.4])
    assert climbers.point.flatten().tolist() == [4, 4, 4, 4]  # the second's best point is its last
    assert direction.flatten().tolist() == [14, 14, 14, 14]
    # Three more: a new best with two rises of three; the same, halved before; no new best with all rises; likewise.
    for k, loss in enumerate([[2, 0, 0, 0], [2.5, 1, 1, 1], [4, 1.5, 2, 2]]):
        climbers.point = torch.full_like(x, 20 + k)
        climbers.look(torch.tensor(loss), torch.full_like(x, 30 + k))
    direction = climbers.check(torch.full_like(x, 32), 3)
    assert climbers.halved.tolist() == [True, True, True, True]
    assert climbers.point.flatten().tolist() == [22, 4, 4, 0]
    assert direction.flatten().tolist() == [32, 14, 14, 10]
    assert climbers.loss.tolist() == [4, 2, 4, 5]


def test_an_old_best_halves_no_step_twice_in_a_row() -> None:
    x = torch.zeros(1, 1, 1, 1)
    climbers, steps = _climbers(x, x.clone(), 0.4), []
    climbers.look(torch.tensor([9.0]), x)
    for number in range(4):
        for rise in range(3):
            climbers.look(torch.tensor([float(number + rise)]), x)
        climbers.rises = torch.tensor([3.0])
        climbers.check(x, 3)
        steps.append(float(climbers.step))
    assert steps == pytest.approx([0.4, 0.2, 0.2, 0.1])


def test_two_steps_by_hand(linear: Any) -> None:
    """On a linear model, from x: 2 eps is cut to eps; then z stays there and so does the point."""
    w = torch.tensor([[0.0, 0.0], [1.0, -3.0]])
    x, y = torch.full((1, 1, 1, 2), 0.5), torch.tensor([0])
    model = linear(w)
    found = Ascent("apgd", 0.2, "linf", 2).climb(model, x, x.clone(), Aim(torch.tensor([0])))
    assert bool(found.fooled == fooled(model, x + torch.tensor([0.2, -0.2]), y))
    torch.testing.assert_close(found.points, x + torch.tensor([0.2, -0.2]))
    climbers = _climbers(x, x.clone(), 0.1)
    climbers.move(torch.tensor([[[[1.0, -1.0]]]]), 0.2, "linf", 1)
    torch.testing.assert_close(climbers.point, torch.tensor([[[[0.6, 0.4]]]]))
    climbers.move(torch.tensor([[[[1.0, 1.0]]]]), 0.2, "linf", 0.75)
    # z = (0.7, 0.5); x + 0.75 (z - x) + 0.25 (x - before) = (0.6 + 0.075 + 0.025, 0.4 + 0.075 - 0.025)
    torch.testing.assert_close(climbers.point, torch.tensor([[[[0.7, 0.45]]]]))


@pytest.mark.parametrize("classes", [2, 3, 4, 12])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_fools_what_the_optimum_of_a_linear_model_fools(linear: Any, classes: int, norm: Norm) -> None:
    """The boundary to class c is <d, x> / ||d||_q away, d = w_y - w_c, q being 1 for "linf" and 2 for "l2"."""
    g = generator(1)
    w = torch.randn(classes, 36, generator=g)
    w = w - w.mean(1, keepdim=True)  # boundaries near grey, far from black and white
    model, x = linear(w), 0.2 + 0.6 * torch.rand(30, 1, 6, 6, generator=g)
    y = model(x).argmax(1)
    ways = w[y][:, None] - w[None]  # (B, K, D)
    distance = (ways * x.flatten(1)[:, None]).sum(2) / torch.linalg.vector_norm(ways, 1 if norm == "linf" else 2, dim=2)
    nearest = distance.scatter(1, y[:, None], torch.inf).amin(1)
    eps = float(nearest.sort().values[14:16].mean())
    near = nearest < eps
    assert int(near.sum()) == 15
    assert norm == "l2" or eps < 0.2
    # Untargeted losses may climb to another class than the one in reach; targets try them all.
    attack = APGDT(eps=eps, steps=40, targets=classes, norm=norm)
    assert torch.equal(fooled(model, attack(model, x, y, generator()), y), near)
    for untargeted in (APGD(eps=eps, steps=40, norm=norm), APGD(eps=eps, loss="dlr", steps=40, norm=norm)):
        found = fooled(model, untargeted(model, x, y, generator()), y)
        assert not bool((found & ~near).any())
        assert int(found.sum()) >= (15 if classes == 2 else 12)


@NORMS
def test_it_is_at_least_as_strong_as_pgd_of_as_many_steps(trained: Scene, norm: Norm, eps: float) -> None:
    model, x, y = trained
    eps *= 0.6
    pgd = PGD(eps=eps, steps=20, norm=norm, early_stop=True)
    weaker = fooled(model, pgd(model, x, y, generator()), y)
    for attack in (APGD(eps=eps, steps=20, norm=norm), APGDT(eps=eps, steps=20, norm=norm)):
        points = attack(model, x, y, generator())
        assert float(lengths(points - x, norm).max()) <= eps + 1e-6
        assert int(fooled(model, points, y).sum()) >= int(weaker.sum())
    assert 0 < int(weaker.sum()) < len(x)


def test_the_ratio_finds_what_large_logits_hide_from_the_cross_entropy(trained: Scene) -> None:
    """Logits times 1e5: the softmax is one-hot to the last digit and its gradient 0. The ratio does not see it."""
    model, x, y = (trained[0], *(part[:60] for part in trained[1:]))

    class Loud(Classifier):
        n_classes = 5

        def features(self, x: Tensor) -> Tensor:
            features: Tensor = model.features(x)
            return features

        def head(self, features: Tensor) -> Tensor:
            return 1e5 * model.head(features)

    loud = Loud().eval()
    hidden = [fooled(loud, APGD(eps=0.1, steps=20)(loud, x, y, generator()), y)]
    hidden.append(fooled(loud, PGD(eps=0.1, steps=20)(loud, x, y, generator()), y))
    for attack in (APGD(eps=0.1, loss="dlr", steps=20), APGDT(eps=0.1, steps=20)):
        plain = fooled(model, attack(model, x, y, generator()), y)
        found = fooled(loud, attack(loud, x, y, generator()), y)
        assert abs(int(found.sum()) - int(plain.sum())) <= 1
        assert all(int(found.sum()) > int(one.sum()) + 6 for one in hidden)


def test_it_costs_what_it_says(linear: Any) -> None:
    """One pass at x, then a pass with a gradient each step and a last one without: for images that nothing fools."""
    g = generator()
    model, x = Counted(linear(torch.randn(5, 16, generator=g))), torch.rand(6, 1, 4, 4, generator=g)
    y = model(x).argmax(1)
    for attack, starts in (
        (APGD(eps=1e-9, steps=7), 1),
        (APGD(eps=1e-9, steps=7, restarts=3), 3),
        (APGDT(eps=1e-9, steps=7, targets=2), 2),
        (APGDT(eps=1e-9, steps=7), 4),
    ):
        model.reset()
        attack(model, x, y, generator())
        assert model.forwarded == (1 + starts * (7 + 1)) * len(x)
        assert model.differentiated == starts * 7 * len(x)
        model.reset()
        assert torch.equal(attack(model, x, (y + 1) % 5, generator()), x)  # misclassified already
        assert (model.forwarded, model.differentiated) == (len(x), 0)


def test_images_are_left_where_they_are_first_fooled(trained: Scene) -> None:
    model, x, y = trained
    counted = Counted(model)
    points = APGD(eps=0.1)(counted, x, y, generator())
    falls = fooled(model, points, y)
    standing = int((~falls).sum())
    assert 0 < standing < len(x) / 2
    assert counted.differentiated < 100 * (standing + 0.2 * len(x))
    more = fooled(model, APGD(eps=0.1, restarts=3)(model, x, y, generator()), y)
    assert bool(more[falls].all())


def test_an_images_fate_does_not_depend_on_its_neighbours(trained: Scene) -> None:
    """Starts are drawn for the whole batch: with other neighbours, right or wrong, an image meets the same points."""
    model, x, y = trained
    x, y = x[:40], y[:40]
    other = y.clone()
    other[1::2] = (y[1::2] + 1) % 5
    for attack in (APGD(eps=0.1, steps=20, restarts=2), APGDT(eps=0.1, steps=20)):
        one, two = attack(model, x, y, generator()), attack(model, x, other, generator())
        assert torch.equal(fooled(model, one, y)[::2], fooled(model, two, y)[::2])
        apart = (one[::2] - two[::2]).flatten(1).abs().amax(1) > 1e-4  # sums of other sizes differ in the last digit
        assert float(apart.float().mean()) <= 0.1


def test_ensembles_are_judged_by_their_own_logits(linear: Any) -> None:
    g = generator()
    ensemble = Ensemble([linear(torch.randn(4, 36, generator=g)) for _ in range(3)])
    x = torch.rand(20, 1, 6, 6, generator=g)
    y = ensemble(x).argmax(1)
    for attack in (APGD(eps=0.3, steps=20), APGD(eps=0.3, loss="dlr", steps=20), APGDT(eps=0.3, steps=20)):
        counted = Counted(ensemble)
        points = attack(counted, x, y, generator())
        assert bool(fooled(ensemble, points, y).all())
        assert counted.forwarded < 10 * len(x)


def test_names_and_refusals() -> None:
    assert describe(APGD(eps=0.3)) == "apgd(eps=0.3)"
    assert describe(APGD(eps=0.3, loss="dlr", restarts=2)) == "apgd(eps=0.3, loss='dlr', restarts=2)"
    assert APGD(eps=0.3, norm="l2").at(1) == APGD(eps=1, norm="l2")
    assert describe(APGDT(eps=0.3, targets=3).at(0.1)) == "apgd_t(eps=0.1, targets=3)"
    with pytest.raises(BadValueError, match="apgd: loss: expected one of ce, dlr, got 'cw'"):
        APGD(eps=0.3, loss="cw")  # type: ignore[arg-type]
    with pytest.raises(BadValueError, match="apgd: restarts: expected a whole number >= 1, got 0"):
        APGD(eps=0.3, restarts=0)
    with pytest.raises(BadValueError, match="apgd_t: targets: expected a whole number >= 1, got 0"):
        APGDT(eps=0.3, targets=0)


class Cliff(Classifier):
    """Finite logits whose gradient is not."""

    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return (x * 0).sqrt().flatten(1)

    def head(self, features: Tensor) -> Tensor:
        return torch.stack([1 + features[:, 0], features[:, 0] * 2], dim=1)


@pytest.mark.parametrize("attack", [APGD(eps=0.1), APGDT(eps=0.1)])
def test_what_is_not_finite_is_named(linear: Any, attack: APGD | APGDT) -> None:
    x, y = torch.rand(3, 1, 2, 2), torch.tensor([0, 0, 0])
    with pytest.raises(ContractError, match=f"{attack.name}: expected finite logits"):
        attack(linear(torch.full((2, 4), float("nan"))), x, y, generator())
    with pytest.raises(ContractError, match=f"{attack.name}: expected finite gradients"):
        attack(Cliff(), x, y, generator())
