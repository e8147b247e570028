"""Which recipes stack."""

import re
from dataclasses import dataclass
from typing import ClassVar

import pytest

from assay.architectures import LeNet5Large, Residual, ViT
from assay.attacks import APGD, FGSM, PGD
from assay.augmentations import AugMix, CutOut, MixUp
from assay.evaluations import Calibration, Shift
from assay.objectives import Focal, Free, MixedAdversarial, OutlierExposure, Trades
from assay.outliers import Noise
from assay.posthoc import Temperature
from assay.recipe import Recipe, Train, Tuned
from assay.stacks import evaluation_family, family, stackable, why_alone
from assay.weights import SWAG

BASE = Recipe()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BASE, BASE),
        (BASE, Recipe(pipeline=(CutOut(length=7, holes=1), MixUp(alpha=1)))),
        (BASE, Recipe(pipeline=(AugMix(),))),
        (Recipe(pipeline=(PGD(eps=0.1, steps=3),)), Recipe(pipeline=(MixUp(alpha=1), FGSM(eps=0.3)))),
        (Recipe(pipeline=(PGD(eps=1, steps=3, norm="l2"),)), Recipe(pipeline=(FGSM(eps=2, norm="l2"),))),
        (Recipe(objective=Focal()), Recipe(objective=Focal(), pipeline=(MixUp(alpha=1),))),
    ],
)
def test_these_stack(one: Recipe, other: Recipe) -> None:
    assert stackable(one, other)
    assert why_alone(one) is None


@pytest.mark.parametrize(
    "other",
    [
        Recipe(architecture=LeNet5Large()),
        Recipe(train=Train(learning_rate=1e-3)),
        Recipe(objective=Focal()),
        Recipe(pipeline=(FGSM(eps=0.1),)),
    ],
)
def test_these_stack_with_their_like_but_not_with_the_baseline(other: Recipe) -> None:
    assert not stackable(BASE, other)
    assert stackable(other, other)


def test_balls_of_two_norms_do_not_stack() -> None:
    assert not stackable(Recipe(pipeline=(FGSM(eps=0.1),)), Recipe(pipeline=(FGSM(eps=1, norm="l2"),)))


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        (Recipe(members=3), "more than the training of one model"),
        (Recipe(posthoc=Temperature()), "more than the training of one model"),
        (Recipe(tuning=Tuned(objective=OutlierExposure(source=Noise()))), "goes on from another"),
        (Recipe(weights=SWAG()), "several networks"),
        (Recipe(architecture=Residual()), "residual does not stack"),
        (Recipe(architecture=ViT()), "vit does not stack"),
        (Recipe(objective=Trades(eps=0.1, steps=2)), "trades does not stack"),
        (Recipe(objective=Free(eps=0.1, replays=2)), "free does not stack"),
        (Recipe(objective=MixedAdversarial(attack=FGSM(eps=0.1))), "mixed_adversarial does not stack"),
        (Recipe(objective=OutlierExposure(source=Noise())), "outlier_exposure does not stack"),
        (Recipe(pipeline=(FGSM(eps=0.1), FGSM(eps=0.1))), "several attacks"),
        (Recipe(pipeline=(PGD(eps=0.1, steps=2, restarts=2),)), r"pgd\(.*restarts=2\) does not stack"),
        (Recipe(pipeline=(PGD(eps=0.1, steps=2, early_stop=True),)), "early_stop=True"),
        (Recipe(pipeline=(PGD(eps=0.1, steps=2, target="least_likely"),)), "does not stack"),
        (Recipe(pipeline=(PGD(eps=0.1, steps=2, norm="l1"),)), "does not stack"),
        (Recipe(pipeline=(FGSM(eps=0.1, target=1),)), "does not stack"),
        (Recipe(pipeline=(APGD(eps=0.1, steps=2),)), "does not stack"),
    ],
)
def test_these_are_trained_alone(recipe: Recipe, why: str) -> None:
    assert family(recipe) is None
    assert not stackable(recipe, recipe)
    found = why_alone(recipe)
    assert found is not None
    assert re.search(why, found)


def test_models_are_evaluated_together_whatever_they_were_trained_by() -> None:
    own = evaluation_family(BASE, Calibration())
    assert own is not None
    for other in (
        Recipe(pipeline=(FGSM(eps=0.1),)),
        Recipe(train=Train(epochs=7)),
        Recipe(objective=Trades(eps=0.1, steps=2)),
        Recipe(tuning=Tuned(objective=OutlierExposure(source=Noise()))),
    ):
        assert evaluation_family(other, Calibration()) == own
    for other in (Recipe(members=3), Recipe(architecture=LeNet5Large())):
        assert evaluation_family(other, Calibration()) not in (None, own)
    assert evaluation_family(BASE, Calibration(bins=7)) not in (None, own)
    assert evaluation_family(BASE, Shift()) not in (None, own)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(architecture=ViT()),
        Recipe(architecture=Residual()),
        Recipe(posthoc=Temperature()),
        Recipe(weights=SWAG()),
    ],
)
def test_these_are_evaluated_by_themselves(recipe: Recipe) -> None:
    assert evaluation_family(recipe, Calibration()) is None


@dataclass(frozen=True, kw_only=True)
class Own(Calibration):
    """An evaluation that does not say that it works in a stack."""

    stacks: ClassVar[bool] = False


def test_an_evaluation_that_does_not_say_so_is_done_model_by_model() -> None:
    assert evaluation_family(BASE, Own()) is None
