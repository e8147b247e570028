"""What holds of every architecture that recipes name."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import assay.architectures
from assay.architectures import Architecture, Ensemble, LeNet5, Mixer, Residual, ViT
from assay.attacks import FGSM, PGD
from assay.data import Images
from assay.fit import build, fit
from assay.parts import describe
from assay.recipe import Recipe, Train, parse_recipe, part_classes

EVERY: list[Any] = [kind() for kind in part_classes(assay.architectures).values()]
NEW: list[Any] = [ViT(), Mixer(), Residual()]
SHAPES = [(1, 28, 28), (3, 32, 32), (3, 17, 30), (2, 16, 19)]
TRAIN = Train(epochs=1, batch_size=20, learning_rate=1e-3)

every = pytest.mark.parametrize("architecture", EVERY, ids=describe)
new = pytest.mark.parametrize("architecture", NEW, ids=describe)


def built(
    architecture: Architecture, shape: tuple[int, int, int] = (3, 32, 32), classes: int = 4, seed: int = 0
) -> Any:
    return build(Recipe(architecture=architecture), shape, classes, seed).eval()


def images(shape: tuple[int, int, int], count: int = 6) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(1))


def coloured(count: int = 160, classes: int = 4) -> Images:
    """Noise in which the class is the corner that is lighter, in one of three colours."""
    g = torch.Generator().manual_seed(0)
    y = torch.arange(count) % classes
    x = torch.randint(0, 60, (count, 3, 32, 32), generator=g)
    for image, label in zip(x, y.tolist(), strict=True):
        down, right = divmod(label, 2)
        image[label % 3, 16 * down : 16 * down + 16, 16 * right : 16 * right + 16] += 180
    return Images(name="coloured", x=x.to(torch.uint8), y=y, classes=("a", "b", "c", "d"))


@every
def test_it_is_a_term_of_recipes(architecture: Any) -> None:
    recipe = parse_recipe(f"{architecture.name} > pgd(eps=0.1, steps=2) > ensemble(members=2)")
    assert recipe.architecture == architecture
    assert parse_recipe(recipe.name) == recipe
    assert architecture.cost > 0
    assert isinstance(architecture, Architecture)


@new
def test_it_has_about_as_many_weights_as_the_baseline(architecture: Any) -> None:
    counts = [
        sum(weight.numel() for weight in built(one, (1, 28, 28), 10).parameters()) for one in (LeNet5(), architecture)
    ]
    assert abs(counts[1] / counts[0] - 1) < 0.1
    assert f"{counts[1]:,} weights" in (type(architecture).__doc__ or "")


@every
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_and_the_linear_head(architecture: Any, shape: tuple[int, int, int]) -> None:
    model, x = built(architecture, shape, 5), images(shape)
    features, logits = model.outputs(x)
    weight, bias = model.linear_head
    assert logits.shape == (6, 5)
    assert features.shape == (6, weight.shape[1])
    torch.testing.assert_close(features @ weight.T + bias, logits)


@new
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 9), (1, 8, 8)])
def test_small_images_are_taken(architecture: Any, shape: tuple[int, int, int]) -> None:
    assert built(architecture, shape)(images(shape)).shape == (6, 4)


@new
def test_every_pixel_counts(architecture: Any) -> None:
    """Also those of the last rows and columns, where four divides neither side."""
    model = built(architecture, (3, 18, 23))
    x = images((3, 18, 23), 40).requires_grad_()
    (gradient,) = torch.autograd.grad(model(x).square().sum(), x)
    assert bool((gradient.abs().sum(0) > 0).all())


@every
def test_an_image_of_a_batch_does_not_depend_on_the_others(architecture: Any) -> None:
    model, x = built(architecture).double(), images((3, 32, 32)).double()
    torch.testing.assert_close(model(x), torch.cat([model(one[None]) for one in x]), rtol=1e-9, atol=1e-11)


@new
def test_training_and_evaluation_mode_are_one_function(architecture: Any) -> None:
    model, x = built(architecture), images((3, 32, 32))
    expected = model(x)
    assert torch.equal(model.train()(x), expected)
    torch.testing.assert_close(model(x[:1]), expected[:1], rtol=1e-4, atol=1e-5)  # no statistics of a batch


@every
def test_the_seed_alone_determines_the_weights(architecture: Any) -> None:
    one, same, other = (built(architecture, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["last.weight"], other["last.weight"])


@new
def test_it_learns_colours_the_same_way_each_time(architecture: Any) -> None:
    recipe = Recipe(architecture=architecture, train=replace(TRAIN, epochs=4, batch_size=8))
    fitted, again = (fit(recipe, coloured(80), seed=0) for _ in range(2))
    assert fitted.history[-1].accuracy > 0.7  # chance: 0.25
    other = again.model.state_dict()
    assert all(torch.equal(weight, other[name]) for name, weight in fitted.model.state_dict().items())


@new
@pytest.mark.parametrize("term", ["fgsm(eps=0.05)", "mixup(alpha=1)", "free(eps=0.05, replays=2)"])
def test_it_trains_by_the_same_recipes(architecture: Any, term: str) -> None:
    recipe = replace(parse_recipe(f"{architecture.name} > {term}"), train=TRAIN)
    assert len(fit(recipe, coloured(40), seed=0).history) == 1


@new
def test_an_attack_raises_the_loss_of_a_model_and_of_an_ensemble(architecture: Any) -> None:
    models = [built(architecture, seed=seed) for seed in (0, 1)]
    x, g = images((3, 32, 32)), torch.Generator().manual_seed(2)
    for model in (models[0], Ensemble(models).eval()):
        y = model(x).argmax(1)
        for attack in (FGSM(eps=0.03), PGD(eps=0.03, steps=4)):
            places = (x, attack(model, x, y, g))
            before, after = (model(place).log_softmax(1).gather(1, y[:, None]) for place in places)
            assert bool((after < before).all())
