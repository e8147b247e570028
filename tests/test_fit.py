"""The training loop."""

import copy
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from assay.analysis.overfitting import overfitting
from assay.architectures import LeNet5
from assay.architectures.base import Network
from assay.attacks import FGSM, PGD
from assay.attacks.watch import look
from assay.augmentations import CutOut, MixUp
from assay.classifier import Classifier, predict_all, to_unit
from assay.data import Images
from assay.errors import BadValueError, MissingDataError
from assay.fit import DivergedError, Step, build, fit
from assay.objectives import MART, Batch, CrossEntropy, Free, Loss, MixedAdversarial, OutlierExposure, Trades
from assay.outliers import DataSet, Noise
from assay.randomness import derive
from assay.recipe import Recipe, Train, Tuned
from assay.weights import SWAG, Snapshots

SIZE = 16
CLASSES = ("left", "right", "top")


def make(n: int = 48, seed: int = 0) -> Images:
    """A bright bar at the left, at the right or at the top, on noise: separable."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 60, (n, 1, SIZE, SIZE), generator=generator).to(torch.uint8)
    y = torch.arange(n) % 3
    x[y == 0, :, :, :3] = 220
    x[y == 1, :, :, -3:] = 220
    x[y == 2, :, :3, :] = 220
    return Images(name="bars", x=x, y=y, classes=CLASSES)


def weights(model: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """A linear model, with dropout where asked, that builds in no time."""

    name: ClassVar[str] = "tiny"
    version: ClassVar[int] = 1
    cost: ClassVar[float] = 0.1
    dropout: float = 0.0

    def build(self, shape: tuple[int, int, int], n_classes: int) -> Classifier:
        size = shape[0] * shape[1] * shape[2]
        return Network(shape, n_classes, nn.Sequential(nn.Flatten(), nn.Dropout(self.dropout)), size)


@dataclass(frozen=True, kw_only=True)
class Spy:
    """An augmentation that notes what it meets and adds to the images."""

    name: ClassVar[str] = "spy"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False
    label: str
    log: list[Any] = field(default_factory=list)
    add: float = 0.0

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        self.log.append((self.label, x.clone(), y.clone(), generator))
        return (x + self.add).clamp(0, 1), y


@dataclass(frozen=True, kw_only=True)
class SpyAttack:
    """An attack that notes what it meets and returns black images."""

    name: ClassVar[str] = "spy_attack"
    version: ClassVar[int] = 1
    label: str
    log: list[Any] = field(default_factory=list)
    eps: float = 1.0
    norm: Any = "linf"

    def at(self, eps: float) -> "SpyAttack":
        return SpyAttack(label=self.label, log=self.log, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        assert not any(module.training for module in model.modules())
        self.log.append((self.label, x.clone(), y.clone(), generator))
        return torch.zeros_like(x)


@dataclass(frozen=True, kw_only=True)
class SpyObjective:
    """Cross entropy that notes its batches and the model's mode."""

    name: ClassVar[str] = "spy_objective"
    version: ClassVar[int] = 1
    log: list[Any] = field(default_factory=list)
    scale: float = 1.0

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:
        assert model.training
        self.log.append(("objective", batch.x.clone(), batch.y.clone(), generator))
        loss, logits = CrossEntropy()(model, batch, generator)
        return Loss(self.scale * loss, logits)


def tiny(epochs: int = 2, dropout: float = 0.0, **changes: Any) -> Recipe:
    train = Train(epochs=epochs, batch_size=10, learning_rate=1e-2)
    return Recipe(architecture=Tiny(dropout=dropout), train=changes.pop("train", train), **changes)


