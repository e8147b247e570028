import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.attacks.carlini_wagner import CarliniWagner
from assay.attacks.counted import Counted
from assay.attacks.norms import Norm, lengths, random_start
from assay.attacks.pgd import PGD
from assay.attacks.substitute import Substitute, decide, teach
from assay.attacks.transfer import Prepared, Transfer
from assay.cells import assemble
from assay.classifier import Classifier, evaluating, to_unit
from assay.data import load, load_task, sample
from assay.errors import BadValueError
from assay.parts import describe
from assay.recipe import Recipe
from assay.store import Store

Scene = tuple[Classifier, Tensor, Tensor]
CHEAP: dict[str, Any] = {"attack": PGD(eps=1, steps=10), "seeds": 40, "rounds": 3}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Labels(Classifier):
    """A model that tells its predicted class alone, as a one-hot row, and records no graph."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.n_classes, self.model = model.n_classes, model

    def features(self, x: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()
        return F.one_hot(self.model(x).argmax(1), self.n_classes).to(x.dtype)

    def head(self, features: Tensor) -> Tensor:
        return features


def accuracy(model: Classifier, x: Tensor, y: Tensor) -> float:
    return float((model(x).argmax(1) == y).double().mean())


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.2), ("l2", 2.0)])
def test_it_fools_far_more_images_than_noise_does(trained: Scene, norm: Norm, eps: float) -> None:
    model, x, y = trained
    attack = Transfer(eps=eps, norm=norm, **CHEAP)
    points = attack(model, x, y, generator())
    noise = random_start(x, eps, norm, generator())
    assert float(lengths(points - x, norm).max()) <= eps + 1e-5
    assert accuracy(model, points, y) < accuracy(model, noise, y) - 0.3


def test_a_trained_baseline_is_fooled_far_more_often_than_by_noise() -> None:
    if "ASSAY_STORE" not in os.environ:
        pytest.skip("ASSAY_STORE names no store with the models of benchmarks/attacks.py")
    store, task = Store(Path(os.environ["ASSAY_STORE"])), load_task(outliers=())
    entry = next(item for item in store.read_study("bench_attacks")["models"] if item["recipe"] == "baseline")
    weights = [store.read("models", key, "model.safetensors") for key in entry["models"]]
    model, images = assemble(Recipe(), task, weights), sample(load("mnist", "test"), 500)
    x, y = to_unit(images.x), images.y
    with evaluating(model):
        points = Transfer(eps=0.3)(model, x, y, generator())
        assert accuracy(model, random_start(x, 0.3, "linf", generator()), y) > 0.95
        assert accuracy(model, points, y) < 0.7


def test_it_knows_the_predicted_class_alone(trained: Scene) -> None:
    model, x, y = trained
    attack = Transfer(eps=0.2, **CHEAP)
    points = attack(model, x[:60], y[:60], generator())
    assert torch.equal(attack(Labels(model), x[:60], y[:60], generator()), points)
    assert not torch.equal(attack(model, x[:60], y[:60], generator(1)), points)


def test_queries_are_those_of_the_teaching_and_one_for_each_image(trained: Scene) -> None:
    model, x, y = trained
    counted = Counted(model)
    prepared = Transfer(eps=0.2, **CHEAP).prepare(counted, x, generator())
    assert counted.forwarded == 40 * 2**3
    prepared(counted, x, y, generator())
    prepared.at(0.1)(counted, x, y, generator())
    assert counted.forwarded == 40 * 2**3 + 2 * len(x)
    assert counted.differentiated == 0


def test_a_substitute_serves_any_batch_and_radius(trained: Scene) -> None:
    model, x, y = trained
    prepared = Transfer(eps=0.2, **CHEAP).prepare(model, x, generator())
    weights = [weight.clone() for weight in prepared.substitute.parameters()]
    right = [accuracy(model, prepared.at(eps)(model, x, y, generator()), y) for eps in (0.0, 0.05, 0.1, 0.2)]
    assert right == sorted(right, reverse=True)
    assert right[-1] < 0.5 < right[0]
    assert all(torch.equal(*pair) for pair in zip(weights, prepared.substitute.parameters(), strict=True))
    assert describe(prepared.at(0.3)).startswith("transfer(eps=0.3")


def test_agreement_is_a_share_of_classes(trained: Scene, linear: Any) -> None:
    model, x, _ = trained
    prepared = Transfer(eps=0.2, **CHEAP).prepare(model, x, generator())
    assert prepared.agreement(model, x) > 0.8
    assert prepared.agreement(prepared.substitute, x) == 1
    constant = linear(torch.zeros(5, 144))
    share = float((decide(prepared.substitute, x) == 0).double().mean())
    assert prepared.agreement(constant, x) == pytest.approx(share)


def test_each_round_asks_about_the_images_moved_along_the_sign_of_a_gradient(linear: Any) -> None:
    """The steps are of one length in each pixel, and only new images are asked about."""
    asked: list[Tensor] = []

    class Watched(Labels):
        def features(self, x: Tensor) -> Tensor:
            asked.append(x.clone())
            return super().features(x)

    x = 0.4 + 0.2 * torch.rand(7, 2, 5, 6, generator=generator())
    model = Watched(linear(torch.randn(3, 60, generator=generator(1))))
    teach(model, x, rounds=2, epochs=1, step=0.1, generator=generator())
    assert [len(images) for images in asked] == [7, 7, 14]
    torch.testing.assert_close(asked[0], x)
    for images, before in ((asked[1], x), (asked[2], torch.cat([x, asked[1]]))):
        moved = (images - before).abs()
        still = moved < 1e-6  # where no path through the network's ReLUs is open
        torch.testing.assert_close(moved[~still], torch.full_like(moved[~still], 0.1))
        assert float(still.float().mean()) < 0.2


def test_a_first_round_steps_away_from_the_label(linear: Any) -> None:
    """A substitute that has learned a linear model's boundary steps over it, where it lies within the step."""
    w = torch.randn(2, 16, generator=generator(2))
    w -= w.mean(1, keepdim=True)
    model = linear(w)
    asked: list[Tensor] = []
    x = 0.3 + 0.4 * torch.rand(300, 1, 4, 4, generator=generator())
    model.register_forward_pre_hook(lambda _, inputs: asked.append(inputs[0]))
    teach(model, x, rounds=1, epochs=30, step=0.2, generator=generator())
    lead = (asked[1] - x).flatten(1) @ (w[1] - w[0]) * torch.where(x.flatten(1) @ (w[1] - w[0]) > 0, -1, 1)
    assert float((lead > 0).float().mean()) > 0.95


