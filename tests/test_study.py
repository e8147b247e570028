"""Studies, and the cells and keys that they consist of."""

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import pytest
import torch

from assay import fit
from assay.architectures import LeNet5Large, ViT
from assay.attacks import FGSM, PGD
from assay.augmentations import CutOut, MixUp
from assay.classifier import Classifier
from assay.data import Images, Task
from assay.errors import BadValueError
from assay.evaluations import Measurement, Observations
from assay.evaluations.base import Progress, no_progress
from assay.objectives import MixedAdversarial, OutlierExposure
from assay.outliers import Fractals
from assay.parts import describe
from assay.plan import IMAGE, STEP, EvaluateCell, Plan, member_seeds, plan, title_of
from assay.plan_record import EARLIER, carried_on, summary
from assay.posthoc import Histogram, MCDropout, Temperature
from assay.recipe import Recipe, Train, Tuned, parse_recipe
from assay.slices import choose, select
from assay.study import MOST, Preset, Study, Transferred
from assay.weights import SWAG, Snapshots


@dataclass(frozen=True, kw_only=True)
class Clean:
    """An evaluation that reads the test set alone."""

    name: ClassVar[str] = "clean"
    version: ClassVar[int] = 1
    uses: ClassVar[tuple[str, ...]] = ("test",)
    passes: ClassVar[float] = 1.0
    images: int | None = None

    def observe(self, model: Classifier, task: Task, seed: int, progress: Progress = no_progress) -> Observations:
        raise NotImplementedError

    def measure(self, observations: Observations) -> list[Measurement]:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Odd(Clean):
    """An evaluation that reads the outlier sets too, as anomaly detection does."""

    name: ClassVar[str] = "odd"
    uses: ClassVar[tuple[str, ...]] = ("train", "test", "outliers")
    passes: ClassVar[float] = 1.0


@dataclass(frozen=True, kw_only=True)
class CleanRevised(Clean):
    version: ClassVar[int] = 2


def make(name: str, n: int = 12, fill: int = 0, classes: tuple[str, ...] = ("a", "b", "c")) -> Images:
    x = (torch.arange(n * 256) + fill).remainder(256).to(torch.uint8).view(n, 1, 16, 16)
    return Images(name=name, x=x, y=torch.arange(n) % 3, classes=classes)


TASK = Task(
    name="toy",
    train=make("toy/train"),
    validation=make("toy/validation", fill=1),
    test=make("toy/test", fill=2),
    outliers={"kmnist": make("kmnist/test", fill=3), "fashion": make("fashion/test", fill=4)},
    exposure={"fashion_mnist": make("fashion_mnist/outliers", fill=5)},
)
CUTOUT, PGD7 = CutOut(length=3, holes=1), PGD(eps=0.3, steps=7)
STUDY = Study(
    name="toy",
    title="Toy",
    question="Which?",
    recipes=(Recipe(), Recipe(pipeline=(CUTOUT, PGD7)), Recipe(pipeline=(PGD7, CUTOUT))),
    evaluations=(Clean(), Odd()),
)


def keys(planned: Plan) -> dict[tuple[str, int, str], str]:
    """Keys by recipe, seed and stage."""
    return {(cell.recipe.name, cell.seed, cell.stage): cell.key for cell in planned.cells}


def with_recipe(recipe: Recipe) -> Plan:
    return plan(replace(STUDY, recipes=(recipe,)), TASK)


def test_a_plan_has_each_model_once_and_each_evaluation_of_it() -> None:
    planned = plan(replace(STUDY, seeds=(0, 1)), TASK)
    assert len(planned.training) == 3 * 2
    assert len(planned.evaluating) == 3 * 2 * 2
    assert planned.cells == (*planned.training, *planned.evaluating)
    assert len({cell.key for cell in planned.cells}) == len(planned.cells)
    trained = {cell.key for cell in planned.training}
    assert all(set(cell.models) <= trained for cell in planned.evaluating)
    assert all(cell.cost > 0 for cell in planned.cells)


