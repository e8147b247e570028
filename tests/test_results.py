"""Means over seeds."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from assay.augmentations import SaltPepper
from assay.corruptions import ImpulseNoise, Stripe
from assay.evaluations import Calibration, Shift
from assay.evaluations.base import Measurement
from assay.means import RANGES, with_means
from assay.metrics.intervals import across_seeds
from assay.objectives import OutlierExposure
from assay.outliers import Noise
from assay.published import Published, PublishedNumber
from assay.recipe import Recipe, Train, Tuned
from assay.report.explain import METRICS, PERCENT
from assay.results import COLUMNS, Results, rows, setting_text
from assay.run import run_study
from assay.study import Study


def table(metric: str, values: list[float | None], reason: str = "") -> pd.DataFrame:
    found = [
        row
        for seed, value in enumerate(values)
        for row in rows(
            [Measurement(setting={}, metric=metric, value=value, n=5, reason=reason)],
            study="s",
            recipe="r",
            name="r",
            evaluation="e",
            seed=seed,
            limited=False,
        )
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))


def mean(metric: str, values: list[float | None], reason: str = "") -> dict[str, object]:
    found = with_means(table(metric, values, reason), len(values))
    (row,) = found[found["seed"] == "mean"].to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_the_mean_over_seeds_has_students_interval() -> None:
    row = mean("accuracy", [0.5, 0.51, 0.52])
    low, high = across_seeds([0.5, 0.51, 0.52])
    assert (row["value"], row["low"], row["high"]) == (pytest.approx(0.51), low, high)
    assert 0 < low < 0.5 < 0.52 < high < 1


@pytest.mark.parametrize(
    ("metric", "values", "least", "most"),
    [("auroc", [0.9, 1.0], 0, 1), ("ece", [0.0, 0.3], 0, 1), ("nll", [0.1, 9.0], 0, math.inf)],
)
def test_its_interval_stays_in_the_metrics_range(
    metric: str, values: list[float | None], least: float, most: float
) -> None:
    row = mean(metric, values)
    low, high = row["low"], row["high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert least <= low < high <= most
    assert low == least or high == most


def test_relative_mce_may_be_negative() -> None:
    low = mean("relative_mce", [0.1, 0.9])["low"]
    assert isinstance(low, float)
    assert low < 0


def test_a_mean_of_seeds_without_intervals_has_one_and_no_excuse() -> None:
    row = mean("mce", [1.0, 1.1], "no interval, since the baseline makes no error in some resamples; take more images")
    assert row["reason"] == ""
    assert row["low"] is not None


def test_a_seed_that_lacks_leaves_no_mean() -> None:
    row = mean("mce", [1.0, None], "the baseline makes no error")
    assert row["reason"] == "the baseline makes no error"
    assert pd.isna(row["value"])  # type: ignore[call-overload]
    alone = table("mce", [1.0])
    assert with_means(alone, 1) is alone


def test_the_command_that_goes_on_names_what_the_run_was_of() -> None:
    def again(**given: Any) -> str:
        empty = pd.DataFrame(columns=list(COLUMNS))
        known: dict[str, Any] = {"seeds": (0,), "out": Path("assay-out")} | given
        return Results(
            study="s",
            title="",
            question="",
            recipes=(),
            baseline=None,
            trained=(),
            table=empty,
            load=lambda *_: None,
            **known,
        ).again

    assert again() == "assay run s"
    assert again(seeds=(0, 1), limit=5, preset="p", out=Path("my store")) == (
        "assay run s --preset p --limit 5 --seeds 0,1 --out 'my store'"
    )
    assert again(data="/my data", out="s3://b/f") == "assay run s --data '/my data' --out s3://b/f"
    assert again(out=None) == ""


def test_rows_say_what_of_their_tests_the_model_has_seen() -> None:
    measured = [
        Measurement(setting={"corruption": "clean"}, metric="accuracy", value=0.99),
        Measurement(setting={"corruption": "fog(decay=1.7)"}, metric="accuracy", value=0.7),
        Measurement(setting={"corruption": "impulse_noise"}, metric="accuracy", value=0.9),
        Measurement(setting={"corruption": "stripe"}, metric="accuracy", value=0.8),
        Measurement(setting={}, metric="mean_accuracy", value=0.8),
    ]
    seen = ("fashion_mnist", "fog", "impulse_noise")
    found = rows(measured, study="s", recipe="r", name="r", evaluation="shift", seed=0, limited=False, seen=seen)
    assert [row["seen"] for row in found] == ["", "fog", "impulse_noise", "", "fog, impulse_noise"]
    odd = [
        Measurement(setting={"outliers": name, "score": "msp"}, metric="auroc", value=1.0)
        for name in ("kmnist", seen[0])
    ]
    found = rows(odd, study="s", recipe="r", name="r", evaluation="anomaly", seed=0, limited=False, seen=seen)
    assert [row["seen"] for row in found] == ["", "fashion_mnist"]
    found = rows(odd, study="s", recipe="r", name="r", evaluation="anomaly", seed=0, limited=False)
    assert [row["seen"] for row in found] == ["", ""]


def test_what_was_seen_and_what_was_published_is_read_from_the_store(tiny_folder: Path, tmp_path: Path) -> None:
    published = Published(
        title="A study",
        text="Otherwise.",
        numbers=(
            PublishedNumber(
                recipe="baseline", evaluation="calibration", metric="ece", setting={"bins": 15}, value=0.02
            ),
        ),
    )
    train = Train(epochs=1, batch_size=20, learning_rate=1e-3)
    study = Study(
        name="small",
        title="Small",
        question="?",
        recipes=(Recipe(train=train), Recipe(train=train, pipeline=(SaltPepper(amount=0.1),))),
        evaluations=(Shift(corruptions=(ImpulseNoise(), Stripe()), images=10),),
        data="tiny",
        outliers=(),
        published=published,
    )
    results = run_study(study, out=tmp_path, data=tiny_folder)
    assert results.published == published
    seen = {
        (row["recipe"], setting_text(row["setting"]), row["metric"]): row["seen"]
        for row in results.table.to_dict("records")
        if row["seen"]
    }
    noisy = "salt_pepper(amount=0.1)"
    assert seen == dict.fromkeys(
        [
            (noisy, "corruption=impulse_noise", "accuracy"),
            *((noisy, "", metric) for metric in ("mean_accuracy", "mce", "relative_mce")),
        ],
        "impulse_noise",
    )


def test_a_tuned_model_has_the_time_and_the_history_of_both_trainings(tiny_folder: Path, tmp_path: Path) -> None:
    first = Recipe(train=Train(epochs=2, batch_size=20))
    tuned = replace(
        first, tuning=Tuned(objective=OutlierExposure(source=Noise()), train=Train(epochs=1, batch_size=20))
    )
    study = Study(
        name="small",
        title="Small",
        question="?",
        recipes=(first, tuned),
        evaluations=(Calibration(),),
        data="tiny",
        outliers=(),
    )
    plain, more = run_study(study, out=tmp_path, data=tiny_folder).trained
    assert [record["epoch"] for record in more.history] == [1, 2, 3]
    assert more.history[:2] == plain.history
    assert more.provenance["seconds"] > plain.provenance["seconds"]
    assert more.parameters == plain.parameters


def test_every_share_that_the_report_knows_has_its_range() -> None:
    """Intervals over seeds are cut to it."""
    shares = {name for name, metric in METRICS.items() if metric.unit == PERCENT}
    assert shares <= set(RANGES) | {"accuracy_rise", "out_of_bounds"}
