"""The monitoring page of a tiny study that is run for it, and the pieces that it is made of."""

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from torch import nn

import assay
from assay.analysis.measures import Cell, Measure, collect
from assay.evaluations import Anomaly, Calibration, Decay, Rejection
from assay.evaluations.base import Observations
from assay.recipe import Recipe, Train
from assay.report import write_report
from assay.report.lines_svg import Line, Mark, axis, lines_svg, look
from assay.report.monitoring import Alarm, alarms, by_calibrator, by_score, falls, has_page
from assay.report.monitoring_page import render
from assay.report.monitoring_pictures import DRAWN, confidences, observed_of, score_pictures
from assay.results import Results
from assay.run import run_study
from assay.scores import MSP, Energy, ViM
from assay.study import Study

TRAIN = Train(epochs=1, batch_size=20, learning_rate=1e-3)
SCORES = (MSP(), Energy())
STUDY = Study(
    name="watch",
    title="Watch <it>",
    question="Does it know?",
    recipes=(Recipe(train=TRAIN), Recipe(train=TRAIN, members=2)),
    evaluations=(
        Calibration(),
        Anomaly(scores=SCORES),
        Rejection(scores=SCORES, rates=(0.2,), coverages=(0.8,)),
        Decay(scores=SCORES, images=20),
    ),
    data="tiny",
    outliers=("fashion_mnist",),
)


