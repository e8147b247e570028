"""The groups of recipes that the claims of the study on trade-offs speak of."""

from math import inf

from assay.analysis.claims import Group

SOURCE = "Towards a safe MNIST classifier: exploring trade-offs between safety metrics"

BASELINE = Group(name="the baseline", families=("baseline",))
LARGE = Group(name="the scaled-up model", families=("lenet5_large",))
ENSEMBLES = Group(name="ensembles", families=("ensemble",))
PGD = Group(name="PGD-trained models", families=("pgd",))
FGSM = Group(name="FGSM-trained models", families=("fgsm",))
ADVERSARIAL = Group(name="purely adversarial models", families=("pgd", "fgsm"))
CUTOUT = Group(name="CutOut alone", families=("cutout",))
MIXUP = Group(name="MixUp alone", families=("mixup",))
AUGMENTED = Group(name="augmentation-only models", families=("cutout", "mixup"))

WEAK_CUTOUT = Group(
    name="weak CutOut (length 7, 1 or 2 holes)",
    families=("cutout",),
    limits=(("cutout.length", 7, 7), ("cutout.holes", 1, 2)),
)
STRONG_CUTOUT = Group(
    name="strong CutOut (length 10 or 14, 2 holes or more)",
    families=("cutout",),
    limits=(("cutout.length", 10, inf), ("cutout.holes", 2, inf)),
)
REST_OF_CUTOUT = Group(name="all other CutOut", families=("cutout",), without=WEAK_CUTOUT.limits)

# Each family of combinations, the augmentation first and the attack on the augmented image; then the other order.
_AUGMENT_FIRST = ("cutout > pgd", "cutout > fgsm", "mixup > pgd", "mixup > fgsm")
_ATTACK_FIRST = ("pgd > cutout", "fgsm > cutout", "pgd > mixup", "fgsm > mixup")
AUGMENT_FIRST = tuple(Group(name=f"{family} models", families=(family,)) for family in _AUGMENT_FIRST)
ATTACK_FIRST = tuple(Group(name=f"{family} models", families=(family,)) for family in _ATTACK_FIRST)
COMBINED = Group(name="combined models", families=(*_AUGMENT_FIRST, *_ATTACK_FIRST))
COMBINED_FAMILIES = (*AUGMENT_FIRST, *ATTACK_FIRST)


def with_part(part: str) -> tuple[Group, ...]:
    """The families of combinations that contain a part, such as "cutout"."""
    return tuple(group for group in COMBINED_FAMILIES if part in group.families[0].split(" > "))


def alone(families: tuple[Group, ...], parts: dict[str, Group]) -> tuple[Group, ...]:
    """For each family of combinations, the group of the part of it that is named, alone."""
    return tuple(parts[next(name for name in parts if name in group.families[0].split(" > "))] for group in families)


MIXUP_FIRST = Group(name="MixUp first, attack second", families=("mixup > pgd", "mixup > fgsm"))
OTHERS = Group(
    name="all others",
    families=tuple(
        family
        for group in (BASELINE, LARGE, ENSEMBLES, ADVERSARIAL, AUGMENTED, COMBINED)
        for family in group.families
        if family not in MIXUP_FIRST.families
    ),
)
ALL = Group(name="all models", families=(*OTHERS.families, *MIXUP_FIRST.families))
