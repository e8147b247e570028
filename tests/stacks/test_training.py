"""A stack gives each recipe what `fit` gives it alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from assay import fit as alone
from assay.architectures import LeNet5, LeNet5Large, Mixer
from assay.attacks import FGSM, PGD
from assay.augmentations import CutMix, CutOut, MixUp
from assay.classifier import Classifier
from assay.data import Images
from assay.errors import BadValueError
from assay.fit import DivergedError, Fitted, Step
from assay.objectives import MMCE, Focal, LabelSmoothing
from assay.recipe import Recipe, Train
from assay.stacks import batches, fit_stack, training

TRAIN = Train(epochs=2, batch_size=16, learning_rate=1e-3)


def bars(n: int = 40) -> Images:
    """A bright bar at the left, at the right or at the top, on noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 60, (n, 1, 16, 16), generator=generator).to(torch.uint8)
    y = torch.arange(n) % 3
    x[y == 0, :, :, :3] = 220
    x[y == 1, :, :, -3:] = 220
    x[y == 2, :, :3, :] = 220
    return Images(name="bars", x=x, y=y, classes=("left", "right", "top"))


def recipe(*pipeline: Any, **changes: Any) -> Recipe:
    return Recipe(pipeline=pipeline, **{"train": TRAIN, **changes})


def distance(one: Classifier, other: Classifier) -> float:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


@pytest.fixture
def exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train in float64, where the sign of a gradient does not hang on rounding."""
    build: Callable[..., Classifier] = alone.build
    for module in (alone, batches):
        monkeypatch.setattr(module, "build", lambda *given: build(*given).double())
    for module in (alone, training):
        monkeypatch.setattr(module, "to_unit", lambda x: x.double() / 255)


STACKS = {
    "members": ([recipe()] * 3, (0, 1000, 2000)),
    "augmentations": ([recipe(), recipe(CutOut(length=5, holes=1)), recipe(MixUp(alpha=1)), recipe()], (0, 0, 0, 1)),
    "two augmentations": ([recipe(CutOut(length=5, holes=1), MixUp(alpha=1)), recipe(CutMix(alpha=1))], (0, 1)),
    "attacks": (
        [
            recipe(PGD(eps=0.1, steps=1)),
            recipe(PGD(eps=0.3, steps=4)),
            recipe(FGSM(eps=0.2)),
            recipe(PGD(eps=0.2, steps=3, step_size=0.1, random_start=False)),
            recipe(FGSM(eps=0.2, random_start=True)),
            recipe(PGD(eps=0, steps=2)),
        ],
        (0, 0, 0, 1, 2, 3),
    ),
    "l2": ([recipe(PGD(eps=0.5, steps=2, norm="l2")), recipe(FGSM(eps=2, norm="l2"))], (0, 1)),
    "attacks and augmentations": (
        [
            recipe(CutOut(length=5, holes=1), PGD(eps=0.2, steps=2)),
            recipe(PGD(eps=0.1, steps=3), MixUp(alpha=1)),
            recipe(MixUp(alpha=1), FGSM(eps=0.2), CutOut(length=3, holes=2)),
            recipe(FGSM(eps=0.2)),
        ],
        (0, 0, 0, 0),
    ),
    "label_smoothing": (
        [recipe(objective=LabelSmoothing()), recipe(MixUp(alpha=1), objective=LabelSmoothing())],
        (0, 1),
    ),
    "focal": ([recipe(objective=Focal()), recipe(MixUp(alpha=1), objective=Focal())], (0, 1)),
    "mmce": ([recipe(objective=MMCE())] * 2, (0, 1)),
    "mixer": ([recipe(FGSM(eps=0.1), architecture=Mixer())] * 2, (0, 1)),
    "sample": ([recipe(train=replace(TRAIN, images=20))] * 2, (0, 1)),
}


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize(("recipes", "seeds"), STACKS.values(), ids=STACKS)
def test_a_stack_gives_the_weights_of_one_at_a_time(recipes: list[Recipe], seeds: tuple[int, ...]) -> None:
    images = bars()
    for own, seed, stacked in zip(recipes, seeds, fit_stack(recipes, images, seeds=seeds), strict=True):
        single = alone.fit(own, images, seed=seed)
        assert isinstance(stacked, Fitted)
        assert distance(stacked.model, single.model) < 1e-9
        for ours, theirs in zip(stacked.history, single.history, strict=True):
            assert ours.epoch == theirs.epoch
            assert ours[1:3] == pytest.approx(theirs[1:3], rel=1e-6)


@pytest.mark.usefixtures("exactly")
def test_a_large_network_stacks_too() -> None:
    own, images = recipe(architecture=LeNet5Large(), train=replace(TRAIN, epochs=1)), bars(20)
    [stacked, _] = fit_stack([own, own], images, seeds=(0, 1))
    assert isinstance(stacked, Fitted)
    assert distance(stacked.model, alone.fit(own, images, seed=0).model) < 1e-9


def test_in_float32_it_differs_by_rounding_and_ends_in_evaluation_mode() -> None:
    images, recipes = bars(), [recipe(), recipe(MixUp(alpha=1)), recipe(CutOut(length=5, holes=1))]
    for own, stacked in zip(recipes, fit_stack(recipes, images, seeds=(0, 0, 0), validation=images), strict=True):
        single = alone.fit(own, images, seed=0, validation=images)
        assert isinstance(stacked, Fitted)
        assert distance(stacked.model, single.model) < 1e-4
        assert not stacked.model.training
        assert type(stacked.model) is type(single.model)
        for ours, theirs in zip(stacked.history, single.history, strict=True):
            assert ours.validation_accuracy == pytest.approx(theirs.validation_accuracy, abs=1 / len(images))


def test_it_looks_under_attack_after_each_epoch_where_training_attacks() -> None:
    images = bars()
    [attacked, other] = fit_stack(
        [recipe(FGSM(eps=0.05)), recipe(FGSM(eps=0.4))], images, seeds=(0, 0), validation=images
    )
    assert isinstance(attacked, Fitted)
    assert isinstance(other, Fitted)
    for fitted, own in ((attacked, recipe(FGSM(eps=0.05))), (other, recipe(FGSM(eps=0.4)))):
        seen = alone.seen_after(fitted.model, own, images, 0)
        assert fitted.history[-1][3:] == seen
        assert seen[1] is not None


def test_it_leaves_the_global_stream_as_it_was() -> None:
    before = torch.get_rng_state()
    fit_stack([recipe(), recipe()], bars(20), seeds=(0, 1))
    assert torch.equal(torch.get_rng_state(), before)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An augmentation that gives no numbers from its third batch on."""

    name: ClassVar[str] = "broken"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False
    calls: list[int]

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        self.calls.append(1)
        return (x * float("nan") if len(self.calls) > 2 else x), y


