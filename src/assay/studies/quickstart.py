"""A first look at every axis: nine recipes on reduced training, a few minutes on two cores."""

from dataclasses import replace

from assay.architectures import LeNet5Large
from assay.attacks import FGSM, PGD
from assay.augmentations import CutOut, MixUp
from assay.evaluations import Adversarial, Anomaly, Calibration, Shift
from assay.recipe import Recipe, Train
from assay.study import Study, Transferred

_fgsm = FGSM(eps=0.2)
_pgd = PGD(eps=0.2, steps=5)
_cutout = CutOut(length=7, holes=1)

_recipes = (
    Recipe(),
    Recipe(pipeline=(_fgsm,)),
    Recipe(pipeline=(_pgd,)),
    Recipe(pipeline=(_cutout,)),
    Recipe(pipeline=(MixUp(alpha=1.0),)),
    Recipe(pipeline=(_cutout, _pgd)),
    Recipe(pipeline=(_pgd, _cutout)),
    Recipe(members=3),
    Recipe(architecture=LeNet5Large()),
)

quickstart = Study(
    name="quickstart",
    title="Quickstart: nine recipes on four axes",
    question=(
        "What does each safety technique gain on MNIST, and what does it cost elsewhere? Training is reduced, so the "
        "numbers show directions, not the best that each technique can do."
    ),
    recipes=tuple(
        replace(recipe, train=Train(epochs=3, batch_size=16, learning_rate=1e-3, images=5000)) for recipe in _recipes
    ),
    evaluations=(
        Adversarial(attacks=(FGSM(eps=0.3), PGD(eps=0.3, steps=10, early_stop=True)), images=500),
        Shift(images=1000),
        Anomaly(images=2000),
        Calibration(),
    ),
    transfer=Transferred(attack=PGD(eps=0.3, steps=10)),
)
