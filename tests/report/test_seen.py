"""Marks on values that rest on a test whose like the model met in training, wherever values are shown."""

import dataclasses
import io
import re
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from assay.analysis.analyse import analyse
from assay.analysis.build import build_zoo
from assay.analysis.columns import choose, why_primary
from assay.analysis.effects import compare
from assay.analysis.measures import Cell, Measure, collect
from assay.means import with_means
from assay.report import print_headline
from assay.report.analysis_page import render as render_analysis
from assay.report.answer import answer
from assay.report.explorer import render as render_explorer
from assay.report.explorer_data import explorer_data
from assay.report.html import render
from assay.report.judged import judge_results
from assay.report.seen import MARK, how_far, said, unseen_sentence
from assay.report.summary import Headline, headline
from assay.results import Results

MADE = runpy.run_path(str(Path(__file__).with_name("synthetic.py")))
OUTLIERS, SHIFTS, BOTH = "cutout(length=7, holes=1)", "ensemble(members=3)", "pgd(eps=0.3, steps=40)"
FEW = ("baseline", OUTLIERS, SHIFTS, BOTH)
SEEN = {
    OUTLIERS: ("fashion_mnist",),
    SHIFTS: ("fog", "impulse_noise"),
    BOTH: ("fashion_mnist", "kmnist", "<script>acted()</script>"),
}


def made(**changes: Any) -> Results:
    results: Results = MADE["make_results"](FEW, **({"seen": SEEN} | changes))
    return results


@pytest.fixture(scope="module")
def seen() -> Results:
    return made()


@pytest.fixture(scope="module")
def unseen() -> Results:
    return made(seen={})


def marked(table: Headline) -> set[tuple[str, str]]:
    return {
        (row.recipe, column.label)
        for row in table.rows
        for column, item in zip(table.columns, row.entries, strict=True)
        if item.seen
    }


def test_says_what_training_has_met() -> None:
    def text(cell: Cell, metric: str = "auroc", **setting: str | float) -> str:
        return said(Measure(evaluation="e", metric=metric, setting=setting, higher_is_better=True, cells={}), cell)

    one = Cell(value=0.9, seen="fashion_mnist")
    assert text(one, outliers="fashion_mnist") == "trained on images of this family: Fashion-MNIST"
    noise = Cell(value=0.9, seen="impulse_noise")
    assert text(noise, corruption="impulse_noise") == "trained on a corruption like this: impulse noise"
    mean = Cell(value=0.9, seen="fog, rotate, shear")
    assert text(mean) == "trained on the like of some of the tests behind this: fog, rotate and shear"
    assert text(Cell(value=0.9), outliers="kmnist") == ""
    assert text(dataclasses.replace(one, value=None), outliers="fashion_mnist") == ""
    assert text(one, "base_rate", outliers="fashion_mnist") == ""


def test_headline_marks_seen_tests_and_the_means_over_them(seen: Results) -> None:
    fashion, kmnist = "AUROC, Fashion-MNIST (msp)", "AUROC, KMNIST (msp)"
    anomaly = {(OUTLIERS, fashion), (BOTH, fashion), (BOTH, kmnist)}
    shift = {(SHIFTS, "mean accuracy, corrupted"), (SHIFTS, "mCE")}
    assert marked(headline(seen)) == anomaly | shift


def test_means_over_seeds_keep_their_marks(seen: Results) -> None:
    both = pd.concat([seen.table, seen.table.assign(seed="1")], ignore_index=True)
    several = dataclasses.replace(seen, seeds=(0, 1), table=with_means(both, 2))
    assert marked(headline(several)) == marked(headline(seen))