@pytest.mark.parametrize("attack", [(), (FGSM(eps=0.1),)], ids=["plain", "attacked"])
def test_a_network_that_diverges_fails_alone(attack: tuple[FGSM, ...]) -> None:
    images = bars()
    recipes = [recipe(*attack), recipe(Broken(calls=[]), *attack), recipe(MixUp(alpha=1), *attack)]
    told: list[tuple[int, Step]] = []
    first, broken, last = fit_stack(recipes, images, seeds=(0, 1, 2), progress=lambda *now: told.append(now))
    shown = [place for place, _ in told]
    assert isinstance(broken, DivergedError)
    assert ("gradients" if attack else "loss is not finite in epoch 1 by step 3") in str(broken)
    with pytest.raises(DivergedError) as error:
        alone.fit(recipe(Broken(calls=[]), *attack), images, seed=1)
    assert str(error.value) == str(broken)
    assert shown.count(0) == shown.count(2) == TRAIN.epochs
    assert 1 not in shown
    for fitted, seed, own in ((first, 0, recipes[0]), (last, 2, recipes[2])):
        assert isinstance(fitted, Fitted)
        assert all(bool(value.isfinite().all()) for value in fitted.model.state_dict().values())
        tolerance = 0.02 if attack else 1e-4  # a sign that rounding turns moves a pixel
        assert distance(fitted.model, alone.fit(own, images, seed=seed).model) < tolerance


def test_a_stack_in_which_all_diverge_stops() -> None:
    wild, told = recipe(train=replace(TRAIN, learning_rate=1e30, epochs=1000)), list[tuple[int, Step]]()
    found = fit_stack([wild, wild], bars(), seeds=(0, 1), progress=lambda *now: told.append(now))
    assert [type(one) for one in found] == [DivergedError, DivergedError]
    assert not told


def test_progress_tells_each_network_its_own() -> None:
    told: dict[int, list[Step]] = {0: [], 1: []}
    recipes = [recipe(FGSM(eps=0.1)), recipe(PGD(eps=0.3, steps=3))]  # the stack turns their order round
    found = fit_stack(recipes, bars(), seeds=(0, 5), progress=lambda place, step: told[place].append(step))
    for place, fitted in enumerate(found):
        assert isinstance(fitted, Fitted)
        assert [step.loss for step in told[place]] == pytest.approx([epoch.loss for epoch in fitted.history])
        assert [step.seen for step in told[place]] == [40, 80]


@pytest.mark.parametrize(
    ("recipes", "seeds", "words"),
    [
        ([], (), "expected one for each"),
        ([recipe()], (0, 1), "got 2 for 1"),
        ([recipe(members=2)], (0,), "train it with fit"),
        ([recipe(), recipe(architecture=Mixer())], (0, 0), "differ in architecture"),
        ([recipe(), recipe(FGSM(eps=0.1))], (0, 0), "differ in"),
    ],
)
def test_what_does_not_stack_is_refused(recipes: list[Recipe], seeds: tuple[int, ...], words: str) -> None:
    with pytest.raises(BadValueError, match=words):
        fit_stack(recipes, bars(), seeds=seeds)


def test_images_must_be_images() -> None:
    with pytest.raises(BadValueError, match="expected Images, got list"):
        fit_stack([recipe(architecture=LeNet5())], [], seeds=(0,))  # type: ignore[arg-type]
