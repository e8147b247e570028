"""The analysis page: what stands on it, that it is closed to the outside, and in a real browser its ranking."""

import dataclasses
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control

from assay.analysis.analyse import Analysis, analyse
from assay.analysis.effects import compare
from assay.analysis.families import family, parameters
from assay.analysis.pareto import pareto
from assay.analysis.ranking import rank
from assay.analysis.tradeoffs import Share
from assay.analysis.zoo import Floats, Key, Zoo
from assay.evaluations.base import Measurement
from assay.report.analysis_page import write_analysis_page
from assay.report.analysis_views import matrix, summary
from assay.report.strips import strip
from assay.results import COLUMNS, Results, rows
from assay.studies import tradeoffs

MEASURES: tuple[tuple[str, str, dict[str, str | float], bool, float], ...] = (
    ("adversarial", "accuracy", {"attack": "worst_case", "eps": 0.3}, True, 0.004),
    ("shift", "mean_accuracy", {}, True, 0.006),
    ("anomaly", "auroc", {"outliers": "kmnist", "score": "msp"}, True, 0.003),
    ("calibration", "accuracy", {}, True, 0.001),
    ("calibration", "ece", {"bins": 15}, False, 0.0006),
)
ALL = tuple(recipe.label for recipe in tradeoffs.recipes)
THIRTY = (
    ALL[:15]
    + tuple(label for label in ALL if "ensemble" in label or "large" in label or "cutout(length=7" in label)[:15]
)
NINE = (
    "baseline", "fgsm(eps=0.3)", "pgd(eps=0.3, steps=40)", "cutout(length=7, holes=1)", "mixup(alpha=1)",
    "cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)", "mixup(alpha=1) > pgd(eps=0.3, steps=40)",
    "ensemble(members=3)", "lenet5_large",
)  # fmt: skip


def made_up(label: str, random: np.random.Generator) -> list[float]:
    """Plausible values by rules of thumb: attacks help under attack, MixUp hurts anomaly detection, and so on."""
    own = parameters(label) if "(" in label else {}
    eps, alpha = max(own.get("pgd.eps", 0), 0.6 * own.get("fgsm.eps", 0)), own.get("mixup.alpha", 0)
    holes, members = own.get("cutout.holes", 0) / 5, np.log(own.get("ensemble.members", 1))
    jitter = random.normal(size=5)
    return [
        float(np.clip(0.02 + 0.93 / (1 + np.exp((0.18 - eps) / 0.03)) + 0.02 * members + 0.01 * jitter[0], 0, 1)),
        0.86 - 0.2 * eps + 0.01 * members + 0.008 * jitter[1],
        float(np.clip(0.97 + 0.01 * holes - 0.03 * (alpha > 0) + 0.006 * jitter[2], 0, 0.999)),
        0.992 - 0.02 * eps + 0.0006 * members + 0.0004 * jitter[3],
        0.006 + 0.02 * eps + 0.05 * (alpha > 0) * (eps > 0) - 0.001 * members + 0.0004 * abs(jitter[4]),
    ]


def zoo_of(recipes: tuple[str, ...], values: Floats, baseline: int | None = 0) -> Zoo:
    random = np.random.default_rng(1)
    noise = np.array([spread for *_, spread in MEASURES])
    first = np.arange(len(recipes))[:, None] == (-1 if baseline is None else baseline)
    errors = noise[None, :, None] * random.normal(size=(*values.shape, 100)) / 2
    keys = tuple(
        Key(evaluation, metric, tuple(sorted(setting.items()))) for evaluation, metric, setting, *_ in MEASURES
    )
    return Zoo(
        recipes=recipes,
        baseline=baseline,
        families=tuple(family(label) for label in recipes),
        parameters=({},) * len(recipes),
        keys=keys,
        higher_is_better=tuple(better for *_, better, _ in MEASURES),
        values=values,
        draws=(values[:, :, None] + errors).astype(np.float32),
        seeds=np.where(np.isnan(values), 0, np.where(first, 15, 1)),
        spread=np.where(first, noise, np.nan),
        noise=noise,
        replicates=np.full(len(MEASURES), 15),
        reasons={
            (recipes[place], keys[column]): "training failed: the disk is full"
            for place, column in np.argwhere(np.isnan(values)).tolist()
        },
    )


