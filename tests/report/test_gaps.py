import dataclasses
import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from assay.analysis.build import build_zoo
from assay.analysis.measures import Cell, collect
from assay.report import explorer, html
from assay.report.answer import answer
from assay.report.doubts import EVENTS, doubts
from assay.report.figures import training
from assay.report.gaps import Gap, gaps
from assay.report.summary import Row, headline
from assay.report.terminal import print_headline
from assay.results import COLUMNS, Failure, Results


def found(results: Results, notes: dict[str, dict[str, str]] | None = None) -> list[Gap]:
    return gaps(results, collect(results, skip=EVENTS), notes or {})


def test_a_complete_study_has_none(complete: Results) -> None:
    assert found(complete) == []


def without(results: Results, recipe: str, evaluation: str) -> Results:
    table = results.table
    return dataclasses.replace(results, table=table[(table["recipe"] != recipe) | (table["evaluation"] != evaluation)])


def test_failures_and_waiting_cells_stand_first_and_once(complete: Results) -> None:
    results = without(without(complete, "lenet5_large", "shift"), "mixup(alpha=1.0)", "shift")
    results = dataclasses.replace(
        results,
        failures=(Failure(recipe="lenet5_large", seed=0, stage="shift", reason="out of memory"),),
        waiting=("mixup(alpha=1.0), seed 0: shift",),
    )
    kinds = [(gap.kind, gap.reason) for gap in found(results)]
    assert kinds[0] == ("failed", "out of memory")
    assert kinds[1][0] == "waiting"
    assert sum("out of memory" in reason for _, reason in kinds) == 1


def test_one_reason_is_one_gap(complete: Results) -> None:
    why = "KMNIST is not here; run assay data fetch kmnist"
    gone = {"value": None, "low": None, "high": None, "reason": why}
    records = [
        row | (gone if row["setting"].get("outliers") == "kmnist" else {}) for row in complete.table.to_dict("records")
    ]
    table = type(complete.table)(records, columns=list(COLUMNS))
    own = found(dataclasses.replace(complete, table=table))
    assert [(gap.kind, gap.recipes, gap.reason) for gap in own] == [("not measured", (), why)]
    assert own[0].what == (
        "anomaly: AUROC, FPR at 95 % TPR, base rate (outliers=kmnist, score=msp); "
        "AUROC, FPR at 95 % TPR, base rate (outliers=kmnist, score=max_logit); "
        "AUROC, FPR at 95 % TPR, base rate (outliers=kmnist, score=vim)"
    )


def test_missing_sets_notes_and_evaluations_not_asked_for(study: Callable[..., Results], complete: Results) -> None:
    results = study(table=complete.table[complete.table["evaluation"] == "shift"], missing={"kmnist": "not fetched"})
    own = found(results, {"not measured/vim": {"baseline": "its head is not linear"}, "order": {"baseline": "fixed"}})
    assert ("no data", "kmnist", "not fetched") in [(gap.kind, gap.what, gap.reason) for gap in own]
    assert ("vim", ("baseline",)) in [(gap.what, gap.recipes) for gap in own]
    assert {gap.what for gap in own if gap.kind == "not asked for"} == {
        "robustness to attacks", "anomaly detection", "calibration",
    }  # fmt: skip
    assert all(gap.reason for gap in own)


def test_signs_to_distrust_are_told_and_are_no_gaps(complete: Results) -> None:
    row = complete.table.iloc[0].to_dict() | {
        "metric": "accuracy_rise", "setting": {"attack": "fgsm", "eps": 0.3}, "value": 0.25, "recipe": "lenet5_large",
    }  # fmt: skip
    table = type(complete.table)([*complete.table.to_dict("records"), row], columns=list(COLUMNS))
    results = dataclasses.replace(complete, table=table)
    (doubt,) = doubts(results)
    assert doubt.recipe == "lenet5_large"
    assert "25.0 points at ε = 0.3" in doubt.text
    assert found(results) == []


def test_training_that_broke_is_a_sign_to_distrust(complete: Results) -> None:
    def broken(results: Results, *, best: float, last: float) -> Results:
        history: list[dict[str, float | None]] = [
            {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "robust_accuracy": best, "fgsm_accuracy": best + 0.1},
            {"epoch": 2, "loss": 0.5, "accuracy": 0.9, "robust_accuracy": last, "fgsm_accuracy": 0.95},
        ]
        changed = [replace(run, history=history) if run.recipe == "fgsm(eps=0.3)" else run for run in results.trained]
        return replace(results, trained=tuple(changed))

    assert doubts(complete) == []
    (doubt,) = doubts(broken(complete, best=0.61, last=0.0))
    assert doubt.recipe == "fgsm(eps=0.3)"
    assert (
        "overfitting: accuracy under PGD fell from 61.0 % to 0.0 % in epoch 2 while that under FGSM was 95"
        in doubt.text
    )
    (doubt,) = doubts(replace(broken(complete, best=0.1, last=0.01), seeds=(0, 1)))
    assert doubt.recipe == "fgsm(eps=0.3) (seed 0)"
    assert "in epoch 2 accuracy under FGSM was 95.0 % and under PGD 1.0 %, which had never reached 20 %" in doubt.text
    page = html.render(broken(complete, best=0.61, last=0.0))
    assert "<b>fgsm(eps=0.3)</b>: catastrophic overfitting" in page
    old = tuple(replace(run, history=[{"epoch": 1, "loss": 0.1, "accuracy": 0.9}]) for run in complete.trained)
    assert "catastrophic overfitting" not in html.render(replace(complete, trained=old))