def test_a_plan_is_the_same_every_time() -> None:
    assert keys(plan(STUDY, TASK)) == keys(plan(STUDY, TASK))


RECIPES = [
    Recipe(),
    Recipe(architecture=LeNet5Large()),
    Recipe(pipeline=(CUTOUT,)),
    Recipe(pipeline=(PGD7,)),
    Recipe(pipeline=(CUTOUT, PGD7)),
    Recipe(pipeline=(PGD7, CUTOUT)),
    Recipe(pipeline=(CUTOUT, CUTOUT)),
    Recipe(pipeline=(CutOut(length=3, holes=2),)),
    Recipe(pipeline=(PGD(eps=0.3, steps=7, restarts=2),)),
    Recipe(pipeline=(MixUp(alpha=1),)),
    Recipe(objective=MixedAdversarial(attack=FGSM(eps=0.3))),
    Recipe(objective=MixedAdversarial(attack=FGSM(eps=0.3), weight=2)),
    Recipe(objective=OutlierExposure()),
    Recipe(objective=OutlierExposure(source=Fractals())),
    *(Recipe(train=train) for train in (Train(epochs=1), Train(batch_size=8), Train(learning_rate=1), Train(images=5))),
]


def test_whatever_a_recipe_says_changes_the_keys() -> None:
    plans = [with_recipe(recipe) for recipe in RECIPES]
    assert len({planned.training[0].key for planned in plans}) == len(RECIPES)
    assert len({cell.key for planned in plans for cell in planned.evaluating}) == 2 * len(RECIPES)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_what_says_the_same_keeps_the_keys(recipe: Recipe) -> None:
    again = Recipe(
        architecture=recipe.architecture,
        pipeline=tuple(replace(step) for step in recipe.pipeline),
        objective=recipe.objective,
        train=replace(recipe.train, learning_rate=float(recipe.train.learning_rate)),
    )
    assert keys(with_recipe(recipe)) == keys(with_recipe(again))


def test_words_for_people_and_the_other_recipes_keep_the_keys() -> None:
    whole = keys(plan(STUDY, TASK))
    renamed = replace(STUDY, name="other", title="Other", question="What?", data="other", outliers=("none",))
    assert keys(plan(renamed, replace(TASK, name="other"))) == whole
    for recipe in STUDY.recipes:
        part = keys(with_recipe(recipe))
        assert part.items() <= whole.items()


def test_more_seeds_keep_the_keys_and_seeds_differ() -> None:
    one, three = keys(plan(STUDY, TASK)), keys(plan(replace(STUDY, seeds=(2, 0, 1)), TASK))
    assert one.items() <= three.items()
    assert len(set(three.values())) == len(three) == 3 * len(one)


def changed(task: Task) -> set[str]:
    """The stages whose keys differ when the task does."""
    before, after = keys(plan(STUDY, TASK)), keys(plan(STUDY, task))
    assert before.keys() == after.keys()
    return {stage for (recipe, seed, stage), key in before.items() if after[recipe, seed, stage] != key}


ALL = {"training", "clean", "odd"}


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({}, set()),
        ({"validation": make("toy/validation", fill=9)}, set()),
        ({"validation": None}, set()),
        ({"train": make("toy/train", fill=9)}, ALL),
        ({"train": make("toy/train", classes=("a", "b", "z"))}, ALL),
        ({"train": make("own/train")}, ALL),
        ({"test": make("toy/test", fill=9)}, {"clean", "odd"}),
        ({"outliers": {"kmnist": make("kmnist/test", fill=3)}}, {"odd"}),
        ({"outliers": {}}, {"odd"}),
        ({"outliers": TASK.outliers | {"fashion": make("fashion/test", fill=9)}}, {"odd"}),
        ({"outliers": dict(reversed(TASK.outliers.items()))}, set()),
        ({"missing": {"fashion": "not here"}}, {"odd"}),
        ({"limit": 12}, ALL),
    ],
)
def test_the_data_that_a_cell_uses_changes_its_key(change: dict[str, Any], stages: set[str]) -> None:
    assert changed(replace(TASK, **change)) == stages