def results_of(recipes: tuple[str, ...], values: Floats, **changes: Any) -> Results:
    records: list[dict[str, Any]] = []
    for (place, recipe), (column, (evaluation, metric, setting, better, _)) in product(
        enumerate(recipes), enumerate(MEASURES)
    ):
        value = None if np.isnan(values[place, column]) else float(values[place, column])
        found = Measurement(
            setting=setting, metric=metric, value=value, n=1000, higher_is_better=better,
            reason="" if value is not None else "training failed: the disk is full",
        )  # fmt: skip
        records += rows(
            [found], study="tradeoffs", recipe=recipe, name=recipe, seed=0, evaluation=evaluation,
            limited=changes.get("limit") is not None,
        )  # fmt: skip
    facts: dict[str, Any] = {
        "study": "tradeoffs",
        "title": "Trade-offs between safety techniques",
        "question": "What does each technique cost?",
        "recipes": recipes,
        "baseline": recipes[0],
        "seeds": (0,),
        "trained": (),
        "table": pd.DataFrame(records, columns=list(COLUMNS)),
        "load": lambda _recipe, _seed, _evaluation: None,
    }
    return Results(**(facts | changes))


def study(
    recipes: tuple[str, ...],
    gaps: tuple[tuple[int, int], ...] = (),
    floor: bool = False,
    unlearned: tuple[str, ...] = (),
    **changes: Any,
) -> tuple[Results, Analysis]:
    """Made-up results and their analysis; with `floor` the baseline's accuracy under attack is 0."""
    random = np.random.default_rng(0)
    values = np.array([made_up(label, random) for label in recipes])
    if floor:
        values[0, 0] = 0
    for place, column in gaps:
        values[place, column] = np.nan
    results = results_of(recipes, values, **changes)
    zoo = dataclasses.replace(zoo_of(recipes, values, 0 if results.baseline is not None else None), unlearned=unlearned)
    return results, analyse(results, zoo, compare(zoo))


