"""Families and hyper-parameters of labels, nested ones among them."""

import pytest

from assay.analysis.families import family, parameters
from assay.errors import BadValueError
from assay.recipe import parse_recipe
from assay.studies import pixmix_oe

EXPOSED = "outlier_exposure"


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("baseline", "baseline"),
        ("cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)", "cutout > pgd"),
        ("lenet5_large > ensemble(members=3)", "lenet5_large > ensemble"),
        ("pixmix(k=2) > outlier_exposure(weight=1)", "pixmix > outlier_exposure"),
        # The kind of what is inside counts where it is not the default's; its settings do not.
        ("outlier_exposure(source=data_set(of='kmnist'))", "outlier_exposure(data_set(kmnist))"),
        ("outlier_exposure(source=data_set(of='fashion_mnist'), weight=1)", EXPOSED),
        ("energy_margin(source=data_set(of='emnist'))", "energy_margin(data_set(emnist))"),
        ("pgd(eps=2, steps=40, norm='l2')", "pgd(l2)"),
        ("outlier_exposure(source=fractals)", "outlier_exposure(fractals)"),
        ("mixed_adversarial(attack=pgd(eps=0.3, steps=40))", "mixed_adversarial(pgd)"),
        ("mixed_adversarial(attack=fgsm(eps=0.3), weight=2)", "mixed_adversarial(fgsm)"),
        (
            "outlier_exposure(objective=mixed_adversarial(attack=pgd(eps=0.3, steps=40)), source=noise)",
            "outlier_exposure(mixed_adversarial(pgd), noise)",
        ),
        ("tuned(objective=outlier_exposure)", "tuned(outlier_exposure)"),
        ("tuned(objective=outlier_exposure, train=train(epochs=2))", "tuned(outlier_exposure)"),
        ("tuned(objective=energy_margin(source=fractals))", "tuned(energy_margin(fractals))"),
    ],
)
def test_a_family_is_the_kinds_of_its_parts(label: str, expected: str) -> None:
    parse_recipe(label)  # it is a recipe
    assert family(label) == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("my model", "my model"),
        ("mine(a=1) > pgd(eps=0.3, steps=40)", "mine > pgd"),
        ("mine(inner=other(a=1), b=2) > also", "mine > also"),
        ("half) open(", "half open"),
        ("my model (v2)", "my model"),
    ],
)
def test_what_is_no_recipe_loses_its_brackets(label: str, expected: str) -> None:
    assert family(label) == expected
    with pytest.raises(BadValueError):
        parameters(label)


def test_the_six_of_the_study_are_six_families() -> None:
    assert [family(recipe.label) for recipe in pixmix_oe.recipes] == [
        "baseline", EXPOSED, "salt_pepper", "salt_pepper > outlier_exposure", "pixmix", "pixmix > outlier_exposure",
    ]  # fmt: skip


def test_hyper_parameters_inside_of_others_go_by_the_fields_that_lead_there() -> None:
    label = "tuned(objective=outlier_exposure(objective=mixed_adversarial(attack=pgd(eps=0.3, steps=40)), weight=2))"
    inner = "tuned.objective.objective.attack"
    assert parameters(label) == {f"{inner}.eps": 0.3, f"{inner}.steps": 40.0, "tuned.objective.weight": 2.0}
    assert parameters("pgd(eps=0.3, steps=40) > mixed_adversarial(attack=pgd(eps=0.1, steps=5), weight=2)") == {
        "pgd.eps": 0.3, "pgd.steps": 40.0,
        "mixed_adversarial.attack.eps": 0.1, "mixed_adversarial.attack.steps": 5.0, "mixed_adversarial.weight": 2.0,
    }  # fmt: skip
    assert parameters("tuned(objective=outlier_exposure, train=train(epochs=2))") == {"tuned.train.epochs": 2.0}
    assert parameters("outlier_exposure(source=data_set(of='kmnist'))") == {}
