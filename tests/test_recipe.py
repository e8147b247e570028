"""Recipes print and parse."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay import architectures, attacks
from assay.architectures import LeNet5, LeNet5Large
from assay.attacks import FGSM, PGD
from assay.augmentations import CutOut, MixUp, SaltPepper
from assay.errors import BadValueError
from assay.objectives import CrossEntropy, EnergyMargin, MixedAdversarial, OutlierExposure
from assay.outliers import DataSet, Fractals
from assay.posthoc import Histogram, Isotonic, MCDropout, Temperature
from assay.recipe import Recipe, Train, Tuned, parse_recipe, part_classes
from assay.weights import SWAG, Snapshots

CUTOUT, ATTACK = CutOut(length=7, holes=1), PGD(eps=0.3, steps=40)

steps = st.sampled_from([CUTOUT, ATTACK, FGSM(eps=0.2), MixUp(alpha=1.0), PGD(eps=1, steps=3, target="least_likely")])
parts_of_recipes = st.builds(
    Recipe,
    architecture=st.sampled_from([LeNet5(), LeNet5Large()]),
    pipeline=st.lists(steps, max_size=3).map(tuple),
    objective=st.sampled_from([CrossEntropy(), MixedAdversarial(attack=ATTACK), OutlierExposure(source=Fractals())]),
    train=st.builds(Train, epochs=st.integers(1, 20), images=st.none() | st.integers(1, 9)),
    members=st.sampled_from([1, 3, 15]),
    posthoc=st.sampled_from([None, Temperature(), Histogram(bins=5), MCDropout(), MCDropout(samples=3)]),
    tuning=st.none() | st.builds(Tuned, objective=st.just(EnergyMargin()), train=st.builds(Train, epochs=st.just(2))),
)


weights = st.sampled_from([None, Snapshots(), Snapshots(members=3), SWAG(), SWAG(samples=4, learning_rate=1e-3)])
recipes = st.builds(
    lambda recipe, weights: recipe if recipe.tuning else replace(recipe, weights=weights), parts_of_recipes, weights
)


@given(recipe=recipes)
def test_the_name_parses_back(recipe: Recipe) -> None:
    assert parse_recipe(recipe.name) == recipe


@given(recipe=recipes)
def test_the_label_leaves_out_training_settings_alone(recipe: Recipe) -> None:
    parsed = parse_recipe(recipe.label)
    assert parsed.train == Train()
    assert (parsed.architecture, parsed.pipeline, parsed.objective, parsed.members) == (
        recipe.architecture,
        recipe.pipeline,
        recipe.objective,
        recipe.members,
    )


@given(one=recipes, other=recipes)
def test_names_are_equal_where_recipes_are(one: Recipe, other: Recipe) -> None:
    assert (one.name == other.name) == (one == other)


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        (Recipe(), "baseline"),
        (Recipe(pipeline=(CUTOUT, ATTACK)), "cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)"),
        (Recipe(pipeline=(ATTACK, CUTOUT)), "pgd(eps=0.3, steps=40) > cutout(length=7, holes=1)"),
        (Recipe(architecture=LeNet5Large()), "lenet5_large"),
        (Recipe(members=3), "ensemble(members=3)"),
        (Recipe(posthoc=Temperature()), "temperature"),
        (Recipe(members=5, posthoc=Isotonic()), "ensemble(members=5) > isotonic"),
        (Recipe(posthoc=MCDropout()), "mc_dropout"),
        (Recipe(members=2, posthoc=MCDropout(samples=5)), "ensemble(members=2) > mc_dropout(samples=5)"),
        (Recipe(train=Train(epochs=2, batch_size=64)), "baseline > train(epochs=2, batch_size=64)"),
        (Recipe(train=Train(images=5000)), "baseline > train(images=5000)"),
        (
            Recipe(objective=MixedAdversarial(attack=ATTACK, weight=0.5)),
            "mixed_adversarial(attack=pgd(eps=0.3, steps=40), weight=0.5)",
        ),
        (Recipe(objective=OutlierExposure()), "outlier_exposure"),
        (
            Recipe(objective=OutlierExposure(objective=MixedAdversarial(attack=ATTACK), source=DataSet(of="mine"))),
            "outlier_exposure(objective=mixed_adversarial(attack=pgd(eps=0.3, steps=40)), source=data_set(of='mine'))",
        ),
        (
            Recipe(pipeline=(CUTOUT,), tuning=Tuned(objective=OutlierExposure(), train=Train(epochs=1)), members=3),
            "cutout(length=7, holes=1) > tuned(objective=outlier_exposure, train=train(epochs=1)) "
            "> ensemble(members=3)",
        ),
        (Recipe(weights=Snapshots()), "snapshots"),
        (Recipe(weights=Snapshots(), posthoc=Temperature()), "snapshots > temperature"),
        (
            Recipe(pipeline=(ATTACK,), weights=SWAG(samples=4), members=3, train=Train(epochs=1)),
            "pgd(eps=0.3, steps=40) > swag(samples=4) > ensemble(members=3) > train(epochs=1)",
        ),
        (
            Recipe(architecture=LeNet5Large(), pipeline=(ATTACK,), members=5, train=Train(epochs=1)),
            "lenet5_large > pgd(eps=0.3, steps=40) > ensemble(members=5) > train(epochs=1)",
        ),
    ],
)
def test_names(recipe: Recipe, name: str) -> None:
    assert recipe.name == name
    assert parse_recipe(name) == recipe


def test_the_order_of_the_pipeline_is_told_apart_and_other_terms_may_stand_anywhere() -> None:
    one = parse_recipe("cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)")
    other = parse_recipe("pgd(eps=0.3, steps=40) > cutout(length=7, holes=1)")
    assert one != other
    assert one.pipeline == other.pipeline[::-1] == (CUTOUT, ATTACK)
    moved = parse_recipe("train(epochs=1) > cutout(length=7, holes=1) > lenet5_large > pgd(eps=0.3, steps=40)")
    assert moved == Recipe(architecture=LeNet5Large(), pipeline=(CUTOUT, ATTACK), train=Train(epochs=1))


def test_the_same_step_may_come_twice() -> None:
    recipe = Recipe(pipeline=(CUTOUT, CUTOUT))
    assert parse_recipe(recipe.name) == recipe


def test_a_member_is_the_recipe_alone() -> None:
    recipe = Recipe(pipeline=(CUTOUT,), members=3, train=Train(epochs=2), posthoc=Temperature())
    assert recipe.member == Recipe(pipeline=(CUTOUT,), train=Train(epochs=2))
    assert Recipe().member == Recipe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lenet5 > lenet5_large", "expected at most one architecture, got 2"),
        ("cross_entropy > cross_entropy", "expected at most one objective, got 2"),
        ("train(epochs=1) > train(epochs=2)", "expected at most one train, got 2"),
        (
            "tuned(objective=cross_entropy) > tuned(objective=outlier_exposure)",
            "expected at most one tuned, got 2",
        ),
        ("snapshots > swag", "expected at most one way to gather weights, got 2"),
        (
            "swag > tuned(objective=cross_entropy)",
            "recipe: expected no tuning beside swag, whose several networks it cannot go on from",
        ),
        ("tuned(objective=3)", "tuned: objective: expected an objective, such as cross_entropy, got 3"),
        (
            "tuned(objective=cutout(length=7, holes=1))",
            "tuned: objective: expected an objective, such as cross_entropy, got cutout(length=7, holes=1)",
        ),
        (
            "outlier_exposure(objective=fgsm(eps=0.1))",
            "outlier_exposure: objective: expected an objective, such as cross_entropy, got fgsm(eps=0.1)",
        ),
        ("tuned(objective=cross_entropy, train=3)", "tuned: train: expected training settings, got 3"),
        ("outlier_exposure(source=lenet5)", "outlier_exposure: source: expected a source of outliers"),
        ("fractals", "recipe: pipeline: expected augmentations and attacks, got Fractals"),
        ("ensemble(members=2) > ensemble(members=2)", "expected at most one ensemble, got 2"),
        ("temperature > isotonic", "expected at most one part after training, got 2"),
        ("mc_dropout > temperature", "expected at most one part after training, got 2"),
        ("mc_dropout(samples=0)", "mc_dropout: samples: expected a whole number >= 1, got 0"),
        ("ensemble(members=1)", "members: expected a whole number >= 2, got 1"),
        ("lenet5_huge", "lenet5_huge: no such part; did you mean lenet5"),
        ("cutoff(length=7, holes=1)", "did you mean cutout"),
        ("train(epoch=1)", "train: no field epoch; did you mean epochs"),
        ("train(epochs=0)", "epochs: expected a whole number >= 1, got 0"),
        ("train(learning_rate=-1)", "learning_rate: expected a number >= 0, got -1"),
        ("train(images=0)", "images: expected a whole number >= 1, got 0"),
        ("train(batch_size=1.5)", "batch_size: expected a whole number >= 1, got 1.5"),
        ("mixed_adversarial(attack=lenet5)", "mixed_adversarial: attack: expected an attack, got LeNet5()"),
        ("", "cannot read ''"),
        ("cutout", "cutout: expected a value for length, holes, got none"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(BadValueError) as caught:
        parse_recipe(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("pipeline", [(CrossEntropy(),), (LeNet5(),), ("cutout",), [CUTOUT], CUTOUT, None])
def test_a_pipeline_holds_augmentations_and_attacks(pipeline: Any) -> None:
    with pytest.raises(BadValueError, match="recipe: pipeline: expected"):
        Recipe(pipeline=pipeline)


@pytest.mark.parametrize("members", [0, -1, 1.5, True])
def test_members_are_counted(members: Any) -> None:
    with pytest.raises(BadValueError, match="recipe: members: expected a whole number"):
        Recipe(members=members)


def test_part_classes_are_the_exported_parts() -> None:
    found = part_classes(architectures)
    assert (found["lenet5"], found["lenet5_large"]) == (LeNet5, LeNet5Large)
    assert "Architecture" not in found
    assert {FGSM, PGD} <= set(part_classes(attacks).values())


def test_a_tuning_has_a_first_and_a_last_training() -> None:
    tuning = Tuned(objective=OutlierExposure(), train=Train(epochs=1))
    recipe = Recipe(pipeline=(CUTOUT,), train=Train(epochs=7), tuning=tuning)
    assert recipe.first == Recipe(pipeline=(CUTOUT,), train=Train(epochs=7))
    assert recipe.last == Recipe(pipeline=(CUTOUT,), train=Train(epochs=1), objective=OutlierExposure())
    assert Recipe().first == Recipe().last == Recipe()


def test_a_recipe_tells_what_its_models_have_seen_wherever_in_it_that_is() -> None:
    assert Recipe(pipeline=(CUTOUT, ATTACK)).seen == ()
    exposed = OutlierExposure(objective=MixedAdversarial(attack=ATTACK), source=DataSet(of="letters"))
    recipe = Recipe(pipeline=(SaltPepper(amount=0.1),), objective=EnergyMargin(), tuning=Tuned(objective=exposed))
    assert recipe.seen == ("fashion_mnist", "impulse_noise", "letters")
    assert recipe.exposure == ("fashion_mnist", "letters")
    assert Recipe(objective=OutlierExposure(source=Fractals())).exposure == ()
    assert Recipe(objective=OutlierExposure(source=Fractals())).seen == ("fractals",)


def test_a_recipe_takes_objectives_alone() -> None:
    with pytest.raises(
        BadValueError, match="recipe: objective: expected an objective, such as cross_entropy, got cutout"
    ):
        Recipe(objective=CUTOUT)  # type: ignore[arg-type]


def test_networks_and_epochs_of_one_training_that_gives_several() -> None:
    plain, train = Recipe(members=3), Train(epochs=4)
    assert (plain.networks, plain.epochs, plain.member.networks) == (3, 10, 1)
    cycles = Recipe(weights=Snapshots(members=5), members=3, train=train)
    assert (cycles.networks, cycles.epochs, cycles.member.networks) == (15, 4, 5)
    drawn = Recipe(weights=SWAG(samples=7, epochs=2), train=train, pipeline=(CUTOUT,))
    assert (drawn.networks, drawn.epochs) == (7, 6)
    thinned = replace(cycles, posthoc=MCDropout(samples=4))
    assert (thinned.networks, thinned.member, thinned.network.networks) == (60, cycles.member, 1)
    assert drawn.network == Recipe(train=train, pipeline=(CUTOUT,))
    assert cycles.network == Recipe(train=train)


def test_weights_are_a_way_to_gather_them() -> None:
    with pytest.raises(BadValueError, match="recipe: weights: expected a part such as snapshots, got 5"):
        Recipe(weights=5)  # type: ignore[arg-type]