RECIPES = {
    "lenet5": Recipe(train=Train(epochs=1, batch_size=16)),
    "dropout": tiny(dropout=0.5),
    "pipeline": tiny(pipeline=(CutOut(length=5, holes=1), PGD(eps=0.1, steps=2))),
    "mixup": tiny(pipeline=(MixUp(alpha=1), FGSM(eps=0.1))),
    "objective": tiny(objective=MixedAdversarial(attack=PGD(eps=0.1, steps=2))),
    "outliers": tiny(objective=OutlierExposure(source=Noise())),
    "fast": tiny(pipeline=(FGSM(eps=0.1, random_start=True),)),
    "free": tiny(pipeline=(MixUp(alpha=1),), objective=Free(eps=0.1, replays=3)),
    "trades": tiny(objective=Trades(eps=0.1, steps=2)),
    "mart": tiny(objective=MART(attack=PGD(eps=0.1, steps=2))),
    "snapshots": tiny(dropout=0.5, weights=Snapshots(members=2)),
    "swag": tiny(pipeline=(FGSM(eps=0.1),), weights=SWAG(samples=3, epochs=1, moments=3, rank=2)),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_one_seed_gives_the_same_weights_and_another_seed_others(recipe: Recipe) -> None:
    images = make()
    torch.rand(3)  # whatever was drawn before
    one, same, other = (weights(fit(recipe, images, seed=seed).model) for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_another_process_gives_the_same_weights(tmp_path: Path) -> None:
    recipe, images = Recipe(pipeline=(CutOut(length=5, holes=1),), train=Train(epochs=1)), make(32)
    save_file({"x": images.x, "y": images.y}, tmp_path / "images")
    code = f"""
import torch
from safetensors.torch import load_file, save_file
from assay.data import Images
from assay.fit import fit
from assay.recipe import parse_recipe
torch.set_num_threads({torch.get_num_threads()})
images = Images(name="bars", classes={CLASSES}, **load_file({str(tmp_path / "images")!r}))
model = fit(parse_recipe({recipe.name!r}), images, seed=0).model
save_file({{name: value.contiguous() for name, value in model.state_dict().items()}}, {str(tmp_path / "model")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    model = fit(recipe, images, seed=0).model
    state = load_file(tmp_path / "model")
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_callers_stream_data_and_switches_are_left_alone(recipe: Recipe) -> None:
    images, before = make(), torch.get_rng_state()
    kept = images.x.clone(), images.y.clone()
    model = fit(recipe, images, seed=0, validation=make(9, seed=1)).model
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(images.x, kept[0])
    assert torch.equal(images.y, kept[1])
    assert not any(module.training for module in model.modules())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_validation_changes_nothing(recipe: Recipe) -> None:
    images = make()
    alone, watched = fit(recipe, images, seed=0), fit(recipe, images, seed=0, validation=make(9, seed=1))
    assert torch.equal(weights(alone.model), weights(watched.model))
    assert [epoch.validation_accuracy for epoch in alone.history] == [None] * recipe.epochs
    assert [epoch[:3] for epoch in alone.history] == [epoch[:3] for epoch in watched.history]
    if recipe.networks > 1:
        return  # what is watched is the network on its way
    predicted = predict_all(watched.model, make(9, seed=1).x).logits.argmax(1)
    assert watched.history[-1].validation_accuracy == pytest.approx(
        float((predicted == make(9, seed=1).y).float().mean())
    )


def test_dropout_differs_from_step_to_step_and_depends_on_the_seed() -> None:
    seen: list[Tensor] = []
    model = build(tiny(dropout=0.5), (1, SIZE, SIZE), 3, seed=0)
    recipe = tiny(dropout=0.5, epochs=1)
    hook = nn.modules.module.register_module_forward_hook(
        lambda module, _, result: seen.append(result == 0) if isinstance(module, nn.Dropout) else None
    )
    try:
        fit(recipe, make(), seed=0)
        fit(recipe, make(), seed=1)
    finally:
        hook.remove()
    assert len(seen) == 10
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[5])
    assert all(0.4 < float(mask.float().mean()) < 0.6 for mask in seen[:4])
    assert model.training


def test_building_depends_on_the_seed_alone() -> None:
    before = torch.get_rng_state()
    one, same, other = (weights(build(Recipe(), (1, 28, 28), 10, seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    changed = weights(build(Recipe(pipeline=(FGSM(eps=0.3),)), (1, 28, 28), 10, 0))
    assert torch.equal(changed, one)  # recipes with one seed start from one network


def test_a_separable_set_is_learned() -> None:
    recipe = Recipe(architecture=LeNet5(), train=Train(epochs=6, batch_size=16, learning_rate=1e-3))
    fitted = fit(recipe, make(96), seed=0, validation=make(30, seed=5))
    assert fitted.history[-1].validation_accuracy == 1
    assert fitted.history[-1].accuracy > 0.9
    assert fitted.history[-1].loss < 0.2 < fitted.history[0].loss


def test_soft_labels_are_learned_through_mixup() -> None:
    recipe = Recipe(pipeline=(MixUp(alpha=0.5),), train=Train(epochs=8, batch_size=16, learning_rate=1e-3))
    fitted = fit(recipe, make(96), seed=0, validation=make(30, seed=5))
    assert fitted.history[-1].validation_accuracy == 1


def reference(recipe: Recipe, images: Images, seed: int) -> tuple[Tensor, list[list[float]], list[list[float]]]:
    """Training with cross entropy written down again: weights, and each step's loss and accuracy in each epoch."""
    model = build(recipe, images.shape, images.n_classes, seed)
    unit = images.x.float() / 255
    assert isinstance(model, Network)
    model.normalise.mean.fill_(unit.double().mean())
    model.normalise.std.fill_(unit.double().std(correction=0))
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.train.learning_rate)
    order = derive(seed, "order")
    losses, hits = [], []
    for _ in range(recipe.train.epochs):
        shuffled = torch.randperm(len(images), generator=order).tolist()
        epoch_losses, epoch_hits = [], []
        for start in range(0, len(images), recipe.train.batch_size):
            index = shuffled[start : start + recipe.train.batch_size]
            logits = model(unit[index])
            loss = -logits.log_softmax(1)[range(len(index)), images.y[index]].mean()
            epoch_losses += [float(loss.detach())] * len(index)
            epoch_hits += (logits.argmax(1) == images.y[index]).float().tolist()
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
        losses.append(epoch_losses)
        hits.append(epoch_hits)
    return weights(model), losses, hits


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_weights_and_history_agree_with_an_independent_loop() -> None:
    recipe, images = tiny(epochs=3), make(47)  # the last batch has 7 images
    fitted = fit(recipe, images, seed=2)
    wanted, losses, hits = reference(recipe, images, 2)
    torch.testing.assert_close(weights(fitted.model), wanted, rtol=1e-4, atol=1e-6)
    for number, epoch in enumerate(fitted.history):
        assert epoch.epoch == number + 1
        assert epoch.loss == pytest.approx(mean(losses[number]), rel=1e-4)
        assert epoch.accuracy == pytest.approx(mean(hits[number]))


def test_progress_tells_the_mean_since_it_last_did() -> None:
    images = make(300)
    recipe = tiny(train=Train(epochs=2, batch_size=10, learning_rate=1e-3))
    steps: list[Step] = []
    fit(recipe, images, seed=2, progress=steps.append)
    _, losses, hits = reference(recipe, images, 2)
    assert [(step.epoch, step.epochs, step.seen, step.total) for step in steps] == [
        (1, 2, 250, 600),
        (1, 2, 300, 600),
        (2, 2, 550, 600),
        (2, 2, 600, 600),
    ]
    for step, part in zip(steps, (slice(250), slice(250, 300)) * 2, strict=True):
        assert step.loss == pytest.approx(mean(losses[step.epoch - 1][part]), rel=1e-4)
        assert step.accuracy == pytest.approx(mean(hits[step.epoch - 1][part]))


def test_the_pipeline_is_applied_from_left_to_right_and_then_the_objective() -> None:
    for attack_first in (False, True):
        log: list[Any] = []
        pieces: tuple[Any, ...] = (Spy(label="add", log=log, add=1.0), SpyAttack(label="attack", log=log))
        pieces = (pieces[::-1] if attack_first else pieces) + (Spy(label="last", log=log),)
        fit(tiny(epochs=1, pipeline=pieces, objective=SpyObjective(log=log)), make(20), seed=0)
        names = ["attack", "add"] if attack_first else ["add", "attack"]
        assert [entry[0] for entry in log] == [*names, "last", "objective"] * 2
        first, second, last, trained = (entry[1] for entry in log[:4])
        assert 0 < float(first.mean()) < 1
        assert bool((second == (0 if attack_first else 1)).all())
        assert bool((last == (1 if attack_first else 0)).all())
        assert torch.equal(last, trained)
        assert len({id(entry[3]) for entry in log}) == 1  # one stream for the whole pipeline


def test_every_epoch_meets_every_image_once_in_another_order() -> None:
    log: list[Any] = []
    images = make(25)
    fit(tiny(epochs=2, objective=SpyObjective(log=log)), images, seed=0)
    assert [len(entry[1]) for entry in log] == [10, 10, 5] * 2
    epochs = [torch.cat([entry[1] for entry in log[part]]) for part in (slice(3), slice(3, 6))]
    sums = to_unit(images.x).sum((1, 2, 3))
    for epoch in epochs:
        torch.testing.assert_close(epoch.sum((1, 2, 3)).sort().values, sums.sort().values)
    assert not torch.equal(epochs[0], epochs[1])


def test_labels_are_soft_only_where_a_step_needs_them() -> None:
    for needed in (False, True):
        log: list[Any] = []
        mixing = (MixUp(alpha=1),) if needed else ()
        images = make(20)
        fit(
            tiny(epochs=1, pipeline=(Spy(label="spy", log=log), *mixing), objective=SpyObjective(log=log)),
            images,
            seed=0,
        )
        before, after = log[0][2], log[1][2]
        assert before.shape == ((10, 3) if needed else (10,))
        if needed:
            assert before.sort(1).values.tolist() == [[0, 0, 1]] * 10
            torch.testing.assert_close(after.sum(1), torch.ones(10))
            assert bool(((after > 0) & (after < 1)).any())


def test_a_fixed_sample_of_images_is_trained_on() -> None:
    drawn = []
    for seed in (0, 1):
        log: list[Any] = []
        train = Train(epochs=1, batch_size=10, learning_rate=1e-2, images=7)
        fit(tiny(train=train, objective=SpyObjective(log=log)), make(40), seed=seed)
        assert [len(entry[1]) for entry in log] == [7]
        drawn.append(log[0][1].sum((1, 2, 3)).sort().values)
    assert torch.equal(drawn[0], drawn[1])
    assert fit(tiny(train=Train(epochs=1, images=1000)), make(9), seed=0).history


def test_normalisation_comes_from_the_images_that_are_trained_on() -> None:
    images = make(40)
    model = fit(tiny(train=Train(epochs=1, images=10)), images, seed=0).model
    used = images.take(torch.randperm(40, generator=derive(0, "sample", "bars"))[:10].sort().values)
    assert isinstance(model, Network)
    assert float(model.normalise.mean) == pytest.approx(float(used.x.double().mean() / 255), rel=1e-6)


@pytest.mark.parametrize("scale", [torch.inf, torch.nan])
def test_a_loss_that_is_not_finite_ends_training_with_a_clear_message(scale: float) -> None:
    with pytest.raises(DivergedError, match=r"training diverged: .* in epoch 1 by step 5; lower the learning rate"):
        fit(tiny(objective=SpyObjective(scale=scale)), make(), seed=0)


@pytest.mark.parametrize("images", [10, 48])
@pytest.mark.parametrize("validation", [None, make(9)])
def test_a_learning_rate_that_is_far_too_high_diverges(images: int, validation: Images | None) -> None:
    train = Train(epochs=2, batch_size=10, learning_rate=1e38)
    with pytest.raises(DivergedError, match="training diverged"):
        fit(tiny(train=train), make(images), seed=0, validation=validation)


def test_weights_that_diverged_are_told_where_the_objectives_attack_meets_them() -> None:
    objective = MixedAdversarial(attack=FGSM(eps=0.1))
    train = Train(epochs=2, batch_size=10, learning_rate=1e38)
    with pytest.raises(DivergedError, match="training diverged"):
        fit(tiny(train=train, objective=objective), make(48), seed=0)


def test_an_ensemble_is_trained_member_by_member() -> None:
    with pytest.raises(BadValueError, match=r"train recipe.member with several seeds"):
        fit(Recipe(members=3), make(), seed=0)


def test_a_batch_may_be_larger_than_the_set() -> None:
    train = Train(epochs=1, batch_size=1000)
    assert len(fit(tiny(train=train), make(5), seed=0).history) == 1


def test_the_model_is_the_recipes_and_keeps_its_shape() -> None:
    model = fit(tiny(epochs=1), make(), seed=0).model
    assert model.n_classes == 3
    assert copy.deepcopy(model)(torch.zeros(2, 1, SIZE, SIZE)).shape == (2, 3)
    assert F.softmax(model(torch.zeros(1, 1, SIZE, SIZE)), 1).isfinite().all()


# Outliers, and tuning


def test_exposure_makes_a_model_unsure_on_outliers_and_leaves_the_other_draws_alone() -> None:
    images = make()
    log: list[Any] = []
    exposed_log: list[Any] = []
    spy, exposed_spy = Spy(label="a", log=log), Spy(label="a", log=exposed_log)
    plain = fit(tiny(epochs=30, pipeline=(spy,)), images, seed=0)
    objective = OutlierExposure(source=DataSet(of="other"), weight=2)
    barless = make(60, seed=5)
    strange = Images(name="other/outliers", x=barless.x.clamp(max=60), y=barless.y, classes=CLASSES)
    recipe = tiny(epochs=30, pipeline=(exposed_spy,), objective=objective)
    exposed = fit(recipe, images, seed=0, outliers={"other": strange})
    assert all(torch.equal(one[1], two[1]) for one, two in zip(log, exposed_log, strict=True))  # the same batches

    def sure(model: Classifier, x: Tensor) -> float:
        return float(predict_all(model, x).logits.softmax(1).amax(1).mean())

    assert sure(exposed.model, strange.x) < 0.5 < sure(plain.model, strange.x)
    assert sure(exposed.model, images.x) > 0.9


def test_outliers_are_drawn_from_the_batch_as_it_was_before_the_pipeline() -> None:
    met: list[Tensor] = []

    @dataclass(frozen=True, kw_only=True)
    class Mirror:
        name: ClassVar[str] = "mirror"
        version: ClassVar[int] = 1
        seen: ClassVar[tuple[str, ...]] = ("mirror",)

        def open(self, sets: Any) -> Any:  # noqa: ARG002
            return self.draw

        def draw(self, x: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
            met.append(x.clone())
            return x.flip(3)

    log: list[Any] = []
    recipe = tiny(epochs=1, pipeline=(Spy(label="a", log=log, add=0.3),), objective=OutlierExposure(source=Mirror()))
    fit(recipe, make(), seed=0)
    assert len(met) == len(log) == 5
    assert all(torch.equal(clean, entry[1]) for clean, entry in zip(met, log, strict=True))


def test_outliers_that_are_not_given_are_asked_for() -> None:
    with pytest.raises(MissingDataError, match="fashion_mnist: no such set to train on"):
        fit(tiny(objective=OutlierExposure()), make(), seed=0)


def test_a_tuning_goes_on_from_its_start_with_its_own_settings() -> None:
    images = make()
    still = Tuned(objective=CrossEntropy(), train=Train(epochs=3, batch_size=10, learning_rate=0))
    recipe = tiny(tuning=still)
    first = fit(recipe.first, images, seed=0)
    state = copy.deepcopy(first.model.state_dict())
    kept = fit(recipe, images, seed=0, start=state)
    assert torch.equal(weights(kept.model), weights(first.model))
    assert len(kept.history) == 3
    moved = Tuned(objective=OutlierExposure(source=Noise()), train=Train(epochs=1, batch_size=10, learning_rate=1e-2))
    other = fit(replace(recipe, tuning=moved), images, seed=0, start=state)
    assert not torch.equal(weights(other.model), weights(first.model))
    assert all(torch.equal(value, first.model.state_dict()[name]) for name, value in state.items())


def test_a_tuning_keeps_the_normalisation_of_its_start_and_draws_another_order() -> None:
    images = make()
    log: list[Any] = []
    first = Recipe(pipeline=(Spy(label="a", log=log),), train=Train(epochs=1, batch_size=16))
    start = fit(first, images, seed=0).model
    tuned = replace(first, tuning=Tuned(objective=CrossEntropy(), train=Train(epochs=1, batch_size=16, images=32)))
    other = fit(tuned, make(seed=9), seed=0, start=start.state_dict()).model
    before, after = (dict(model.named_buffers()) for model in (start, other))
    assert before
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    again = fit(
        replace(tuned, tuning=Tuned(objective=CrossEntropy(), train=first.train)),
        images,
        seed=0,
        start=start.state_dict(),
    )
    assert again.history
    assert not torch.equal(log[0][1], log[5][1])


@pytest.mark.parametrize("tuned", [True, False])
def test_a_start_and_a_tuning_need_each_other(tuned: bool) -> None:
    recipe = tiny(tuning=Tuned(objective=CrossEntropy())) if tuned else tiny()
    start = None if tuned else fit(tiny(epochs=1), make(), seed=0).model.state_dict()
    with pytest.raises(BadValueError, match="start: "):
        fit(recipe, make(), seed=0, start=start)


# Training on moved images


def test_free_training_agrees_with_an_independent_loop() -> None:
    """Each batch three times; one backward pass moves the weights, then the perturbation that the next step meets."""
    images, eps = make(24), 0.1
    recipe = tiny(epochs=2, objective=Free(eps=eps, replays=3))
    model = build(recipe, images.shape, images.n_classes, 2)
    unit = images.x.float() / 255
    assert isinstance(model, Network)
    model.normalise.fit(images.x)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    order, moved = derive(2, "order"), torch.zeros(10, 1, SIZE, SIZE)
    losses = []
    for _ in range(2):
        shuffled = torch.randperm(24, generator=order)
        for index in (shuffled[:10], shuffled[10:20], shuffled[20:]):
            for _ in range(3):
                x = (unit[index] + moved[: len(index)]).clamp(0, 1).requires_grad_()
                loss = F.cross_entropy(model(x), images.y[index])
                weight_gradients = torch.autograd.grad(loss, [*model.parameters(), x])
                for weight, gradient in zip(model.parameters(), weight_gradients[:-1], strict=True):
                    weight.grad = gradient
                optimiser.step()
                step = eps * weight_gradients[-1].sign()
                moved[: len(index)] = (moved[: len(index)] + step).clamp(-eps, eps)
                losses += [float(loss.detach())] * len(index)
    fitted = fit(recipe, images, seed=2)
    torch.testing.assert_close(weights(fitted.model), weights(model), rtol=1e-4, atol=1e-6)
    assert fitted.history[0].loss == pytest.approx(mean(losses[:72]), rel=1e-4)
    assert fitted.history[1].loss == pytest.approx(mean(losses[72:]), rel=1e-4)


def test_free_training_takes_one_pass_a_step() -> None:
    passes: list[int] = []
    hook = nn.modules.module.register_module_forward_hook(
        lambda module, _, result: passes.append(len(result)) if isinstance(module, Network) else None
    )
    try:
        fit(tiny(epochs=1, objective=Free(eps=0.1, replays=4)), make(25), seed=0)
    finally:
        hook.remove()
    assert passes == [10] * 8 + [5] * 4


def test_free_training_inside_another_objective_moves_images_and_leaves_outliers() -> None:
    images = make()
    inside, plain = (
        fit(tiny(objective=OutlierExposure(objective=objective, source=Noise())), images, seed=0)
        for objective in (Free(eps=0.2, replays=1), CrossEntropy())
    )
    assert not torch.equal(weights(inside.model), weights(plain.model))
    still = fit(tiny(objective=OutlierExposure(objective=Free(eps=0.0, replays=1), source=Noise())), images, seed=0)
    assert torch.equal(weights(still.model), weights(plain.model))


@pytest.mark.parametrize("name", RECIPES)
def test_models_that_meet_moved_images_are_looked_at_under_attack(name: str) -> None:
    recipe, unseen = RECIPES[name], make(300, seed=1)
    history = fit(recipe, make(), seed=3, validation=unseen).history
    if name in ("lenet5", "dropout", "outliers", "snapshots"):
        assert recipe.ball is None
        assert all(epoch.robust_accuracy is epoch.fgsm_accuracy is None for epoch in history)
        return
    assert recipe.ball == (0.1, "linf")
    model = fit(recipe, make(), seed=3).model
    chosen = torch.randperm(300, generator=derive(0, "sample", "bars"))[:250].sort().values
    found = look(model, to_unit(unseen.x[chosen]), unseen.y[chosen], 0.1, "linf", derive(3, "watch"))
    assert (history[-1].robust_accuracy, history[-1].fgsm_accuracy) == found
    assert fit(recipe, make(), seed=3).history[-1].robust_accuracy is None


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """Two hidden layers of 128 units."""

    name: ClassVar[str] = "hidden"
    version: ClassVar[int] = 1
    cost: ClassVar[float] = 0.1

    def build(self, shape: tuple[int, int, int], n_classes: int) -> Classifier:
        size = shape[0] * shape[1] * shape[2]
        layers = (nn.Linear(size, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU())
        return Network(shape, n_classes, nn.Sequential(nn.Flatten(), *layers), 128)


def patterns(n: int, seed: int) -> Images:
    """Three random patterns on noise."""
    pattern = torch.rand(3, 1, 12, 12, generator=torch.Generator().manual_seed(9))
    y, noise = torch.arange(n) % 3, torch.randn(n, 1, 12, 12, generator=torch.Generator().manual_seed(seed))
    x = (0.5 * pattern[y] + 0.25 + 0.2 * noise).clamp(0, 1)
    return Images(name="patterns", x=(x * 255).round().to(torch.uint8), y=y, classes=CLASSES)


@pytest.mark.parametrize(("eps", "broken"), [(0.3, True), (0.1, False)])
def test_single_steps_that_are_too_long_break_training_and_it_is_seen(eps: float, broken: bool) -> None:
    train = Train(epochs=6, batch_size=20, learning_rate=3e-3)
    recipe = Recipe(architecture=Hidden(), pipeline=(FGSM(eps=eps),), train=train)
    history = fit(recipe, patterns(300, 0), seed=0, validation=patterns(100, 1)).history
    last = history[-1]
    assert last.robust_accuracy is not None
    assert last.fgsm_accuracy is not None
    assert last.fgsm_accuracy > 0.7
    assert (last.robust_accuracy < 0.1) == broken
    assert (last.robust_accuracy > 0.6) != broken
    assert (overfitting([epoch._asdict() for epoch in history]) is not None) == broken


def test_images_without_their_names_are_refused() -> None:
    images = make()
    with pytest.raises(
        BadValueError, match=r"images: expected Images, got tuple; Images.from_floats\(x, y\) makes them"
    ):
        fit(tiny(), (images.x, images.y), seed=0)  # type: ignore[arg-type]


# Several networks from one training


def cyclic(recipe: Recipe, images: Images, seed: int, rates: list[float], looks: list[int]) -> list[Tensor]:
    """Training with a learning rate for each step, written down again: the weights after the steps in `looks`."""
    model = build(recipe.network, images.shape, images.n_classes, seed)
    assert isinstance(model, Network)
    model.normalise.fit(images.x)
    optimiser = torch.optim.Adam(model.parameters(), lr=1.0)
    order, found, step = derive(seed, "order"), [], 0
    while step < len(rates):
        for index in torch.split(torch.randperm(len(images), generator=order), recipe.train.batch_size):
            optimiser.param_groups[0]["lr"] = rates[step]
            optimiser.zero_grad()
            torch.autograd.backward(F.cross_entropy(model(to_unit(images.x[index])), images.y[index]))
            optimiser.step()
            step += 1
            if step in looks:
                found.append(weights(model))
    return found


def test_snapshots_are_the_weights_at_the_ends_of_the_cycles() -> None:
    recipe, images = tiny(epochs=3, weights=Snapshots(members=3)), make(47)  # three epochs of five steps
    model = fit(recipe, images, seed=2).model
    rates = [1e-2 / 2 * (np.cos(np.pi * (step % 5) / 5) + 1) for step in range(15)]
    wanted = cyclic(recipe, images, 2, rates, [5, 10, 15])
    assert len(model.members) == 3
    for member, ending in zip(model.members, wanted, strict=True):
        torch.testing.assert_close(weights(member), ending, rtol=1e-4, atol=1e-6)


def test_a_model_of_several_networks_is_the_mean_of_their_softmaxes() -> None:
    for one in (Snapshots(members=3), SWAG(samples=3, epochs=1, moments=2, rank=2)):
        model, x = fit(tiny(dropout=0.5, weights=one), make(), seed=0).model, make(9, seed=1).x
        members = [predict_all(member, x).logits.softmax(1) for member in model.members]
        assert len(members) == 3
        assert not torch.equal(members[0], members[1])
        torch.testing.assert_close(predict_all(model, x).logits.softmax(1), torch.stack(members).mean(0))
        assert not any(module.training for module in model.modules())


def test_swag_draws_around_the_mean_of_further_epochs() -> None:
    part = SWAG(samples=4, epochs=2, moments=5, rank=3, learning_rate=3e-2)
    recipe, images = tiny(epochs=1, weights=part), make(47)
    model = fit(recipe, images, seed=2).model
    looks = [5, *(5 + number * 10 // 5 for number in range(1, 6))]
    path = torch.stack(cyclic(recipe, images, 2, [1e-2] * 5 + [3e-2] * 10, looks)).double()
    deviations = [path[n] - path[: n + 1].mean(0) for n in (3, 4, 5)]
    generator = derive(2, "swag")
    for member in model.members:
        own, shared = torch.randn(path.shape[1], generator=generator), torch.randn(3, generator=generator)
        wanted = path.mean(0) + path.std(0, correction=0) * own / 2**0.5
        wanted += sum(z * column for z, column in zip(shared, deviations, strict=True)) / 2
        torch.testing.assert_close(weights(member), wanted.float(), rtol=1e-3, atol=1e-5)


def test_the_epochs_before_swags_own_are_those_of_the_recipe_without_it() -> None:
    images, plain = make(), tiny(epochs=2, dropout=0.5)
    drawn = replace(plain, weights=SWAG(samples=2, epochs=3, moments=4, rank=2))
    alone, longer = (fit(recipe, images, seed=1, validation=make(9, seed=1)).history for recipe in (plain, drawn))
    assert [epoch.epoch for epoch in longer] == [1, 2, 3, 4, 5]
    assert longer[:2] == alone
    steps: list[Step] = []
    fit(drawn, images, seed=1, progress=steps.append)
    assert (steps[-1].epoch, steps[-1].epochs, steps[-1].seen, steps[-1].total) == (5, 5, 5 * 48, 5 * 48)


def test_building_several_networks_gives_copies_of_the_first() -> None:
    model = build(tiny(weights=Snapshots(members=3)), (1, SIZE, SIZE), 3, seed=4)
    first = weights(build(tiny(), (1, SIZE, SIZE), 3, seed=4))
    assert all(torch.equal(weights(member), first) for member in model.members)
    assert len({id(weight) for member in model.members for weight in member.parameters()}) == 6
    assert "models.2.last.weight" in model.state_dict()


def test_more_cycles_than_steps_are_refused() -> None:
    with pytest.raises(BadValueError, match="snapshots: members: expected at most one for each of the 2 steps"):
        fit(tiny(epochs=1, weights=Snapshots()), make(20), seed=0)
