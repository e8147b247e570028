"""The published table beside ours, on made-up results."""

import dataclasses
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from assay.analysis.measures import collect
from assay.means import with_means
from assay.published import Published, PublishedNumber
from assay.report.beside import Beside, Pair, beside
from assay.report.html import render
from assay.report.judged import Judged
from assay.results import Results
from assay.studies.pixmix_oe import pixmix_oe

MADE = runpy.run_path(str(Path(__file__).with_name("synthetic.py")))
FIRST, SECOND = "baseline", "cutout(length=7, holes=1)"
EVIL = "<script>acted()</script>"
KMNIST = {"outliers": "kmnist", "score": "msp"}


def number(recipe: str, value: float, metric: str = "accuracy", **setting: str | float) -> PublishedNumber:
    evaluation = "anomaly" if "outliers" in setting else "shift"
    return PublishedNumber(recipe=recipe, evaluation=evaluation, metric=metric, setting=setting, value=value)


def made(*numbers: PublishedNumber, **changes: Any) -> Results:
    published = Published(title=f"A study {EVIL}", text=f"It tells little {EVIL}.", numbers=numbers)
    results: Results = MADE["make_results"]((FIRST, SECOND), **({"published": published} | changes))
    return results


def found(results: Results) -> Beside:
    made = beside(results, collect(results))
    assert made is not None
    return made


def cell(table: Beside, row: str, recipe: str) -> Pair:
    return dict(table.rows)[row][table.recipes.index(recipe)]


def test_no_table_where_nothing_is_published() -> None:
    results = made(published=None)
    assert beside(results, collect(results)) is None
    assert "Beside the published table" not in render(results)
    assert beside(made(), []) is None


def test_differences_are_ours_less_the_published_in_points() -> None:
    results = made(number(FIRST, 0.95, corruption="clean"), number(FIRST, 0.9871, "auroc", **KMNIST))
    own = {
        str(row["setting"]): row
        for row in results.table.to_dict("records")
        if row["recipe"] == FIRST and row["metric"] in ("accuracy", "auroc")
    }
    clean, auroc = own[str({"corruption": "clean"})], own[str(KMNIST)]
    pair = cell(found(results), "clean accuracy", FIRST)
    assert (pair.published, pair.ours) == ("95 %", f"{100 * clean['value']:.1f} %")
    assert pair.interval == f"{100 * clean['low']:.1f}–{100 * clean['high']:.1f}"
    assert pair.difference == f"{100 * (clean['value'] - 0.95):+.0f}".replace("-", "−")  # no finer than "95 %"
    assert pair.n == 10_000
    pair = cell(found(results), "AUROC, KMNIST, msp", FIRST)
    assert (pair.published, pair.ours) == ("98.71 %", f"{100 * auroc['value']:.2f} %")  # as many decimals as theirs
    assert pair.difference == f"{100 * (auroc['value'] - 0.9871):+.2f}".replace("-", "−")


@pytest.mark.parametrize(("shift", "within"), [(0.0, True), (0.0019, True), (0.0021, False), (-0.0021, False)])
def test_says_whether_the_published_number_lies_in_our_interval(shift: float, within: bool) -> None:
    rows = made().table.to_dict("records")
    ours = next(row["value"] for row in rows if row["setting"] == KMNIST and row["metric"] == "auroc")
    pair = cell(found(made(number(FIRST, ours + shift, "auroc", **KMNIST))), "AUROC, KMNIST, msp", FIRST)
    assert pair.within is within
    if shift == 0.0:
        assert float(pair.difference.strip("±")) == 0


@pytest.mark.parametrize(
    ("printed", "low", "high", "within"),
    [
        ((1.0, 0.9999), 0.9996, 0.99999979, True),  # 100.00 may be 99.995
        ((1.0, 0.9999), 0.9996, 0.99994, False),
        ((0.95, 0.8), 0.946, 0.948, True),  # 95 may be 94.5
        ((0.95, 0.8), 0.956, 0.958, False),
        ((0.95, 0.8123), 0.946, 0.948, False),  # a row with two decimals prints 95.00
    ],
)
def test_published_numbers_are_rounded(printed: tuple[float, float], low: float, high: float, within: bool) -> None:
    results = made(number(FIRST, printed[0], "auroc", **KMNIST), number(SECOND, printed[1], "auroc", **KMNIST))
    table = results.table.copy()
    table.loc[table["metric"] == "auroc", ["value", "low", "high"]] = [(low + high) / 2, low, high]
    pair = cell(found(dataclasses.replace(results, table=table)), "AUROC, KMNIST, msp", FIRST)
    assert pair.within is within


