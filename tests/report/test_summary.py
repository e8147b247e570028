import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.analysis.measures import Cell, Measure, collect
from assay.evaluations.base import Measurement
from assay.report.summary import Entry, Headline, entry, headline, judge
from assay.results import Results, rows


def item(table: Headline, recipe: str, label: str) -> Entry:
    place = next(number for number, column in enumerate(table.columns) if column.label == label)
    return next(row for row in table.rows if row.recipe == recipe).entries[place]


def test_headline_has_the_axes_in_order(complete: Results) -> None:
    table = headline(complete)
    assert [column.label for column in table.columns] == [
        "accuracy", "worst case, ε = 0.2", "worst case, ε = 0.3", "mean accuracy, corrupted", "mCE",
        "AUROC, Fashion-MNIST (msp)", "AUROC, KMNIST (msp)", "ECE", "NLL",
    ]  # fmt: skip
    assert [row.recipe for row in table.rows] == list(complete.recipes)
    assert [row.recipe for row in table.rows if row.baseline] == ["baseline"]
    assert sum(column.primary for column in table.columns) == 5


def test_values_are_the_tables(complete: Results) -> None:
    found = item(headline(complete), "pgd(eps=0.3, steps=40)", "worst case, ε = 0.3")
    mask = (complete.table["recipe"] == "pgd(eps=0.3, steps=40)") & (complete.table["metric"] == "accuracy")
    row = next(
        row for row in complete.table[mask].to_dict("records") if row["setting"] == {"attack": "worst_case", "eps": 0.3}
    )
    assert (found.cell.value, found.cell.low, found.cell.high, found.cell.n) == tuple(
        row[name] for name in ("value", "low", "high", "n")
    )
    base = item(headline(complete), "baseline", "worst case, ε = 0.3")
    assert base.verdict == "baseline"
    assert found.verdict == "better"
    assert found.difference == pytest.approx((found.cell.value or 0) - (base.cell.value or 0))


numbers = st.floats(0, 1)


@given(numbers, numbers, numbers, numbers, st.booleans())
def test_judgement_is_antisymmetric_and_needs_disjoint_intervals(
    a: float, b: float, c: float, d: float, higher: bool
) -> None:
    one = Cell(value=min(a, b), low=min(a, b), high=max(a, b))
    two = Cell(value=min(c, d), low=min(c, d), high=max(c, d))
    verdict, back = judge(one, two, higher), judge(two, one, higher)
    overlap = max(min(a, b), min(c, d)) <= min(max(a, b), max(c, d))
    assert (verdict == "noise") == overlap
    assert {verdict, back} == ({"noise"} if overlap else {"better", "worse"})
    if not overlap:
        assert judge(one, two, not higher) == back


def test_no_interval_or_no_direction_is_not_judged() -> None:
    wide, bare = Cell(value=0.5, low=0.4, high=0.6), Cell(value=0.9)
    assert judge(bare, wide, True) == "unjudged"
    assert judge(wide, bare, True) == "unjudged"
    assert judge(Cell(value=0.9, low=0.8, high=1.0), wide, None) == "unjudged"


def test_ratio_to_the_baseline_is_judged_against_one() -> None:
    cells = {
        "base": Cell(value=1.0),
        "good": Cell(value=0.8, low=0.7, high=0.9),
        "even": Cell(value=1, low=0.9, high=1.1),
    }
    measure = Measure(evaluation="shift", metric="mce", setting={}, higher_is_better=False, cells=cells)
    assert entry(measure, "good", "base").verdict == "better"
    assert entry(measure, "good", "base").difference == pytest.approx(-0.2)
    assert entry(measure, "even", "base").verdict == "noise"


def test_mean_over_seeds_stands_for_its_recipe(complete: Results) -> None:
    def row(value: float) -> Measurement:
        return Measurement(setting={}, metric="nll", value=value, low=value, high=value, n=5, higher_is_better=False)

    records = [
        record
        for seed, value in (("1", 0.5), ("0", 0.3), ("mean", 0.4))
        for record in rows(
            [row(value)], study="s", recipe="a", name="a", seed=seed, evaluation="calibration", limited=False
        )
    ]
    frame = complete.table.iloc[:0]
    for chosen, expected in ((records, 0.4), (records[:2], 0.3), (records[:1], 0.5)):
        table = type(frame)(chosen, columns=frame.columns)
        results = dataclasses.replace(complete, recipes=("a",), seeds=(0, 1), table=table, baseline="a")
        assert collect(results)[0].cells["a"].value == expected


def test_axis_without_results_keeps_a_column_with_the_reason(study: Callable[..., Results], complete: Results) -> None:
    table = complete.table[complete.table["evaluation"] == "calibration"]
    results = study(table=table, waiting=("baseline, seed 0: adversarial",))
    found = headline(results)
    assert {column.axis for column in found.columns} == {"clean", "attack", "shift", "anomaly", "calibration"}
    assert "not run yet" in item(found, "baseline", "worst case").cell.reason
    assert all(item.cell.reason for row in found.rows for item in row.entries if item.cell.value is None)


def test_other_budgets_where_the_usual_ones_are_missing(complete: Results) -> None:
    keep = [row.get("eps") not in (0.2, 0.3) for row in complete.table["setting"]]
    results = dataclasses.replace(complete, table=complete.table[keep])
    labels = [column.label for column in headline(results).columns if column.axis == "attack"]
    assert labels == ["worst case, ε = 0.1", "worst case, ε = 0.4"]