def test_an_evaluations_fields_and_version_change_its_keys_alone() -> None:
    before = keys(plan(replace(STUDY, evaluations=(Clean(),)), TASK))
    for evaluation in (Clean(images=5), CleanRevised()):
        after = keys(plan(replace(STUDY, evaluations=(evaluation,)), TASK))
        assert {
            stage for (recipe, seed, stage) in before if before[recipe, seed, stage] != after[recipe, seed, stage]
        } == {"clean"}


def test_a_new_training_loop_changes_all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys(plan(STUDY, TASK))
    monkeypatch.setattr(fit, "VERSION", fit.VERSION + 1)
    after = keys(plan(STUDY, TASK))
    assert not set(before.values()) & set(after.values())


def test_ensembles_share_their_members_and_the_baseline() -> None:
    sizes = (1, 3, 5, 15)
    study = replace(STUDY, recipes=tuple(Recipe(members=size) for size in sizes), seeds=(0, 1))
    planned = plan(study, TASK)
    assert len(planned.training) == 15 * 2
    assert all(cell.recipe == Recipe() for cell in planned.training)
    clean = [cell for cell in planned.evaluating if cell.stage == "clean" and cell.seed == 0]
    assert [len(cell.models) for cell in clean] == list(sizes)
    for smaller, larger in pairwise(clean):
        assert larger.models[: len(smaller.models)] == smaller.models
    assert clean[0].models == (with_recipe(Recipe()).training[0].key,)
    assert len({cell.key for cell in planned.evaluating}) == len(planned.evaluating)


def test_members_of_different_seeds_never_coincide() -> None:
    assert member_seeds(Recipe(), 7) == (7,)
    assert member_seeds(Recipe(members=3), 7) == (7, 1007, 2007)
    seeds = [number for seed in range(1000) for number in member_seeds(Recipe(members=15), seed)]
    assert len(set(seeds)) == 15_000


def test_cost_grows_with_the_work() -> None:
    base, attacked, large, sample = (
        with_recipe(recipe).training[0].cost
        for recipe in (
            Recipe(),
            Recipe(pipeline=(PGD7,)),
            Recipe(architecture=LeNet5Large()),
            Recipe(train=Train(images=6)),
        )
    )
    assert attacked == pytest.approx((1 + 7 * STEP / IMAGE) * base)
    assert large == pytest.approx(LeNet5Large.cost * base)
    assert sample == pytest.approx(base / 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipes": ()}, "expected at least one recipe"),
        ({"evaluations": ()}, "one evaluation"),
        ({"seeds": ()}, "one seed"),
        ({"recipes": (Recipe(), Recipe())}, "recipes: expected each once, got baseline several times"),
        ({"recipes": (Recipe(), Recipe(train=Train(epochs=1)))}, "got baseline several times"),
        ({"evaluations": (Clean(), Clean(images=3))}, "evaluations: expected each once, got clean several times"),
        ({"seeds": (0, 0)}, r"seeds: expected different numbers in 0..999, got \(0, 0\)"),
        ({"seeds": (1000,)}, "seeds: expected different numbers in 0..999"),
        ({"seeds": (-1,)}, "seeds: expected a whole number >= 0, got -1"),
        ({"seeds": (0.5,)}, "seeds: expected a whole number >= 0, got 0.5"),
        *(
            ({"name": name}, "study: name: expected one word")
            for name in ("", "a b", "../x", "a/b", ".", "-x", "models")
        ),
        *(
            ({"name": name}, "study: name: expected one word")
            for name in ("evaluations", "failures", "claims", "store.json")
        ),
    ],
)
def test_bad_studies_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        replace(STUDY, **change)