def test_says_which_of_the_baselines_trainings_is_ours() -> None:
    results = made(number(FIRST, 0.9, "auroc", **KMNIST))
    assert "the first of its 5 trainings" in render(results, Judged(trainings=5))
    assert "the first of its" not in render(results)


def test_missing_numbers_are_named() -> None:
    results = made(
        number(FIRST, 0.95, corruption="clean"),
        number(SECOND, 0.9, "auroc", outliers="notmnist", score="msp"),
        number("pixmix", 0.9, "auroc", **KMNIST),
    )
    table = found(results)
    assert table.recipes == (FIRST, SECOND, "pixmix")
    assert cell(table, "clean accuracy", SECOND).published == ""
    assert cell(table, "clean accuracy", SECOND).ours
    assert cell(table, "clean accuracy", SECOND).difference == ""
    lacking = cell(table, "AUROC, notmnist, msp", SECOND)
    assert (lacking.published, lacking.ours, lacking.difference) == ("90 %", "", "")
    assert lacking.reason
    assert cell(table, "AUROC, KMNIST, msp", "pixmix").reason == "this recipe is not in this run"
    text = render(results)
    assert "not published" in text
    assert "not measured: this recipe is not in this run" in text


def test_what_failed_has_its_reason() -> None:
    results = made(number(FIRST, 0.9, "auroc", **KMNIST), table=pd.DataFrame(columns=made().table.columns))
    assert "run the study again" in cell(found(results), "AUROC, KMNIST, msp", FIRST).reason


def test_several_seeds_give_their_mean() -> None:
    results = made(number(FIRST, 0.9, "auroc", **KMNIST))
    other = results.table.assign(seed="1", value=results.table["value"] - 0.02)
    table = with_means(pd.concat([results.table, other], ignore_index=True), 2)
    several = dataclasses.replace(results, seeds=(0, 1), table=table)
    one, mean = (cell(found(item), "AUROC, KMNIST, msp", FIRST) for item in (results, several))
    assert float(mean.ours[:-2]) == pytest.approx(float(one.ours[:-2]) - 1, abs=0.051)
    assert "over 2 seeds" in render(several)
    assert "with one seed" in render(results)


def test_seen_tests_are_marked_and_text_is_escaped() -> None:
    results = made(
        number(FIRST, 0.9, "auroc", **KMNIST), number(SECOND, 0.9, "auroc", **KMNIST), seen={SECOND: ("kmnist",)}
    )
    table = found(results)
    assert table.seen
    assert cell(table, "AUROC, KMNIST, msp", SECOND).seen == "trained on images of this family: KMNIST"
    assert cell(table, "AUROC, KMNIST, msp", FIRST).seen == ""
    text = render(results)
    section = text[text.index('id="published"') : text.index('id="examples"')]
    assert section.count('class="seen"') == 1
    assert "‡ seen in training, as" in section
    assert EVIL not in text
    assert "A study &lt;script&gt;" in section


def test_names_every_number_of_the_study_that_has_published_some() -> None:
    published = pixmix_oe.published
    assert published is not None
    results = made(published=published)
    table = found(results)
    assert [title for title, _ in table.rows] == [
        "clean accuracy", "mean accuracy, corrupted",
        "AUROC, Fashion-MNIST, msp", "AUROC, Fashion-MNIST, cross entropy",
        "AUROC, KMNIST, msp", "AUROC, KMNIST, cross entropy",
    ]  # fmt: skip
    assert sum(bool(pair.published) for _, pairs in table.rows for pair in pairs) == len(published.numbers)
    assert cell(table, "AUROC, KMNIST, cross entropy", FIRST).published == "99.90 %"