@pytest.mark.parametrize(
    ("met", "primary"),
    [
        ({}, "AUROC, KMNIST (msp)"),  # the harder of the two
        ({OUTLIERS: ("kmnist",)}, "AUROC, Fashion-MNIST (msp)"),
        ({OUTLIERS: ("fashion_mnist",)}, "AUROC, KMNIST (msp)"),
        ({OUTLIERS: ("kmnist",), BOTH: ("fashion_mnist",)}, "AUROC, KMNIST (msp)"),  # none is unseen by all
    ],
)
def test_an_outlier_set_that_no_recipe_has_seen_stands_for_the_axis(met: dict[str, Any], primary: str) -> None:
    results = made(seen=met)
    columns = [column for column in choose(results, collect(results)) if column.axis == "anomaly"]
    assert [column.label for column in columns if column.primary] == [primary]
    assert len(columns) == 2  # the other stays beside it


@pytest.mark.parametrize(
    ("met", "reason"),
    [
        ({}, "it is the hardest, with the lowest mean over the recipes"),
        (
            {OUTLIERS: ("fashion_mnist",)},
            "no recipe has met outliers of its family in training, as some have of Fashion-",
        ),
        ({OUTLIERS: ("kmnist",), BOTH: ("fashion_mnist",)}, "it is the hardest, and some recipe has met outliers"),
    ],
)
def test_pages_say_which_outlier_set_stands_for_the_axis_and_why(met: dict[str, Any], reason: str) -> None:
    results = made(seen=met)
    sentence = why_primary(choose(results, collect(results)))
    assert sentence.startswith("Where one number stands for the anomaly axis it is the AUROC on KMNIST: ")
    assert reason in sentence
    assert "depends on the recipes shown" in sentence
    page = render(results)
    assert sentence in page[page.index('id="table"') : page.index('id="robustness"')]
    assert sentence in analysed(results)


def test_the_axis_moves_where_a_recipe_has_seen_the_hardest_set() -> None:
    results = made(seen={OUTLIERS: ("kmnist",)})
    assert "it is the AUROC on Fashion-MNIST: no recipe" in why_primary(choose(results, collect(results)))


def test_nothing_is_said_of_a_single_outlier_set(unseen: Results) -> None:
    alone = [column for column in choose(unseen, collect(unseen)) if "Fashion" not in column.label]
    assert why_primary(alone) == ""


def test_says_where_no_unseen_outlier_set_was_measured(seen: Results, unseen: Results) -> None:
    sentence = unseen_sentence(collect(seen))
    assert sentence.startswith(f"No unseen outlier set was measured of {BOTH}: ")
    assert OUTLIERS not in sentence
    assert unseen_sentence(collect(unseen)) == ""
    assert sentence in " ".join(printed(seen).split())
    assert sentence.replace(BOTH, f"<b>{BOTH}</b>") in render(seen)


def test_the_answer_crowns_nobody_on_a_seen_test_without_saying_so() -> None:
    sentence = answer(headline(two_recipes(0.89, "fog, rotate"))).sentences[0]
    assert sentence == "a leads under corruption (its training met the like of fog and rotate)."
    assert answer(headline(two_recipes(0.89, ""))).sentences[0] == "a leads under corruption."
    alone = dataclasses.replace(two_recipes(0.89, "fog"), baseline=None)
    assert "a under corruption (its training met the like of fog)" in answer(headline(alone)).sentences[0]


def test_a_gain_on_seen_tests_alone_is_not_called_free() -> None:
    def table(low: float, met: str) -> Headline:
        return headline(two_recipes(low, met))

    assert "a gains without a clear loss anywhere" in answer(table(0.89, "")).sentences[1]
    aside = "a (in part on tests like those it was trained on) gains without a clear loss anywhere"
    assert aside in answer(table(0.89, "fog")).sentences[1]


def test_a_gain_that_rests_on_seen_tests_in_part_says_so() -> None:
    results = two_recipes(0.89, "")
    rows = made().table
    auroc = rows[(rows["metric"] == "auroc") & rows["recipe"].isin(["baseline", OUTLIERS])].copy()
    auroc = auroc[[setting["score"] == "msp" for setting in auroc["setting"]]]
    auroc["recipe"] = ["base" if name == "baseline" else "a" for name in auroc["recipe"]]
    auroc["value"] = [0.5 if name == "base" else 0.9 for name in auroc["recipe"]]
    auroc["low"], auroc["high"] = auroc["value"] - 0.01, auroc["value"] + 0.01
    found = answer(headline(dataclasses.replace(results, table=pd.concat([results.table, auroc]))))
    assert "a (in part on tests like those it was trained on) gains without a clear loss anywhere" in found.sentences[1]
    assert found.more == (
        "With a AUROC is 90.0 % on Fashion-MNIST, whose like training has shown, and 90.0 % on KMNIST, "
        "whose like it has not (baseline 50.0 % and 50.0 %).",
    )


