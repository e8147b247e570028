"""Means over seeds."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from assay.evaluations.base import Measurement
from assay.metrics.intervals import across_seeds
from assay.results import COLUMNS, Results, rows, with_means


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
    assert again(out=None) == ""
