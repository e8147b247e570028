"""The study of trade-offs is the paper's: counts by family, both orders, shared members, no doubled key."""

from collections import Counter
from dataclasses import replace

import pytest

from assay.analysis.families import family, parameters
from assay.data import load_task
from assay.errors import BadValueError
from assay.plan import Plan, TrainCell, plan
from assay.plan_record import summary
from assay.recipe import Recipe, Train, parse_recipe
from assay.slices import cut
from assay.studies import quickstart, tradeoffs

PAIRS = 13 * 20  # adversarial recipes x augmentations


@pytest.fixture(scope="module")
def whole() -> Plan:
    return plan(tradeoffs, load_task("mnist", outliers=tradeoffs.outliers))


def test_has_the_papers_recipes() -> None:
    counts = Counter(family(recipe.label) for recipe in tradeoffs.recipes)
    singles = {"baseline": 1, "pgd": 9, "fgsm": 4, "cutout": 15, "mixup": 5, "lenet5_large": 1, "ensemble": 4}
    assert {name: counts.pop(name) for name in singles} == singles
    assert counts == {
        "cutout > pgd": 9 * 15, "pgd > cutout": 9 * 15, "mixup > pgd": 9 * 5, "pgd > mixup": 9 * 5,
        "cutout > fgsm": 4 * 15, "fgsm > cutout": 4 * 15, "mixup > fgsm": 4 * 5, "fgsm > mixup": 4 * 5,
    }  # fmt: skip
    assert len(tradeoffs.recipes) == 39 + 2 * PAIRS == 559


def test_trains_as_the_paper_does() -> None:
    assert {recipe.train for recipe in tradeoffs.recipes} == {Train(epochs=10, learning_rate=1e-4)}
    assert tradeoffs.recipes[0] == Recipe()


def test_every_recipe_parses_back_and_has_its_numbers() -> None:
    for recipe in tradeoffs.recipes:
        assert parse_recipe(recipe.name) == recipe
    assert parameters("pgd(eps=0.2, steps=50) > cutout(length=14, holes=5)") == {
        "pgd.eps": 0.2, "pgd.steps": 50.0, "cutout.length": 14.0, "cutout.holes": 5.0,
    }  # fmt: skip
    assert parameters("ensemble(members=15)") == {"ensemble.members": 15.0}


def test_no_key_is_doubled_and_ensembles_share_fifteen_members(whole: Plan) -> None:
    keys = [cell.key for cell in whole.cells]
    assert len(keys) == len(set(keys))
    assert len(whole.training) == 559 - 4 + 14  # the first member is the baseline
    members = {cell.recipe.members: set(cell.models) for cell in whole.evaluating if cell.recipe.members > 1}
    assert {count: len(models) for count, models in members.items()} == {3: 3, 5: 5, 10: 10, 15: 15}
    assert members[3] < members[5] < members[10] < members[15]


def test_the_members_are_evaluated_one_by_one_as_replicates(whole: Plan) -> None:
    members = {key for cell in whole.evaluating if cell.recipe.members == 15 for key in cell.models}
    alone = [cell for cell in whole.evaluating if cell.recipe == Recipe()]
    assert {cell.models[0] for cell in alone} == members
    assert sorted({cell.seed for cell in alone}) == [1000 * member for member in range(15)]
    assert len(whole.evaluating) == 4 * (559 + 14)
    entries = [entry for entry in summary(whole, "")["models"] if entry["replicate"]]
    assert {entry["recipe"] for entry in entries} == {"baseline"}
    assert len(entries) == 14


def test_each_seed_has_replicates_of_its_own() -> None:
    task = load_task("mnist", outliers=(), limit=20)
    study = replace(cut(tradeoffs, "laptop"), seeds=(0, 3), recipes=(Recipe(),), outliers=())
    seeds = {cell.seed for cell in plan(study, task).training}
    assert seeds == {0, 1000, 2000, 3000, 4000, 3, 1003, 2003, 3003, 4003}


def models(planned: Plan) -> set[str]:
    return {cell.key for cell in planned.cells if isinstance(cell, TrainCell)}


def test_presets_are_slices(whole: Plan) -> None:
    families = plan(cut(tradeoffs, "families"), whole.task)
    assert {cell.key for cell in families.cells} < {cell.key for cell in whole.cells}
    laptop = cut(tradeoffs, "laptop")
    labels = {recipe.label for recipe in laptop.recipes}
    assert labels < {recipe.label for recipe in tradeoffs.recipes}
    assert {family(label) for label in labels} == {family(recipe.label) for recipe in tradeoffs.recipes}
    assert {"ensemble(members=3)", "ensemble(members=5)"} < labels
    assert not models(plan(laptop, whole.task)) & models(whole), "shorter training never passes for the whole"
    assert cut(tradeoffs, "full") == tradeoffs


def test_the_families_preset_has_every_single_technique() -> None:
    labels = {recipe.label for recipe in cut(tradeoffs, "families").recipes}
    assert {recipe.label for recipe in tradeoffs.recipes if len(recipe.pipeline) < 2} < labels


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(BadValueError, match=r"labtop: tradeoffs has no such preset; .*laptop"):
        cut(tradeoffs, "labtop")
    with pytest.raises(BadValueError, match=r"laptop: quickstart has no such preset; .*full"):
        cut(quickstart, "laptop")


def test_a_preset_of_unknown_recipes_is_refused() -> None:
    broken = replace(tradeoffs, presets=(replace(tradeoffs.presets[0], recipes=("nonsense",)),))
    with pytest.raises(BadValueError, match="expected recipes of the study"):
        cut(broken, "laptop")