def test_losses_on_seen_tests_are_marked_in_answer_and_cards(seen: Results) -> None:
    rows = seen.table
    shift = [
        recipe == SHIFTS and metric in ("mean_accuracy", "mce") and bool(met)
        for recipe, metric, met in zip(rows["recipe"], rows["metric"], rows["seen"], strict=True)
    ]
    lost = rows.copy()
    lost.loc[shift, ["value", "low", "high"]] = [0.3, 0.29, 0.31]
    worse = dataclasses.replace(seen, table=lost)
    found = answer(headline(worse))
    assert found.marked
    assert any("under corruption" in text and text.endswith("to 30.0 % ‡.") for text in found.more)
    assert "‡ Seen in training:" in render(worse).split('id="table"')[0]


def test_several_recipes_give_the_range_beside_the_unseen_set() -> None:
    met = {OUTLIERS: ("fashion_mnist",), SHIFTS: ("fashion_mnist",)}
    (sentence,) = [text for text in answer(headline(made(seen=met))).more if "AUROC is" in text]
    assert re.fullmatch(
        r"With 2 recipes AUROC is [\d.]+ to [\d.]+ % on Fashion-MNIST, whose like training has shown, and "
        r"[\d.]+ to [\d.]+ % on KMNIST, whose like it has not \(baseline [\d.]+ % and [\d.]+ %\)\.",
        sentence,
    )
    assert not any("AUROC is" in text for text in answer(headline(made(seen={}))).more)
    results = made(seen=met)
    names = {OUTLIERS: "outlier_exposure", SHIFTS: "pixmix > outlier_exposure"}
    table = results.table.assign(recipe=[names.get(name, name) for name in results.table["recipe"]])
    recipes = tuple(names.get(name, name) for name in results.recipes)
    found = answer(headline(dataclasses.replace(results, recipes=recipes, table=table))).more
    assert any(text.startswith("With outlier_exposure (2 recipes) AUROC is ") for text in found)


def two_recipes(value: float, met: str) -> Results:
    """A study of "base" and "a", which gains on the mean over corruptions alone."""
    results = made(seen={})
    rows = results.table[results.table["recipe"].isin(["baseline", OUTLIERS])]
    rows = rows[(rows["metric"] == "mean_accuracy") & (rows["evaluation"] == "shift")].copy()
    rows["recipe"] = ["base", "a"]
    rows["value"], rows["low"], rows["high"] = [0.7, value], [0.69, value - 0.01], [0.71, value + 0.01]
    rows["seen"] = ["", met]
    return dataclasses.replace(results, recipes=("base", "a"), baseline="base", table=rows, trained=())


def printed(results: Results) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    print_headline(results, console)
    return console.export_text()


def test_terminal_marks_values_and_explains_the_mark(seen: Results, unseen: Results) -> None:
    text = printed(seen)
    assert text.count(f"\u00a0{MARK}") == len(marked(headline(seen)))
    assert f"{MARK} seen: the model has met the like of this test" in text
    assert MARK not in printed(unseen)