def test_the_baseline_is_the_recipe_of_that_label() -> None:
    assert STUDY.baseline == "baseline"
    assert replace(STUDY, recipes=STUDY.recipes[1:]).baseline is None
    assert replace(STUDY, recipes=(Recipe(train=Train(epochs=1)),)).baseline == "baseline"


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ("baseline", [0]),
        ("cutout(length=3, holes=1) > pgd(eps=0.3, steps=7)", [1]),
        ("*pgd*", [1, 2]),
        ("pgd*; baseline", [0, 2]),
        ("*", [0, 1, 2]),
        ("baseline;base*", [0]),
    ],
)
def test_select(patterns: str, chosen: list[int]) -> None:
    assert select(STUDY, patterns) == tuple(STUDY.recipes[index] for index in chosen)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ("baselin", "baselin: no recipe of toy matches; did you mean baseline"),
        ("baseline;zzz", "zzz: no recipe of toy matches; known: baseline, cutout"),
        ("Baseline", "did you mean baseline"),
        ("", "no recipe of toy matches"),
    ],
)
def test_a_pattern_that_matches_nothing_is_told(patterns: str, message: str) -> None:
    with pytest.raises(BadValueError) as caught:
        select(STUDY, patterns)
    assert message in str(caught.value)


def test_the_summary_finds_every_cell_again() -> None:
    study = replace(STUDY, recipes=(*STUDY.recipes, Recipe(members=3)), seeds=(0, 1))
    task = replace(TASK, missing={"emnist": "not here"}, limit=12)
    planned = plan(study, task)
    kept = json.loads(json.dumps(summary(planned, "assay run toy")))
    assert (kept["study"], kept["baseline"], kept["limit"], kept["command"]) == ("toy", "baseline", 12, "assay run toy")
    assert kept["recipes"] == [recipe.label for recipe in study.recipes]
    assert kept["evaluations"] == {item.name: describe(item) for item in study.evaluations}
    assert kept["missing"] == {"emnist": "not here"}
    assert kept["data"]["images"] == dict.fromkeys(
        ("train", "validation", "test", "kmnist", "fashion", "fashion_mnist/outliers"), 12
    )
    assert kept["data"]["fingerprints"]["test"] == TASK.test.fingerprint
    assert len(kept["models"]) == 4 * 2
    found = {key for entry in kept["models"] for key in (*entry["models"], *entry["evaluations"].values())}
    assert found == {cell.key for cell in planned.cells}
    wanted: dict[tuple[str, int, str], EvaluateCell] = {
        (cell.recipe.label, cell.seed, cell.stage): cell for cell in planned.evaluating
    }
    for entry in kept["models"]:
        for stage, key in entry["evaluations"].items():
            cell = wanted[entry["recipe"], entry["seed"], stage]
            assert (cell.key, list(cell.models), cell.recipe.name) == (key, entry["models"], entry["name"])


@pytest.mark.parametrize("name", ["full", "limit", "a/b", "limit-200", "", "Laptop"])
def test_a_preset_needs_a_name_that_can_be_part_of_a_folder(name: str) -> None:
    with pytest.raises(BadValueError, match="preset: name: expected small letters"):
        Preset(name=name, text="", recipes=("baseline",))


@pytest.mark.parametrize(("recipes", "got"), [((), "none"), (("baseline", "baseline"), "baseline twice")])
def test_a_preset_needs_different_recipes(recipes: tuple[str, ...], got: str) -> None:
    with pytest.raises(BadValueError, match=f"preset short: recipes: expected different labels, got {got}"):
        Preset(name="short", text="", recipes=recipes)


TUNED = Recipe(pipeline=(CUTOUT,), tuning=Tuned(objective=OutlierExposure(), train=Train(epochs=1)))