def test_the_substitute_takes_any_shape_and_leaves_the_global_stream() -> None:
    stream = torch.get_rng_state()
    for shape in ((3, 1, 9), (1, 28, 28), (2, 5, 1), (1, 2, 3)):
        net = Substitute(torch.Size(shape), 4, seed=1)
        again = Substitute(torch.Size(shape), 4, seed=1)
        x = torch.rand(3, *shape, generator=generator())
        assert net(x).shape == (3, 4)
        assert torch.equal(net(x), again(x))
    assert torch.equal(torch.get_rng_state(), stream)


def test_names_and_refusals() -> None:
    assert describe(Transfer(eps=0.3)) == "transfer(eps=0.3)"
    assert Transfer(eps=0.3, seeds=7).at(0.1) == Transfer(eps=0.1, seeds=7)
    assert Transfer(eps=1, attack=CarliniWagner(eps=1), norm="l2").norm == "l2"
    with pytest.raises(BadValueError, match="transfer: seeds: expected a whole number >= 1, got 0"):
        Transfer(eps=0.3, seeds=0)
    with pytest.raises(BadValueError, match="transfer: attack: expected the norm linf, got carlini_wagner"):
        Transfer(eps=0.3, attack=CarliniWagner(eps=1))
    with pytest.raises(BadValueError, match="transfer: attack: expected an attack, got 'pgd'"):
        Transfer(eps=0.3, attack="pgd")  # type: ignore[arg-type]
    assert Prepared.name == Transfer.name
