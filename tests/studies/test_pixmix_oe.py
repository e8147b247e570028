"""The study of PixMix and outlier exposure: its recipes, and the numbers that it published."""

import pytest

from assay.data import load_task
from assay.evaluations import Anomaly, Shift
from assay.parts import describe
from assay.plan import plan
from assay.recipe import parse_recipe
from assay.studies import pixmix_oe

LABELS = (
    "baseline",
    "outlier_exposure",
    "salt_pepper(amount=0.05)",
    "salt_pepper(amount=0.05) > outlier_exposure",
    "pixmix",
    "pixmix > outlier_exposure",
)


def test_each_of_three_pipelines_is_trained_without_and_with_outliers() -> None:
    assert tuple(recipe.label for recipe in pixmix_oe.recipes) == LABELS
    assert all(parse_recipe(recipe.name) == recipe for recipe in pixmix_oe.recipes)
    assert len({recipe.train for recipe in pixmix_oe.recipes}) == 1
    assert pixmix_oe.baseline == "baseline"
    assert pixmix_oe.exposure == ("fashion_mnist",)


def test_outliers_that_are_tested_on_are_a_seen_and_an_unseen_family() -> None:
    assert pixmix_oe.outliers == ("fashion_mnist", "kmnist")
    exposed = [recipe for recipe in pixmix_oe.recipes if "outlier_exposure" in recipe.label]
    assert len(exposed) == 3
    assert all("fashion_mnist" in recipe.seen and "kmnist" not in recipe.seen for recipe in exposed)
    task = load_task(exposure=pixmix_oe.exposure, outliers=("fashion_mnist",))
    trained = {image.numpy().tobytes() for image in task.exposure["fashion_mnist"].x}
    assert len(task.exposure["fashion_mnist"]) == 10_000
    tested = {image.numpy().tobytes() for image in task.outliers["fashion_mnist"].x}
    assert not trained & tested


def test_every_training_and_evaluation_is_a_cell_of_its_own() -> None:
    planned = plan(pixmix_oe, load_task(exposure=pixmix_oe.exposure, outliers=(), limit=10))
    assert len(planned.training) == 6 + 4  # four further trainings of the baseline
    assert len(planned.evaluating) == 10 * 4
    assert len({cell.key for cell in planned.cells}) == len(planned.cells)


@pytest.mark.parametrize(
    ("evaluation", "metric", "setting", "percent"),
    [
        ("shift", "accuracy", {"corruption": "clean"}, (95, None, 93, None, 93, None)),
        ("shift", "mean_accuracy", {}, (82, None, 73, None, 80, None)),
        ("anomaly", "auroc", {"outliers": "fashion_mnist", "score": "msp"}, (99.71, 99.99, 97.86, 98.47, 99.99, 99.99)),
        ("anomaly", "auroc", {"outliers": "kmnist", "score": "msp"}, (99.42, 99.84, 97.75, 98.21, 99.96, 99.99)),
        (
            *("anomaly", "auroc", {"outliers": "fashion_mnist", "score": "cross_entropy"}),
            (99.97, 100.00, 99.92, 99.93, 100, 100),
        ),
        (
            *("anomaly", "auroc", {"outliers": "kmnist", "score": "cross_entropy"}),
            (99.90, 99.96, 99.87, 99.91, 100, 100),
        ),
    ],
)
def test_the_published_table_is_the_studys(
    evaluation: str, metric: str, setting: dict[str, str], percent: tuple[float | None, ...]
) -> None:
    assert pixmix_oe.published is not None
    found = {
        item.recipe: item.value
        for item in pixmix_oe.published.numbers
        if (item.evaluation, item.metric, item.setting) == (evaluation, metric, setting)
    }
    wanted = {label: value / 100 for label, value in zip(LABELS, percent, strict=True) if value is not None}
    assert found == pytest.approx(wanted)


def test_what_was_published_is_measured() -> None:
    assert pixmix_oe.published is not None
    assert len(pixmix_oe.published.numbers) == 2 * 3 + 4 * 6
    (shift,) = (item for item in pixmix_oe.evaluations if isinstance(item, Shift))
    (anomaly,) = (item for item in pixmix_oe.evaluations if isinstance(item, Anomaly))
    scores = {describe(score) for score in anomaly.scores}
    assert shift.images is anomaly.images is None
    assert {item.setting["score"] for item in pixmix_oe.published.numbers if item.metric == "auroc"} <= scores