def test_a_tuning_starts_from_the_model_that_its_recipe_trains_without_it() -> None:
    planned = plan(replace(STUDY, recipes=(TUNED, TUNED.first)), TASK)
    first, second = planned.training
    assert first.key == with_recipe(TUNED.first).training[0].key
    assert (first.models, second.models) == ((), (first.key,))
    assert [cell.models for cell in planned.evaluating] == [(second.key,)] * 2 + [(first.key,)] * 2
    longer = replace(TUNED, train=Train(epochs=11))
    further = replace(TUNED, tuning=Tuned(objective=OutlierExposure(), train=Train(epochs=2)))
    found = [cell.key for recipe in (TUNED, longer, further) for cell in with_recipe(recipe).training]
    assert len(set(found)) == 5  # TUNED and `further` share their first


def test_one_training_that_gives_several_networks_is_one_cell_whose_key_tells_how() -> None:
    several = [Recipe(), *(Recipe(weights=one) for one in (Snapshots(), Snapshots(members=3), SWAG(), SWAG(samples=3)))]
    plans = [with_recipe(recipe) for recipe in several]
    assert [len(planned.training) for planned in plans] == [1] * 5
    assert len({planned.training[0].key for planned in plans}) == 5
    assert len({cell.key for planned in plans for cell in planned.evaluating}) == 10
    plain, snapshots, _, swag, _ = plans
    assert snapshots.training[0].cost == plain.training[0].cost
    assert swag.training[0].cost == plain.training[0].cost * 15 / 10  # five epochs more
    assert snapshots.evaluating[0].cost == pytest.approx(5 * plain.evaluating[0].cost)
    assert swag.evaluating[0].cost == pytest.approx(10 * plain.evaluating[0].cost)


def test_an_ensemble_of_snapshots_shares_its_first_member() -> None:
    snapshots = Recipe(weights=Snapshots(members=2))
    planned = plan(replace(STUDY, recipes=(snapshots, replace(snapshots, members=2))), TASK)
    assert [cell.seed for cell in planned.training] == [0, 1000]
    assert planned.evaluating[2].models == (planned.training[0].key, planned.training[1].key)


# Made by the version before one training could give several networks: stores of that time keep their trainings.
OLD_KEYS = {
    Recipe().name: "37b7ca01e4026a4bd57e9131c87e036b",
    TUNED.name: "e0be39b9b562c66787a4cafb0835e90e",
    Recipe(members=2).name: "19c1f4dfee4e6db04509a1264f65ab7c",
    "temperature": "7907523805170550d70f116cf5449c3e",
    "ensemble(members=2) > histogram(bins=5)": "a7863a458bc5e6eb195d9066540d0b9b",
    "snapshots(members=3) > isotonic": "74383590e8bc348db3897e49eaf19da0",
}


@pytest.mark.parametrize(("name", "key"), OLD_KEYS.items())
def test_the_keys_of_recipes_without_such_weights_are_what_they_were(name: str, key: str) -> None:
    assert with_recipe(parse_recipe(name)).evaluating[-1].key == key


def test_members_of_a_tuned_ensemble_are_tuned_one_by_one() -> None:
    planned = with_recipe(replace(TUNED, members=2))
    assert [(cell.seed, len(cell.models)) for cell in planned.training] == [(0, 0), (0, 1), (1000, 0), (1000, 1)]
    assert planned.evaluating[0].models == (planned.training[1].key, planned.training[3].key)


def test_a_calibrated_model_shares_the_training_and_is_evaluated_apart() -> None:
    recipes = (Recipe(), Recipe(posthoc=Temperature()), Recipe(members=2, posthoc=Histogram(bins=5)))
    planned = plan(replace(STUDY, recipes=recipes), TASK)
    alone = plan(replace(STUDY, recipes=recipes[:1]), TASK)
    assert [cell.seed for cell in planned.training] == [0, 1000]
    assert planned.training[0] == alone.training[0]
    assert planned.evaluating[:2] == alone.evaluating
    assert [len(cell.models) for cell in planned.evaluating] == [1, 1, 1, 1, 2, 2]
    other = plan(replace(STUDY, recipes=recipes), replace(TASK, validation=make("toy/validation", fill=9)))
    same = [one.key == two.key for one, two in zip(planned.evaluating, other.evaluating, strict=True)]
    assert same == [True, True, False, False, False, False]
    coarse = with_recipe(replace(recipes[2], posthoc=Histogram(bins=4))).evaluating
    assert {cell.key for cell in coarse}.isdisjoint(cell.key for cell in planned.evaluating)
    across_two = plan(replace(STUDY, recipes=(*STUDY.recipes, *recipes[1:]), transfer=Transferred(images=5)), TASK)
    assert across_two.transfer is not None
    assert across_two.transfer.recipes == STUDY.recipes