@pytest.fixture(scope="module")
def results(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run_study(STUDY, out=tmp_path_factory.mktemp("store"), data=tiny_folder, limit=40)


def test_tables_hold_the_rows_of_the_results(results: Results) -> None:
    measures = collect(results)
    assert has_page(results)
    first, second = by_score(results, measures)
    assert (first.title, second.title) == ("baseline", "ensemble(members=2)")
    assert (first.rows, first.columns) == (("msp", "energy"), ("far: fashion_mnist",))
    own = results.table.query("recipe == 'baseline' and evaluation == 'anomaly' and metric == 'auroc'")
    assert [row[0].value for row in first.cells if row[0]] == own["value"].tolist()
    table = by_calibrator(results, measures)
    place = table.columns.index("nll")
    values = results.table.query("evaluation == 'calibration' and metric == 'nll'")["value"]
    assert table.best(place) == values.min()
    accuracy = results.table.query("evaluation == 'calibration' and metric == 'accuracy'")["value"]
    assert table.best(table.columns.index("accuracy")) in (accuracy.max(), None)
    found = alarms(results, measures)
    assert [(alarm.recipe, alarm.score) for alarm in found] == [
        (recipe, score) for recipe in results.recipes for score in ("msp", "energy")
    ]
    curve = dict(next(fall for fall in falls(results, measures) if fall.title == "nll").curves)["baseline"]
    assert [severity for severity, _ in curve] == [0, 1, 2, 3, 4, 5]


def test_the_page_shows_every_part_escapes_text_and_asks_for_nothing(results: Results, tmp_path: Path) -> None:
    write_report(results, tmp_path)
    page = (tmp_path / "monitoring.html").read_text()
    assert all(
        f'<section id="{part}">' in page
        for part in ("scores", "distributions", "roc", "calibration", "rejection", "thresholds", "decay")
    )
    assert "Watch &lt;it&gt;" in page
    assert "Watch <it>" not in page
    assert not re.search(r'(?:src|href)="https?:', page)
    assert 'href="monitoring.html"' in (tmp_path / "report.html").read_text()
    assert page.count("<svg") >= 2 + 6 + 2 * (2 + 1 + 1)


def test_what_was_not_measured_is_left_out_or_says_why(results: Results) -> None:
    rows = results.table
    without = replace(results, table=rows[rows["evaluation"] != "rejection"], load=lambda *_: None)
    page = render(without)
    assert '<section id="thresholds">' not in page
    assert '<section id="decay">' in page
    assert not has_page(replace(results, table=rows[rows["evaluation"] == "anomaly"]))
    broken = rows.copy()
    chosen = (rows["evaluation"] == "anomaly") & rows["setting"].map(lambda setting: setting.get("score") == "msp")
    broken["value"], broken["reason"] = rows["value"].mask(chosen), rows["reason"].mask(chosen, "there were <none>")
    assert "not measured: there were &lt;none&gt;" in render(replace(results, table=broken))


def test_an_own_model_has_thresholds_where_validation_is_given_and_a_page_in_any_case() -> None:
    g = torch.Generator().manual_seed(0)
    sets = [(torch.rand(60, 1, 4, 4, generator=g), torch.arange(60) % 3) for _ in range(2)]
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    part = Rejection(scores=(MSP(),), rates=(0.2,))
    found = assay.evaluate(model, sets[0], validation=sets[1], evaluations=part, progress=lambda *_: None)
    assert found.table.query("metric == 'threshold'")["value"].notna().all()
    assert '<section id="thresholds">' in render(found)
    nothing = Rejection(scores=(ViM(),), rates=(0.2,))
    found = assay.evaluate(model, sets[0], evaluations=nothing, progress=lambda *_: None)
    assert found.table["value"].isna().all()
    assert '<section id="thresholds">' not in render(found)


@pytest.mark.parametrize(("value", "state"), [(0.03, "fewer"), (0.05, "kept"), (0.08, "kept"), (0.0801, "more")])
def test_a_promise_is_held_against_its_interval(value: float, state: str) -> None:
    alarm = Alarm(
        recipe="r",
        score="msp",
        wanted=0.05,
        threshold=Cell(value=1.0),
        promised=Cell(value=0.05, low=0.04, high=0.08),
        found=Cell(value=value),
        caught=(),
    )
    assert alarm.state == state


def test_near_and_far_sets_stand_apart_with_their_means(results: Results) -> None:
    names = ("uniform_noise", "kmnist", "own", "fashion_mnist", "glyphs")
    values = dict(zip(names, (0.9, 0.5, 0.3, 0.8, 0.7), strict=True))
    rows = [
        Measure(
            evaluation="anomaly",
            metric="auroc",
            setting={"outliers": name, "score": score},
            higher_is_better=True,
            cells={
                recipe: Cell(value=value if (name, score) != ("kmnist", "b") else None) for recipe in results.recipes
            },
        )
        for score in "ab"
        for name, value in values.items()
    ]
    table = by_score(results, rows)[0]
    assert table.columns == (
        "near: mean", "near: kmnist", "near: glyphs", "far: mean", "far: uniform_noise", "far: fashion_mnist", "own",
    )  # fmt: skip
    first, second = ([cell.value for cell in row if cell] for row in table.cells)
    assert first == pytest.approx([0.6, 0.5, 0.7, 0.85, 0.9, 0.8, 0.3])
    assert second[:2] == [None, None]
    assert second[3] == pytest.approx(0.85)


def test_pictures_are_of_the_scores_that_the_table_measures(results: Results) -> None:
    found = score_pictures(results)
    assert (found.groups, found.scores, found.absent) == (("test images", "far outliers"), ("msp", "energy"), {})
    first, second = found.drawn
    assert (first.recipe, second.recipe) == results.recipes
    assert [title for title, _ in first.histograms] == ["msp", "energy"]
    assert [title for title, _ in first.curves] == ["far: fashion mnist"]
    rows = results.table.query("recipe == 'baseline' and evaluation == 'anomaly' and metric == 'auroc'")
    said = [
        f"<title>{setting['score']}, AUROC {100 * value:.1f} %</title>"
        for setting, value in zip(rows["setting"], rows["value"], strict=True)
    ]
    assert all(text in first.curves[0][1] for text in said)
    assert len(said) == 2


def test_thresholds_are_marked_where_they_are_of_the_same_score(results: Results) -> None:
    drawn = score_pictures(results).drawn[0]
    assert all(svg.count('<text class="mark"') == 1 and ">20 %</text>" in svg for _, svg in drawn.histograms)

    def other(recipe: str, seed: int, evaluation: str) -> Observations | None:
        seen = results.load(recipe, seed, evaluation)
        if seen is None or evaluation != "rejection":
            return seen
        return Observations(tensors={k: v + 1 if k.endswith("/msp") else v for k, v in seen.tensors.items()})

    histograms = dict(score_pictures(replace(results, load=other)).drawn[0].histograms)
    assert 'class="mark"' not in histograms["msp"]  # fitted to other images, it would be another score
    assert 'class="mark"' in histograms["energy"]


def test_pictures_without_observations_say_why_or_are_not_asked_for(results: Results) -> None:
    bare = replace(results, load=lambda *_: None)
    (reason,) = score_pictures(bare).absent
    assert "no anomaly results are stored" in reason
    assert score_pictures(bare).absent[reason] == results.recipes
    page = render(bare)
    assert '<section id="distributions">' in page
    assert f"Not drawn of baseline; ensemble(members=2): {reason}." in page
    assert '<section id="roc">' not in page
    assert 'class="lines"' in page  # decay is drawn from the table
    rows = results.table
    unasked = render(replace(bare, table=rows[rows["evaluation"].isin(("rejection", "decay"))]))
    assert "Not drawn" not in unasked
    assert '<section id="distributions">' not in unasked
    assert "How sure each recipe is" not in unasked


def test_only_the_first_recipes_are_drawn(results: Results) -> None:
    names = tuple(f"recipe {number}" for number in range(DRAWN + 3))
    loads = []

    def load(recipe: str, seed: int, evaluation: str) -> Observations | None:
        loads.append(recipe)
        return None if recipe == "recipe 1" else results.load("baseline", seed, evaluation)

    found = observed_of(replace(results, recipes=names, load=load), "anomaly")
    assert list(found.found) == [names[0], *names[2 : DRAWN + 1]]
    assert list(found.absent.values()) == [("recipe 1",)]
    assert loads == list(names[: DRAWN + 1])


def test_near_far_and_own_sets_are_groups_and_a_score_that_failed_says_why(results: Results) -> None:
    g = torch.Generator().manual_seed(0)
    sets = ("in", "my/own", "uniform_noise", "kmnist")
    seen = Observations(
        tensors={f"score/{name}/msp": torch.rand(30, generator=g) for name in sets},
        notes={"not measured/score/vim": "there were <none>"},
    )
    found = score_pictures(replace(results, load=lambda *_: seen))
    assert found.groups == ("test images", "near outliers", "far outliers", "other outliers")
    assert [title for title, _ in found.drawn[0].curves] == ["near: kmnist", "far: uniform noise", "my/own"]
    assert found.drawn[0].histograms[0][1].count("<polygon") == 4
    assert found.drawn[0].missing == {"vim": "there were <none>"}
    nothing = score_pictures(replace(results, load=lambda *_: Observations(tensors={}, notes=seen.notes)))
    assert (nothing.scores, nothing.drawn[0].histograms, nothing.drawn[0].curves) == ((), (), ())


def test_confidences_are_drawn_of_each_recipe(results: Results) -> None:
    charts, absent = confidences(results)
    assert [recipe for recipe, _ in charts] == list(results.recipes)
    assert absent == {}
    row = results.table.query("recipe == 'baseline' and evaluation == 'calibration' and metric == 'accuracy'")
    assert f"accuracy {100 * row['value'].item():.1f} %" in charts[0][1]


def test_a_frame_that_fades_does_not_look_like_a_text_with_more_behind_it() -> None:
    folder = files("assay.report") / "templates"
    script, style = ((folder / name).read_text() for name in ("page.js", "style.css"))
    (state,) = re.findall(r'frame\.classList\.toggle\("(\w+)"', script)
    assert f".scroll.{state} {{" in style
    assert not re.search(rf"(?:^|[\s,}}]).{state}\b", style.replace(f".scroll.{state} ", ""))


def test_looks_differ_up_to_eighteen_lines() -> None:
    assert len({look(number) for number in range(18)}) == 18
    assert (look(0), look(7), look(13)) == ("line-0", "line-1 dashed", "line-1 dotted")


def test_marks_guides_and_areas_are_drawn_in_place() -> None:
    plain = axis("x", 0, 1, lambda value, _: f"{value:g}")
    marks = [Mark(x=0.9, text="late"), Mark(x=0.5, text="<mid>", dashed=False), Mark(x=0.0, text="first")]
    area = Line(name="a", points=[(0, 1), (1, 1)], note=", <n>", area=True)
    svg = str(lines_svg([area], ["a"], plain, plain, "x", marks=marks, guide=[(0, 0), (1, 1)]))
    assert '<polygon class="line-0" points="66,12 300,12 300,184 66,184"><title>a, &lt;n&gt;</title>' in svg
    assert '<polyline class="guide" points="66,184 300,12"/>' in svg
    assert re.findall(r'<text class="mark" x="([\d.]+)" y="(\d+)" text-anchor="(\w+)">([^<]*)<', svg) == [
        ("280.6", "22", "start", "late"),  # the last one's text right of it
        ("179", "35", "end", "&lt;mid&gt;"),
        ("70", "48", "start", "first"),  # no room on its left
    ]
    assert svg.count('class="mark dashed"') == 2


def test_ticks_are_round_and_span_the_values() -> None:
    found = axis("x", 0.0, 1.62, lambda value, decimals: f"{value:.{decimals}f}")
    assert [text for _, text in found.ticks] == ["0.0", "0.5", "1.0", "1.5", "2.0"]
    found = axis("x", 0.981, 1.0, lambda value, decimals: f"{100 * value:.{decimals - 2}f}")
    assert [text for _, text in found.ticks] == ["98.0", "98.5", "99.0", "99.5", "100.0"]
    alone = axis("x", 3.0, 3.0, lambda value, _: str(value))
    assert alone.low <= 3 < alone.high


def test_points_are_drawn_in_place_and_names_are_escaped() -> None:
    plain = axis("x", 0, 1, lambda value, _: f"{value:g}")
    svg = str(lines_svg([Line(name="<a>", points=[(0, 0), (1, 1), (2, 1)])], ["b", "<a>"], plain, plain, "one & all"))
    assert 'points="66,184 300,12 300,12"' in svg
    assert "&lt;a&gt;" in svg
    assert 'class="line-1"' in svg  # its place among the names
    assert 'aria-label="one &amp; all"' in svg
