"""MultiTargeted: the best over targets, their order, and what still stands."""

from typing import Any

import pytest
import torch
from torch import Tensor

from assay.attacks.counted import Counted
from assay.attacks.losses import margin
from assay.attacks.multi_targeted import MultiTargeted
from assay.attacks.norms import Norm, lengths
from assay.attacks.pgd import PGD
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError
from assay.parts import describe

Scene = tuple[Classifier, Tensor, Tensor]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_the_best_target_of_a_linear_model_is_found_though_it_is_the_least_likely(linear: Any) -> None:
    """At x class 1 is the nearest by logits, but only class 2 can be raised far: z_2 - z_0 gains 0.1 * 4 * 4."""
    w = torch.tensor([[0.5] * 4, [0.4] * 4, [-4.0, 4.0, -4.0, 4.0]])
    model, x, y = linear(w), torch.full((2, 1, 2, 2), 0.5), torch.tensor([0, 0])
    way = torch.tensor([-1.0, 1.0, -1.0, 1.0]).view(1, 1, 2, 2)
    points = MultiTargeted(eps=0.1, steps=10)(model, x, y, generator())
    assert bool((model(points).argmax(1) == 2).all())
    few = MultiTargeted(eps=0.1, steps=10, targets=1)(model, x, y, generator())
    assert bool((model(few).argmax(1) == 0).all())
    low = MultiTargeted(eps=0.02, steps=10)(model, x, y, generator())  # stands: the largest difference that was met
    torch.testing.assert_close(low, x - 0.02)
    assert float(((low - x) * way).sum().abs()) < 1e-6


def test_an_image_is_left_as_soon_as_one_target_fools_it(trained: Scene) -> None:
    model, x, y = trained
    counted = Counted(model)
    attack = MultiTargeted(eps=0.6, steps=10)
    points = attack(counted, x, y, generator())
    assert bool((model(points).argmax(1) != y).all())
    assert counted.differentiated < 10 * len(x)
    counted.reset()
    attack.at(0.01)(counted, x, y, generator())
    right = int((model(x).argmax(1) == y).sum())
    assert counted.differentiated <= 40 * right
    assert counted.differentiated > 35 * right


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.08), ("l2", 0.6), ("l1", 2.0)])
def test_it_fools_at_least_as_many_as_pgd_with_as_many_gradients(trained: Scene, norm: Norm, eps: float) -> None:
    model, x, y = trained
    many = MultiTargeted(eps=eps, steps=10, norm=norm)(model, x, y, generator())
    pgd = PGD(eps=eps, steps=10, restarts=4, norm=norm, early_stop=True)(model, x, y, generator())
    assert float(lengths(many - x, norm).max()) <= eps + 1e-6
    stands, others = (int((model(points).argmax(1) == y).sum()) for points in (many, pgd))
    assert 5 < stands <= others + 1


def test_two_classes_have_one_target(linear: Any) -> None:
    model, x = linear(torch.randn(2, 16, generator=generator())), torch.full((4, 1, 4, 4), 0.5)
    logits, weight = model(x).detach(), model.weight.detach()
    y = logits.argmax(1)
    eps = 0.5 * float(-margin(logits, y).max() / (weight[0] - weight[1]).abs().sum())
    points = MultiTargeted(eps=eps, steps=10, targets=7)(model, x, y, generator())
    torch.testing.assert_close(points, x + eps * (weight[1 - y] - weight[y]).sign().view_as(x))


def test_images_that_are_wrong_already_are_left(trained: Scene) -> None:
    model, x, _ = trained
    wrong = (model(x).argmax(1) + 1) % 5
    assert torch.equal(MultiTargeted(eps=0.3, steps=3)(model, x, wrong, generator()), x)


def test_names_and_refusals() -> None:
    attack = MultiTargeted(eps=0.3, steps=40, targets=3)
    assert describe(attack) == "multi_targeted(eps=0.3, steps=40, targets=3)"
    assert attack.at(0.1) == MultiTargeted(eps=0.1, steps=40, targets=3)
    for wrong, message in (
        ({"eps": -1}, "multi_targeted: eps: expected a number >= 0, got -1"),
        ({"steps": 0}, "multi_targeted: steps: expected a whole number >= 1, got 0"),
        ({"targets": 0}, "multi_targeted: targets: expected a whole number >= 1, got 0"),
        ({"step_size": -0.1}, r"multi_targeted: step_size: expected a number >= 0, got -0\.1"),
        ({"norm": "l0"}, "multi_targeted: norm: expected one of linf, l2, l1, got 'l0'"),
    ):
        with pytest.raises(BadValueError, match=message):
            MultiTargeted(**{"eps": 0.3, "steps": 4, **wrong})  # type: ignore[arg-type]


def test_what_is_not_finite_is_named(linear: Any) -> None:
    model = linear(torch.full((2, 4), float("nan")))
    with pytest.raises(ContractError, match="multi_targeted: expected finite logits"):
        MultiTargeted(eps=0.1, steps=3)(model, torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0]), generator())