def test_monte_carlo_dropout_shares_the_training_and_needs_no_validation_images() -> None:
    recipes = (Recipe(), *(Recipe(posthoc=MCDropout(samples=samples)) for samples in (4, 5)))
    planned = plan(replace(STUDY, recipes=recipes, transfer=ACROSS), TASK)
    assert len(planned.training) == 1
    assert planned.evaluating[:2] == plan(replace(STUDY, recipes=recipes[:1]), TASK).evaluating
    assert len({cell.key for cell in planned.evaluating}) == 6
    assert {cell.models for cell in planned.evaluating} == {(planned.training[0].key,)}
    assert planned.evaluating[2].cost == pytest.approx(4 * planned.evaluating[0].cost)
    assert planned.transfer is None  # it is between models of different weights
    other = plan(replace(STUDY, recipes=recipes, transfer=ACROSS), replace(TASK, validation=None))
    assert [cell.key for cell in other.cells] == [cell.key for cell in planned.cells]


@pytest.mark.parametrize("members", [1, 3])
def test_a_network_without_dropout_is_refused_before_it_is_trained(members: int) -> None:
    recipe = Recipe(architecture=ViT(), members=members, posthoc=MCDropout())
    with pytest.raises(BadValueError, match=r"vit > .*mc_dropout: mc_dropout: expected a network with dropout layers"):
        with_recipe(recipe)


def test_outliers_that_are_trained_on_change_the_keys_of_those_models_alone() -> None:
    other = replace(TASK, exposure={"fashion_mnist": make("fashion_mnist/outliers", fill=9)})
    recipes = (Recipe(), Recipe(objective=OutlierExposure()), Recipe(objective=OutlierExposure(source=Fractals())))
    here, there = (plan(replace(STUDY, recipes=recipes), task).training for task in (TASK, other))
    assert [one.key == two.key for one, two in zip(here, there, strict=True)] == [True, False, True]
    assert replace(STUDY, recipes=recipes).exposure == ("fashion_mnist",)
    assert here[1].cost > here[0].cost


def test_the_summary_says_what_each_model_has_seen() -> None:
    models = summary(plan(replace(STUDY, recipes=(Recipe(), TUNED)), TASK), "")["models"]
    assert [entry["seen"] for entry in models] == [[], ["fashion_mnist"]]
    assert summary(plan(STUDY, TASK), "")["data"]["images"]["fashion_mnist/outliers"] == 12


ACROSS = Transferred(attack=PGD(eps=0.3, steps=2), images=5)


def across(study: Study = STUDY, task: Task = TASK, transfer: Transferred = ACROSS) -> Plan:
    return plan(replace(study, transfer=transfer), task)


def test_a_transfer_is_one_cell_more_and_leaves_the_others_as_they_are() -> None:
    study = replace(STUDY, recipes=(*STUDY.recipes, Recipe(members=2)), seeds=(1, 2))
    plain, planned = plan(study, TASK), across(study)
    cell = planned.transfer
    assert cell is not None
    assert plain.transfer is None
    assert planned.cells == (*plain.cells, cell)
    models = [entry["models"] for entry in summary(planned, "")["models"] if entry["seed"] == 1]
    assert cell.models == tuple(key for keys in models for key in keys)
    assert (cell.seed, cell.recipe.label, cell.recipes) == (1, "baseline", study.recipes)
    assert title_of(cell) == "all 4 recipes, seed 1, transfer"
    assert title_of(planned.cells[0]) == "baseline, seed 1, training"
    kept = summary(planned, "")
    assert kept.pop("transfer")["key"] == cell.key
    assert kept["costs"].pop(cell.key) > 0
    assert kept == summary(plain, "")