VOID = {"meta", "link", "img", "input", "br", "wbr", "rect", "line", "circle"}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class Page(HTMLParser):
    """A page's elements with their attributes and the text inside them; checks that every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(text)
        self.close()
        assert not self.open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for place in self.open:
            self.elements[place][2].append(data)

    def all(self, tag: str, **wanted: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (attributes, re.sub(r"\s+", " ", "".join(text)).strip())
            for name, attributes, text in self.elements
            if name == tag and all(attributes.get(key.rstrip("_")) == value for key, value in wanted.items())
        ]

    def text(self, identifier: str) -> str:
        return self.all("section", id=identifier)[0][1]


def page_of(results: Results, analysis: Analysis, folder: Path) -> Page:
    return Page(write_analysis_page(results, analysis, folder).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def nine() -> tuple[Results, Analysis]:
    return study(NINE, gaps=((3, 1), (5, 2)))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, Path]:
    results, analysis = study(ALL)
    return analysis, write_analysis_page(results, analysis, tmp_path_factory.mktemp("all"))


SECTIONS = ["answer", "techniques", "pairs", "front", "correlations", "tiers", "ranking", "noise", "gaps"]


def test_sections_stand_in_order_linked_and_explained(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    page = page_of(*nine, tmp_path)
    assert [item["id"] for item, _ in page.all("section")] == SECTIONS
    links = [item["href"] for item, _ in page.all("a") if str(item["href"]).startswith("#")]
    assert links[1:10] == [f"#{name}" for name in SECTIONS]
    for name in SECTIONS[1:-1]:
        assert "How to read it." in page.text(name), name
    for name, source in (("techniques", "Benjamini"), ("front", "WFG"), ("correlations", "Bonett"), ("tiers", "Wang")):
        assert source in page.text(name)
    here = [(item["href"], text) for item, text in page.all("a") if item.get("aria-current") == "page"]
    assert here == [("analysis.html", "Analysis")]


def test_nothing_comes_from_elsewhere(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    path = write_analysis_page(*nine, tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["analysis.html"]
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    policy = [item["content"] for item, _ in page.all("meta") if item.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy[0]).startswith("default-src 'none';")
    for _, attributes, _ in page.elements:
        for name in ("src", "action", "data", "poster", "srcset"):
            assert name not in attributes
        assert re.fullmatch(r"#\w+|data:,|\w+\.html(#\w+)?", attributes.get("href") or "#x")
    assert not re.search(r"@import|https?://|url\(", text)


def test_the_matrix_says_how_many_recipes_gain_and_lose(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    page = page_of(*nine, tmp_path)
    tips = [str(item["data-tip"]) for item, _ in page.all("td") if "better, " in str(item.get("data-tip"))]
    assert len(tips) == 8 * 5  # eight techniques of one recipe, five axes
    attack = next(tip for tip in tips if tip.startswith("pgd, Attack"))
    assert "1 better, 0 within noise, 0 worse; mean difference to the baseline +" in attack
    assert re.search(r"\+9\d\.\d points, 95 % interval \+\d\d\.\d to \+\d\d\.\d", attack)
    gap = next(tip for tip in tips if tip.startswith("cutout, Shift"))
    assert gap.endswith("0 better, 0 within noise, 0 worse, 1 without a judgement")


def symbols_of(analysis: Analysis) -> dict[tuple[str, int], tuple[str, Share]]:
    """By technique and axis what the symbol says, and the counts of the bar beside it."""
    return {
        (name, axis): (cell.verdict, cell.share)
        for name, _, cells in matrix(analysis, {})
        for axis, cell in enumerate(cells)
    }


def test_a_technique_of_one_recipe_has_that_recipes_verdict() -> None:
    """Its own interval excludes 0, and the correction for many comparisons takes the finding back."""
    analysis = study(NINE)[1]
    pgd = next(item for item in analysis.tradeoffs.techniques if item.family == "pgd")
    assert pgd.shares[1].mean is not None
    assert pgd.shares[1].mean.low > 0
    taken_back = dataclasses.replace(
        pgd, shares=(pgd.shares[0], pgd.shares[1]._replace(better=0, noise=1), *pgd.shares[2:])
    )  # fmt: skip
    techniques = tuple(taken_back if item is pgd else item for item in analysis.tradeoffs.techniques)
    changed = dataclasses.replace(analysis, tradeoffs=dataclasses.replace(analysis.tradeoffs, techniques=techniques))
    assert symbols_of(changed)["pgd", 1][0] == "noise"
    for verdict, share in symbols_of(analysis).values():
        assert verdict == next((name for name in ("better", "noise", "worse") if getattr(share, name)), "unjudged")


def test_the_mean_of_several_recipes_is_corrected_for_the_number_of_means(everything: tuple[Analysis, Path]) -> None:
    analysis, _ = everything
    means = {
        (item.family, axis): share.mean
        for item in analysis.tradeoffs.techniques
        for axis, share in enumerate(item.shares)
        if len(item.recipes) > 1 and share.mean is not None
    }
    adjusted = dict(zip(means, false_discovery_control([mean.p for mean in means.values()]), strict=True))
    found = symbols_of(analysis)
    for place, mean in means.items():
        assert (found[place][0] != "noise") == (adjusted[place] <= 0.05 and not mean.low <= 0 <= mean.high)
    assert {"better", "worse"} < {verdict for verdict, _ in found.values()}


def test_says_how_many_of_the_front_are_there_beyond_noise() -> None:
    """b is best on one axis by noise alone; without a known noise nothing is said of it."""
    analysis = study(NINE)[1]
    margin = [axis.margin for axis in analysis.axes]
    values = np.full((9, 5), np.nan)
    values[:3] = analysis.values[0]
    for place, gain in ((1, 3.0), (2, 0.5)):
        values[place, place] += gain * margin[place]
    assert all(axis.higher_is_better for axis in analysis.axes[:4])
    fronts = pareto(values, [axis.higher_is_better for axis in analysis.axes])
    assert fronts.front == (1, 2)
    few = dataclasses.replace(analysis, values=values, pareto=fronts)
    (sentence,) = [text for text in summary(few, {}) if "Pareto front" in text]
    assert sentence.startswith("2 of 3 recipes stand on the Pareto front, 1 of them beyond noise (")
    quiet = tuple(dataclasses.replace(axis, sampling=np.nan, retraining=np.nan) for axis in analysis.axes)
    (sentence,) = [text for text in summary(dataclasses.replace(few, axes=quiet), {}) if "Pareto front" in text]
    assert "how many of them by noise is unknown" in sentence


def test_says_where_nobody_withstands_the_attack() -> None:
    analysis = study(NINE)[1]
    assert not any("withstands" in text for text in summary(analysis, {}))
    values = analysis.values.copy()
    values[:, 1] = np.minimum(values[:, 1], 0.05)
    assert (
        "Under attack no recipe withstands ε = 0.3 (at most 5.0 %): a gain there, even beyond noise, protects nobody."
        in summary(dataclasses.replace(analysis, values=values), {})
    )


def test_trades_are_listed_per_technique(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    articles = page_of(*nine, tmp_path).all("article")
    cards = {re.sub(r" \d+ recipes?.*", "", text): text for _, text in articles}
    assert "✓ Attack +" in cards["pgd"]
    assert "✗ Shift −" in cards["pgd"]
    assert "1 of them lacks a judgement on some axis" in cards["cutout"]
    assert set(cards) == {family(label) for label in NINE[1:]}
    assert "the winner's curse" in page_of(*nine, tmp_path).text("pairs")


def test_what_rests_on_sampling_noise_alone_is_marked(tmp_path: Path) -> None:
    """The baseline's attacked accuracy is 0, so its trainings tell nothing of those of a robust recipe."""
    results, analysis = study(NINE, floor=True)
    page = page_of(results, analysis, tmp_path)
    cards = {re.sub(r" \d+ recipes?.*", "", text): text for _, text in page.all("article")}
    assert re.search(r"✓ Attack \+[\d.]+ points † ✗ Shift −[\d.]+ points \d of \d", cards["pgd"])
    assert re.search(r"pgd\(eps=0.3, steps=40\)\s?\+[\d.]+ points †\s?−[\d.]+ points", cards["pgd"])
    tips = [str(item["data-tip"]) for item, _ in page.all("td") if "better, " in str(item.get("data-tip"))]
    assert {tip.endswith("from sampling noise alone") for tip in tips if tip.startswith("pgd, Attack")} == {True}
    assert {tip.endswith("from sampling noise alone") for tip in tips if tip.startswith("pgd, Shift")} == {False}
    for section in ("techniques", "pairs"):
        assert page.text(section).count("† rests on sampling noise alone") == 1


