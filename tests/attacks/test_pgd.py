from typing import Any

import pytest
import torch
from torch import Tensor

from assay.attacks.base import attack_loss
from assay.attacks.fgsm import FGSM
from assay.attacks.norms import Norm
from assay.attacks.pgd import PGD
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError
from assay.parts import describe


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


@pytest.fixture
def scene(small: Classifier) -> tuple[Classifier, Tensor, Tensor]:
    """A network in evaluation mode, images, and the classes that it predicts for them."""
    small.eval()
    with torch.no_grad():
        for weight in small.parameters():
            weight.mul_(3)  # a steeper network, so that some images fall and some stand
        x = torch.rand(64, 1, 12, 12, generator=generator())
        return small, x, small(x).argmax(1)


class Counting(Classifier):
    """Counts the images that pass through a model."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.n_classes, self.model, self.seen = model.n_classes, model, 0

    def features(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        return self.model.features(x)

    def head(self, features: Tensor) -> Tensor:
        return self.model.head(features)


def test_one_full_step_from_x_is_fgsm(scene: tuple[Classifier, Tensor, Tensor]) -> None:
    pgd = PGD(eps=0.1, steps=1, step_size=0.1, random_start=False)
    torch.testing.assert_close(pgd(*scene, generator()), FGSM(eps=0.1)(*scene, generator()))


def test_more_steps_raise_the_loss_above_one(scene: tuple[Classifier, Tensor, Tensor]) -> None:
    model, x, y = scene
    many = attack_loss(model, PGD(eps=0.05, steps=20)(model, x, y, generator()), y)
    one = attack_loss(model, FGSM(eps=0.05)(model, x, y, generator()), y)
    assert many.mean() > one.mean()


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_early_stop_fools_the_same_images_for_less(scene: tuple[Classifier, Tensor, Tensor], norm: Norm) -> None:
    model, x, y = scene
    pgd = PGD(eps={"linf": 0.02, "l2": 0.15, "l1": 0.5}[norm], steps=10, norm=norm)
    counting = Counting(model)
    stopped = PGD(eps=pgd.eps, steps=10, norm=norm, early_stop=True)(counting, x, y, generator())
    fooled = model(pgd(model, x, y, generator())).argmax(1) != y
    fooled_early = model(stopped).argmax(1) != y
    assert 0 < int(fooled.sum()) < len(x)
    assert bool(fooled_early[fooled].all())
    assert counting.seen < 10 * len(x)
    standing = ~fooled_early
    torch.testing.assert_close(stopped[standing], pgd(model, x, y, generator())[standing])


def test_an_image_that_is_wrong_where_it_starts_is_left_there(scene: tuple[Classifier, Tensor, Tensor]) -> None:
    model, x, y = scene
    wrong = (y + 1) % 4
    counting = Counting(model)
    pgd = PGD(eps=0.1, steps=10, random_start=False, early_stop=True)
    assert torch.equal(pgd(counting, x, wrong, generator()), x)
    assert counting.seen == len(x)


@pytest.mark.parametrize("early_stop", [False, True])
def test_restarts_keep_each_images_best(scene: tuple[Classifier, Tensor, Tensor], early_stop: bool) -> None:
    model, x, y = scene
    first = PGD(eps=0.015, steps=5, early_stop=early_stop)(model, x, y, generator())
    best = PGD(eps=0.015, steps=5, restarts=4, early_stop=early_stop)(model, x, y, generator())
    fooled_first, fooled = model(first).argmax(1) != y, model(best).argmax(1) != y
    assert bool(fooled[fooled_first].all())
    same = fooled == fooled_first
    gain = (attack_loss(model, best, y) - attack_loss(model, first, y))[same]
    assert bool((gain >= -1e-5).all())
    assert bool((gain > 0).any())


def test_targets_are_reached(scene: tuple[Classifier, Tensor, Tensor]) -> None:
    model, x, y = scene
    target = int(model(x).sum(0).argsort()[-2])
    for early_stop in (False, True):
        pgd = PGD(eps=0.3, steps=20, target=target, early_stop=early_stop)
        predicted = model(pgd(model, x, y, generator())).argmax(1)
        others = y != target
        assert float((predicted[others] == target).float().mean()) > 0.9
        assert float((predicted[~others] != target).float().mean()) > 0.9 or not bool((~others).any())


def test_an_images_start_does_not_depend_on_its_neighbours_fate(linear: Any) -> None:
    """The second restart of an image that stands is the same whether or not another has been fooled."""
    w = torch.zeros(2, 4)
    w[1, 0] = 1
    model, x = linear(w), torch.full((2, 1, 2, 2), 0.5)
    pgd = PGD(eps=0.1, steps=1, step_size=0, restarts=3, early_stop=True)
    both = pgd(model, x, torch.tensor([1, 1]), generator())
    one = pgd(model, x, torch.tensor([0, 1]), generator())
    torch.testing.assert_close(both[1], one[1])


def test_names_and_refusals() -> None:
    assert describe(PGD(eps=0.3, steps=40)) == "pgd(eps=0.3, steps=40)"
    assert PGD(eps=0.3, steps=40, restarts=2).at(0.1) == PGD(eps=0.1, steps=40, restarts=2)
    with pytest.raises(BadValueError, match="pgd: eps: expected a number >= 0, got -1"):
        PGD(eps=-1, steps=40)
    with pytest.raises(BadValueError, match="pgd: steps: expected a whole number >= 1, got 0"):
        PGD(eps=0.3, steps=0)
    with pytest.raises(BadValueError, match=r"pgd: step_size: expected a number >= 0, got -0\.1"):
        PGD(eps=0.3, steps=4, step_size=-0.1)


@pytest.mark.parametrize("early_stop", [False, True])
def test_gradients_that_are_not_finite_are_named(linear: Any, early_stop: bool) -> None:
    model = linear(torch.full((2, 4), float("nan")))
    pgd = PGD(eps=0.1, steps=3, early_stop=early_stop)
    with pytest.raises(ContractError, match="pgd: expected finite gradients"):
        pgd(model, torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0]), generator())
