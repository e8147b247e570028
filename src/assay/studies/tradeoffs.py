"""The trade-offs between safety techniques on MNIST: 559 recipes on four axes.

The study of "Towards a safe MNIST classifier: exploring trade-offs between safety metrics", with its settings: a
baseline of 10 epochs with Adam at 1e-4; adversarial training by PGD and FGSM; CutOut and MixUp; every pair of an attack
and an augmentation in both orders; a network 20 times as large; ensembles. The number of steps of the PGD that measures
is not stated there; ours takes 40 for every budget.
"""

from itertools import product

from assay.architectures import LeNet5Large
from assay.attacks import FGSM, PGD, Attack
from assay.augmentations import Augmentation, CutOut, MixUp
from assay.evaluations import Adversarial, Anomaly, Calibration, Shift
from assay.recipe import Recipe, Train
from assay.study import Preset, Study, Transferred

ATTACKS: tuple[Attack, ...] = (
    *(PGD(eps=eps, steps=steps) for eps, steps in product((0.2, 0.3, 0.4), (30, 40, 50))),
    *(FGSM(eps=eps) for eps in (0.2, 0.3, 0.4, 0.5)),
)
AUGMENTATIONS: tuple[Augmentation, ...] = (
    *(CutOut(length=length, holes=holes) for length, holes in product((7, 10, 14), (1, 2, 3, 4, 5))),
    *(MixUp(alpha=alpha) for alpha in (0.25, 0.5, 1, 2, 4)),
)
MEMBERS = (3, 5, 10, 15)

_singles = (
    Recipe(),
    *(Recipe(pipeline=(attack,)) for attack in ATTACKS),
    *(Recipe(pipeline=(augmentation,)) for augmentation in AUGMENTATIONS),
    Recipe(architecture=LeNet5Large()),
    *(Recipe(members=members) for members in MEMBERS),
)


def _pairs(attacks: tuple[Attack, ...], augmentations: tuple[Augmentation, ...]) -> tuple[Recipe, ...]:
    """Every attack with every augmentation: on the augmented image, then the augmentation of the attacked one."""
    return tuple(
        Recipe(pipeline=pipeline)
        for attack, augmentation in product(attacks, augmentations)
        for pipeline in ((augmentation, attack), (attack, augmentation))
    )


def _labels(*recipes: Recipe) -> tuple[str, ...]:
    return tuple(recipe.label for recipe in recipes)


_weak, _strong = CutOut(length=7, holes=1), CutOut(length=14, holes=3)
_pgd, _fgsm = PGD(eps=0.3, steps=30), FGSM(eps=0.3)

_laptop = Preset(
    name="laptop",
    text=(
        "This slice has every family with one to three settings each, trained for 2 epochs on 15,000 images at a "
        "learning rate of 5e-4 and measured on 1,000 to 10,000 test images."
    ),
    recipes=_labels(
        Recipe(),
        *(Recipe(pipeline=(PGD(eps=eps, steps=30),)) for eps in (0.2, 0.3)),
        *(Recipe(pipeline=(FGSM(eps=eps),)) for eps in (0.2, 0.3, 0.5)),
        *(Recipe(pipeline=(part,)) for part in (_weak, CutOut(length=10, holes=2), _strong)),
        *(Recipe(pipeline=(MixUp(alpha=alpha),)) for alpha in (0.25, 1, 4)),
        *_pairs((_pgd,), (_weak, MixUp(alpha=0.25))),
        *_pairs((_fgsm,), (_weak, _strong, MixUp(alpha=0.25), MixUp(alpha=1))),
        Recipe(architecture=LeNet5Large()),
        *(Recipe(members=members) for members in (3, 5)),
    ),
    train=Train(epochs=2, batch_size=16, learning_rate=5e-4, images=15000),
    evaluations=(
        Adversarial(attacks=(FGSM(eps=0.3), PGD(eps=0.3, steps=20, early_stop=True)), images=1000),
        Shift(images=2000),
        Anomaly(images=5000),
        Calibration(),
    ),
    replicates=5,
)

_families = Preset(
    name="families",
    text="This slice has every recipe with one technique, and two dozen of the combinations, as the whole trains them.",
    recipes=_labels(
        *_singles,
        *_pairs(
            (PGD(eps=0.3, steps=40), FGSM(eps=0.3)),
            (
                *(CutOut(length=length, holes=holes) for length, holes in ((7, 1), (10, 3), (14, 5))),
                *(MixUp(alpha=alpha) for alpha in (0.25, 1, 4)),
            ),
        ),
    ),
)

_recipes = (*_singles, *_pairs(ATTACKS, AUGMENTATIONS))

tradeoffs = Study(
    name="tradeoffs",
    title="Trade-offs between safety techniques on MNIST",
    question="What does each safety technique gain on one axis, and what does it cost on the others?",
    recipes=_recipes,
    evaluations=(Adversarial(), Shift(), Anomaly(), Calibration()),
    replicates=max(MEMBERS),
    transfer=Transferred(),
    presets=(_laptop, _families),
)