def test_without_such_findings_there_is_no_mark(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    assert "†" not in write_analysis_page(*nine, tmp_path).read_text(encoding="utf-8")


def test_what_is_missing_says_why(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    page = page_of(*nine, tmp_path)
    assert "corruptedcutout(length=7, holes=1)training failed: the disk is full" in page.text("gaps")
    assert "Anomaly: AUROC, KMNIST (msp)" in page.text("gaps")
    hidden = [text for item, text in page.all("tr") if "hidden" in item]
    assert len(hidden) == 2  # not ranked while the axes that they lack have a weight
    assert "Not measured within fgsm (1), pgd (1)" in page.text("correlations")


def test_recipes_that_learned_nothing_stand_apart(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    assert "learned nothing" not in write_analysis_page(*nine, tmp_path).read_text(encoding="utf-8")
    idle = "pgd(eps=0.3, steps=40)"
    page = page_of(*study(NINE, unlearned=(idle,)), tmp_path)
    told = "Left out of the Pareto front, hypervolume, correlations, tiers and ranking, since they learned nothing: "
    assert f"{told}{idle}." in page.text("answer")
    heads = [text.replace("\u200b", "") for _, text in page.all("th", scope="row")]
    assert idle not in heads  # neither on the front nor ranked
    assert len([item for item, _ in page.all("tr") if "data-shares" in item]) == 8
    assert "All recipes 8 recipes" in page.text("correlations")
    assert len(page.all("circle")) == 8 * 5
    cards = {re.sub(r" \d+ recipes?.*", "", text): text for _, text in page.all("article")}
    assert f"{idle} (learned nothing)" in cards["pgd"]
    assert "✓" not in cards["pgd"]
    assert "only losses count" in page.text("techniques")
    many = page_of(*study(NINE, unlearned=NINE[1:]), tmp_path)
    assert f"{told}{'; '.join(NINE[1:7])} and 2 more." in many.text("answer")
    none = page_of(*study(NINE, unlearned=("baseline",)), tmp_path)
    assert "a difference to it says nothing" in none.text("answer")


def test_the_baselines_numbers_are_named_as_a_mean(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    page = page_of(*nine, tmp_path)
    assert "the mean of its 15 trainings; the report's row shows the first" in page.text("answer")
    assert [text for _, text in page.all("tr", class_="baseline") if "baseline ★ (mean of 15)" not in text] == []
    assert page.all("tr", class_="baseline")
    results, analysis = nine
    seeded = page_of(dataclasses.replace(results, seeds=(0, 1, 2)), analysis, tmp_path)
    assert "the report's row shows the mean over the study's 3 seeds" in seeded.text("answer")
    once = tuple(dataclasses.replace(axis, replicates=1) for axis in analysis.axes)
    alone = page_of(results, dataclasses.replace(analysis, axes=once), tmp_path)
    assert "mean of 1" not in alone.text("answer") + alone.text("ranking")
    assert "its 1 trainings" not in alone.text("answer")


def test_axes_and_studies_without_numbers_say_so(tmp_path: Path) -> None:
    empty = page_of(*study(NINE, gaps=tuple(product(range(9), range(5)))), tmp_path)
    assert empty.text("answer").count("Nothing is measured yet") == 1
    for name in SECTIONS[1:-1]:
        assert "ot measured" in empty.text(name), name
    assert empty.text("gaps").count("the axis is left out of everything above") == 5
    part = page_of(*study(NINE, gaps=tuple((place, 1) for place in range(9))), tmp_path)
    assert "the axis is left out" in part.text("gaps")
    assert "Shift" not in part.text("ranking")
    alone = page_of(*study(NINE, baseline=None), tmp_path)
    assert "the study has no baseline" in alone.text("techniques")
    assert "nothing to trade against" in alone.text("pairs")
    one = page_of(*study(NINE[:1]), tmp_path)
    assert "there is no recipe beside the baseline" in one.text("techniques")
    assert "it needs two axes and two recipes" in one.text("front")


def test_limits_slices_and_gaps_of_the_study_stand_on_top(tmp_path: Path) -> None:
    page = page_of(*study(NINE, limit=500, preset="laptop", waiting=("pgd, seed 0: shift",)), tmp_path)
    text = " ".join(text for _, text in page.all("p"))
    assert "LIMITED to 500 images per set" in text
    assert "The laptop slice of the study" in text
    assert "1 cell waiting to be computed" in text


def test_text_of_results_cannot_act(tmp_path: Path) -> None:
    results, analysis = study(NINE, title=EVIL)
    evil = dataclasses.replace(analysis, recipes=(EVIL, *analysis.recipes[1:]), families=(EVIL,) * 9)
    text = write_analysis_page(results, evil, tmp_path).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img" not in text
    assert Page(text).all("script")[-1][1].startswith('"use strict"')


def test_five_hundred_recipes_in_a_small_page(everything: tuple[Analysis, Path]) -> None:
    analysis, path = everything
    assert path.stat().st_size < 3e6
    page = Page(path.read_text(encoding="utf-8"))
    assert len(page.all("article")) == 14
    assert len(page.all("circle")) == 559 * 5
    assert len([item for item, _ in page.all("tr") if "data-shares" in item]) == 559
    assert "559 recipes" in page.text("correlations")
    assert len(page.all("figure")) == 1 + len(analysis.within) + 5


def test_strips_put_the_best_on_the_right_and_stack_neighbours() -> None:
    values = np.array([0.1, 0.1, 0.3, np.nan])
    dots = {dot.recipe: dot for dot in strip(values, False, None).dots}
    assert [dots[place].x for place in (0, 1, 2)] == [98, 98, 2]
    assert sorted(dots[place].y for place in (0, 1)) == [0, 7]
    assert 3 not in dots
    crowd = strip(np.append(np.zeros(500), 1.0), True, None).dots
    assert max(dot.y for dot in crowd) == 84


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=10000", "--allow-file-access-from-files", "--dump-dom",
)  # fmt: skip
WEIGHTS = (0.5, 3.0, 0.0, 1.0, 2.0)
ACT = """<script>
  const rows = () => [...document.querySelectorAll("#ranked tbody tr:not([hidden])")];
  const move = (weights) => document.querySelectorAll("#weights input").forEach((slider, axis) => {
    slider.value = weights[axis];
    slider.dispatchEvent(new Event("input"));
  });
  const shown = (row) => [row.cells[0].textContent.replace(/ ★.*/, "").trim(), ...[1, 2].map((k) => Number(row.cells[k].textContent))];
  const said = { first: rows().length };
  move(WEIGHTS);
  document.getElementById("all").click();
  said.order = rows().map(shown);
  move([0, 0, 0, 0, 0]);
  said.warned = !document.getElementById("unweighted").hidden;
  said.widths = [document.documentElement.clientWidth, document.documentElement.scrollWidth];
  document.body.dataset.said = JSON.stringify(said);
</script>"""  # noqa: E501


def visit(page: Path, profile: Path) -> tuple[dict[str, Any], list[str]]:
    """What the acting script said, and the lines of the console."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", page.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = Page("".join(re.findall(r"<body[^>]*>", ran.stdout)[:1]) + "</body>").elements[0][1]["data-said"]
    return json.loads(str(said)), [line for line in ran.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install chromium to run this test")
def test_sliders_rank_as_the_package_does(everything: tuple[Analysis, Path], tmp_path: Path) -> None:
    analysis, path = everything
    acting = tmp_path / "acting.html"
    text = path.read_text(encoding="utf-8")
    acting.write_text(text.replace("</body>", ACT.replace("WEIGHTS", str(list(WEIGHTS))) + "</body>"), encoding="utf-8")
    said, console = visit(acting, tmp_path / "profile")
    assert console == []
    assert said["first"] in (50, 51)  # the baseline always shows
    up, margins = [axis.higher_is_better for axis in analysis.axes], [axis.margin for axis in analysis.axes]
    expected = rank(analysis.values, up, WEIGHTS, margins)
    scores = {analysis.recipes[item.recipe]: item.score for item in expected.order}
    assert {label for label, _, _ in said["order"]} == set(scores)
    for label, _, score in said["order"]:
        assert score == pytest.approx(scores[label], abs=6e-4)
    assert [place for _, place, _ in said["order"]] == sorted(place for _, place, _ in said["order"])
    ranks = {analysis.recipes[item.recipe]: item.rank for item in expected.order}
    assert sum(place != ranks[label] for label, place, _ in said["order"]) <= 5  # scores within a millionth
    assert said["warned"]
    assert said["widths"][1] <= said["widths"][0]


def test_tiers_name_their_recipes_without_a_mouse(nine: tuple[Results, Analysis], tmp_path: Path) -> None:
    text = write_analysis_page(*nine, tmp_path).read_text(encoding="utf-8")
    section = text[text.index('<section id="tiers"') : text.index('<section id="ranking"')]
    names = re.findall(r"<li>([^<]*?): [^<]*</li>", section)
    for place, recipe in enumerate(NINE):
        there = len(nine[1].axes) - len(nine[1].missing.get(place, {}))
        assert names.count(recipe.replace(">", "&gt;")) == there, recipe
