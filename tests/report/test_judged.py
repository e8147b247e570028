"""One judgement for every page: the report, the explorer and the terminal say what the analysis found."""

import io
import json
import re
import runpy
from pathlib import Path

import pytest
from rich.console import Console

from assay.analysis.build import build_zoo
from assay.analysis.effects import compare
from assay.analysis.measures import Cell, Measure, collect
from assay.analysis.zoo import Key
from assay.report import explorer, html
from assay.report.explorer_data import explorer_data
from assay.report.judged import Judged, judge_results, key_of
from assay.report.summary import entry, headline
from assay.report.terminal import print_headline
from assay.results import Results

make_results = runpy.run_path(str(Path(__file__).parents[1] / "analysis" / "conftest.py"))["make_results"]


@pytest.fixture(scope="module")
def results() -> Results:
    made: Results = make_results()
    return made


@pytest.fixture(scope="module")
def judged(results: Results) -> Judged:
    return judge_results(results)


def test_the_headline_says_what_the_analysis_found(results: Results, judged: Judged) -> None:
    zoo = build_zoo(results)
    found = {(zoo.recipes[item.recipe], zoo.keys[item.measure]): item for item in compare(zoo)}
    table = headline(results, judged=judged)
    seen = 0
    for row in table.rows:
        for column, item in zip(table.columns, row.entries, strict=True):
            comparison = found.get((row.recipe, key_of(column.measure)))
            if comparison is None:
                continue
            assert item.verdict == comparison.verdict
            if column.measure.metric != "mce":
                assert item.difference == pytest.approx(comparison.effect.value)
            seen += 1
    assert seen >= 10


def test_mce_is_judged_with_the_noise_of_training_and_shown_against_one(results: Results) -> None:
    """Its own interval is of the test images alone, so that holding it against 1 would look surer than it is."""
    key = Key("shift", "mce", ())
    recipes = ("baseline", "a", "b")
    cells = {"baseline": Cell(value=1.0), "a": Cell(value=0.8, low=0.79, high=0.81), "b": Cell(value=0.8, low=0.7)}
    measure = Measure(evaluation="shift", metric="mce", setting={}, higher_is_better=False, cells=cells)
    judged = Judged(base={key: 1.0}, verdicts={("a", key): "noise"}, trainings=5)
    a, b = (entry(measure, name, recipes[0], judged) for name in recipes[1:])
    assert a.verdict == "noise"
    assert a.difference == pytest.approx(-0.2)
    assert b.verdict == "unjudged"
    assert b.difference == pytest.approx(-0.2)  # nothing knows its noise of training
    once = entry(measure, "a", recipes[0], Judged())
    assert once.verdict == "better"
    assert once.difference == pytest.approx(-0.2)
    other = Judged(base={key: 1.0}, verdicts={("a", key): "worse"}, trainings=5)
    assert entry(measure, "a", recipes[0], other).verdict == "unjudged"  # the two baselines disagree on the side
    assert key in judge_results(results).base


def test_intervals_that_part_may_still_be_within_the_noise_of_training(results: Results, judged: Judged) -> None:
    alone, together = headline(results), headline(results, judged=judged)
    pairs = [
        (one.verdict, two.verdict)
        for before, after in zip(alone.rows, together.rows, strict=True)
        for one, two in zip(before.entries, after.entries, strict=True)
    ]
    assert any(one != two for one, two in pairs)


def test_the_explorer_has_the_same_verdicts_and_the_mean_of_the_trainings(results: Results, judged: Judged) -> None:
    measures = collect(results)
    data = explorer_data(results, measures, [], judged)
    letters = {"+": "better", "-": "worse", "=": "noise"}
    checked = 0
    for measure, item in zip(measures, data["measures"], strict=True):
        if key_of(measure) not in judged.base:
            assert "judged" not in item
            continue
        assert item["base"] == pytest.approx(judged.base[key_of(measure)], rel=1e-5)
        for recipe, letter in zip(results.recipes, item["judged"], strict=True):
            assert letters.get(letter) == judged.verdict(recipe, measure)
            checked += letter != " "
    assert checked >= 10


def test_pages_say_how_they_judge(results: Results, judged: Judged) -> None:
    page = html.render(results, judged)
    assert "corrected for many comparisons" in page
    assert f"the mean of {judged.trainings} trainings of the baseline" in page
    assert "the two intervals overlap" not in page
    assert "the two intervals overlap" in html.render(results)
    text = explorer.render(results, judged)
    assert "judged as on the" in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, flags=re.DOTALL)[1])  # type: ignore[index]
    assert any("judged" in item for item in data["measures"])


def test_the_terminal_names_the_trainings(results: Results, judged: Judged) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    print_headline(results, console)
    assert f"mean of {judged.trainings} trainings of the baseline" in console.export_text()