def test_epochs_are_drawn_with_what_was_looked_at(complete: Results) -> None:
    drawn = training(complete, "pgd(eps=0.3, steps=40)")
    assert [record["robust_accuracy"] for record in drawn[:2]] == pytest.approx([0.2, 0.45])
    assert [record["fgsm_accuracy"] for record in drawn[:2]] == pytest.approx([0.3, 0.55])
    plain = training(complete, "baseline")
    assert {"epoch", "loss", "accuracy"} <= set(plain[0])
    assert "robust_accuracy" not in plain[0]
    unknown = replace(
        complete.trained[0], history=[{"epoch": 1, "loss": 0.1, "accuracy": 0.9, "robust_accuracy": None}]
    )
    assert training(replace(complete, trained=(unknown,)), "baseline") == [{"epoch": 1, "loss": 0.1, "accuracy": 0.9}]


def test_a_recipe_that_learned_nothing_is_named_on_every_page_and_in_the_terminal(complete: Results) -> None:
    row = complete.table.iloc[0].to_dict() | {
        "metric": "one_class", "evaluation": "calibration", "setting": {}, "value": 7.0, "recipe": "lenet5_large",
    }  # fmt: skip
    assert complete.unlearned == ()
    table = type(complete.table)([*complete.table.to_dict("records"), row], columns=list(COLUMNS))
    results = dataclasses.replace(complete, table=table)
    assert results.unlearned == ("lenet5_large",)
    assert doubts(results) == [], "the banner says it"
    for page in (html.render(results), explorer.render(results)):
        assert re.search(r"Learned nothing:</strong> lenet5_large\s+answers one class", page)
    console = Console(width=200, record=True, file=io.StringIO())
    print_headline(results, console)
    assert "lenet5_large answers one class for every image" in console.export_text()
    assert build_zoo(results).unlearned == ("lenet5_large",)


def test_a_recipe_that_learned_nothing_leads_nowhere(complete: Results) -> None:
    table = headline(complete)
    best = answer(table).leaders[0].recipe
    idle = replace(table, rows=tuple(replace(row, unlearned=row.recipe == best) for row in table.rows))
    assert best not in {leader.recipe for leader in answer(idle).leaders}


def test_nothing_is_judged_against_a_baseline_that_is_not_there(complete: Results) -> None:
    table = headline(complete)
    empty = Cell(value=None, reason="it has not run yet")

    def without(row: Row) -> Row:
        return replace(row, entries=tuple(replace(item, cell=empty, verdict="missing") for item in row.entries))

    for rows, why in (
        (tuple(without(row) if row.baseline else row for row in table.rows), "The baseline is not measured yet"),
        (tuple(replace(row, unlearned=row.baseline) for row in table.rows), "The baseline has learned nothing"),
    ):
        first, second = answer(replace(table, rows=rows)).sentences
        assert first.startswith("Best values: ")
        assert second.startswith(why)
        assert answer(replace(table, rows=rows)).alone.startswith(why[0].lower() + why[1:])


def test_an_axis_without_the_baseline_is_left_open(complete: Results) -> None:
    table = headline(complete)
    place = next(place for place, column in enumerate(table.columns) if column.axis == "calibration" and column.primary)
    rows = tuple(
        replace(
            row,
            entries=tuple(
                replace(item, cell=Cell(value=None, reason="later"), verdict="missing") if at == place else item
                for at, item in enumerate(row.entries)
            ),
        )
        if row.baseline
        else row
        for row in table.rows
    )
    assert answer(replace(table, rows=rows)).sentences[0].endswith("The baseline is not measured in calibration.")


def test_a_gain_counts_by_an_axiss_primary_measure(complete: Results) -> None:
    table = headline(complete)
    rows = tuple(
        replace(
            row,
            entries=tuple(
                replace(item, verdict="noise" if column.primary else "better")
                for column, item in zip(table.columns, row.entries, strict=True)
            ),
        )
        for row in table.rows
    )
    told = "No recipe gains beyond noise by a measure that stands for its axis, and none loses."
    assert answer(replace(table, rows=rows)).sentences[1] == told