def test_report_marks_tables_and_figures(seen: Results, unseen: Results) -> None:
    text = render(seen)
    table = text[text.index('id="table"') : text.index('id="robustness"')]
    heat = text[text.index('id="shift"') : text.index('id="anomaly"')]
    assert table.count('class="seen"') == len(marked(headline(seen)))
    assert "mean of unseen" not in heat  # nothing was judged here
    assert heat.count('class="seen"') == 2 * 3  # mean, fog and impulse noise: as value and as difference
    assert "trained on a corruption like this: impulse noise" in heat
    for section in (table, heat, text[text.index('id="anomaly"') : text.index('id="calibration"')]):
        assert ("‡ Seen in training:" in section) + ("‡ seen in training, as" in section) == 1
    assert text.count("‡ Seen in training:") == 1  # explained once, where it is met first
    assert text.index("‡ Seen in training:") < text.index("‡ seen in training, as")
    assert 'href="#seen"' in heat
    assert text.count('id="seen"') == 1
    assert '"trained on images of this family: Fashion-MNIST"]' in text  # behind a value that figures draw
    assert "‡ Seen in training:" not in render(unseen)
    assert 'class="seen"' not in render(unseen)


def test_beside_a_mean_stands_that_over_the_corruptions_training_has_not_met(seen: Results, unseen: Results) -> None:
    text = render(seen, judge_results(seen))
    names = ("fog", "impulse_noise")
    table = seen.table[(seen.table["evaluation"] == "shift") & (seen.table["metric"] == "accuracy")]
    corruption = table["setting"].map(lambda setting: setting.get("corruption"))
    left = table[~corruption.isin(["clean", *names])].groupby("recipe")["value"].mean()
    own, base = float(left[SHIFTS]), float(left["baseline"])
    sentence = (
        f"the mean over the 13 corruptions that it has not met is {100 * own:.1f} %, the baseline&#39;s over the same "
        f"{100 * base:.1f} %, a difference of {100 * (own - base):+.1f} points"
    )
    heat = text[text.index('id="shift"') : text.index('id="anomaly"')]
    assert sentence in heat.replace("−", "-")
    assert sentence in text[text.index('id="table"') : text.index('id="robustness"')].replace("−", "-")
    head = heat[: heat.index("</thead>")]
    assert head.index(">mean<") < head.index(">mean of unseen<") < head.index(">shot noise<")
    rows = heat.split("<tr")[2:]
    assert {row.count("<td") for row in rows} == {18}  # clean, both means and fifteen corruptions
    assert "mean of unseen" not in render(unseen, judge_results(unseen))


def test_only_is_said_of_single_tests_and_partly_of_means() -> None:
    assert how_far([{"outliers": "kmnist", "score": "msp"}, {"corruption": "fog"}]) == "only"
    assert how_far([{}]) == "in part"
    assert how_far([{}, {"outliers": "kmnist"}]) == "in part"


def test_explorer_knows_what_each_recipe_has_met(seen: Results, unseen: Results) -> None:
    measures = collect(seen)
    data = explorer_data(seen, measures, choose(seen, measures))
    places = {item["title"]: item["seen"] for item in data["measures"]}
    ((text, recipes),) = places["Anomaly: AUROC, KMNIST (msp)"]
    assert data["reasons"][text] == "trained on images of this family: KMNIST"
    assert [seen.recipes[place] for place in recipes] == [BOTH]
    assert places["Clean: accuracy"] == []
    assert "‡ Seen in training:" in render_explorer(seen)
    assert "‡ Seen in training:" not in render_explorer(unseen)


def analysed(results: Results) -> str:
    zoo = build_zoo(results)
    return render_analysis(results, analyse(results, zoo, compare(zoo)))


def test_analysis_marks_values_and_differences(seen: Results, unseen: Results) -> None:
    text = analysed(seen)
    assert "What 1 recipe reaches on Shift and 1 on Anomaly rests on tests whose like the model met in training" in text
    matrix = text[text.index('class="matrix"') : text.index('id="pairs"')]
    assert matrix.count('class="seen"') == 2
    assert "‡ Seen in training:" in matrix
    assert "‡" not in analysed(unseen).split('"use strict"')[0]


def test_names_of_tests_cannot_act() -> None:
    evil = "<script>acted()</script>"
    results = made()
    table = results.table.assign(seen=[evil if text else "" for text in results.table["seen"]])
    results = dataclasses.replace(results, table=table)
    for text in (render(results), render_explorer(results), analysed(results)):
        assert evil not in text
        assert "acted()" in text