@pytest.mark.parametrize(
    "other",
    [
        across(transfer=replace(ACROSS, images=6)),
        across(transfer=replace(ACROSS, attack=PGD(eps=0.2, steps=2))),
        across(replace(STUDY, recipes=STUDY.recipes[:2])),
        across(replace(STUDY, recipes=STUDY.recipes[::-1])),
        across(replace(STUDY, seeds=(1,))),
        across(task=replace(TASK, test=make("toy/test", fill=9))),
        across(task=replace(TASK, limit=12)),
    ],
)
def test_what_a_transfer_is_of_changes_its_key(other: Plan) -> None:
    own = across().transfer
    assert own is not None
    assert other.transfer is not None
    assert other.transfer.key != own.key
    same = across(replace(STUDY, title="Other", evaluations=(Clean(),)), replace(TASK, outliers={})).transfer
    assert same is not None
    assert same.key == own.key


def test_no_transfer_within_one_recipe_a_choice_or_a_crowd() -> None:
    assert across(replace(STUDY, recipes=STUDY.recipes[:1])).transfer is None
    assert choose(replace(STUDY, transfer=ACROSS), "cutout*").transfer is None
    assert choose(replace(STUDY, transfer=ACROSS), None).transfer == ACROSS
    many = tuple(Recipe(pipeline=(FGSM(eps=place / 100),)) for place in range(1, MOST + 2))
    small = Preset(name="small", text="Few.", recipes=(many[0].label,))
    planned = across(replace(STUDY, recipes=many, presets=(small,)))
    assert planned.transfer is None
    assert summary(planned, "")["transfer"] == {
        "reason": "it is measured between at most 60 recipes, and there are 61 here; run a slice of the study: "
        "--preset small"
    }
    assert across(replace(STUDY, recipes=many[:MOST])).transfer is not None


def test_a_recipe_that_lacks_its_outliers_is_no_part_of_the_transfer() -> None:
    exposed = Recipe(objective=OutlierExposure())
    study = replace(STUDY, recipes=(exposed, *STUDY.recipes))
    task = replace(TASK, exposure={}, unexposed={"fashion_mnist": "not here"})
    cell = across(study, task).transfer
    assert cell is not None
    assert cell.recipes == STUDY.recipes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attack": PGD(eps=0.3, steps=2, early_stop=True)}, "without early_stop"),
        ({"attack": "pgd"}, "expected an attack, got 'pgd'"),
        ({"images": 0}, "transfer: images: expected a whole number >= 1, got 0"),
    ],
)
def test_a_bad_transfer_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadValueError) as caught:
        Transferred(**change)
    assert message in str(caught.value)


def test_a_plan_goes_on_naming_other_seeds_and_takes_nothing_unsound_from_the_disk() -> None:
    def entry(recipe: str, seed: int, key: str) -> dict[str, object]:
        return {"recipe": recipe, "seed": seed, "models": [key], "evaluations": {}}

    now = {"models": [entry("a", 0, "new")], "title": "T"}
    before = {
        "models": [entry("a", 0, "old"), entry("a", 1, "one")],
        EARLIER: [entry("a", 1, "older"), entry("b", 0, "b")],
    }
    found = carried_on(now, before)
    assert {item["models"][0] for item in found[EARLIER]} == {"one", "b"}
    assert {name: value for name, value in found.items() if name != EARLIER} == now
    assert carried_on(found, now) == found
    for odd in ({}, {"models": 3}, {"models": [3, {}, {"recipe": [], "seed": 1}], EARLIER: {"a": 1}}):
        assert carried_on(now, odd) == now
