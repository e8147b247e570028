"""The explorer of a study of full size, read from a store and in a real browser."""

import dataclasses
import json
import re
import runpy
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from assay.analysis.columns import choose
from assay.analysis.measures import Measure, collect
from assay.report.explorer import render, write_explorer
from assay.report.explorer_data import explorer_data
from assay.results import Results
from assay.stored_results import load_results

MADE = runpy.run_path(str(Path(__file__).with_name("synthetic.py")))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=10000", "--allow-file-access-from-files", "--dump-dom",
    "--window-size=1280,1400",
)  # fmt: skip
FEW = ("baseline", "pgd(eps=0.3, steps=40)", "cutout(length=7, holes=1)", "ensemble(members=3)")
EVIL = "<img src=x onerror=console.error('acted')><script>console.error('acted')</script>"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install chromium to run this test")


def visit(page: Path, profile: Path, fragment: str = "") -> tuple[str, list[str]]:
    """The page's elements after its scripts ran, and the lines of its console."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", page.as_uri() + fragment]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return ran.stdout, [line for line in ran.stderr.splitlines() if "CONSOLE" in line]


def act(page: Path, folder: Path, script: str, fragment: str = "") -> dict[str, Any]:
    """What a script at the page's end says of it, as `said`; nothing may show up in the console."""
    text = page.read_text(encoding="utf-8")
    ending = f"<script>(() => {{ const said = {{}}; {script}; document.body.dataset.said = JSON.stringify(said); }})();"
    acting = folder / "acting.html"
    acting.write_text(text.replace("</body>", f"{ending}</script></body>"), encoding="utf-8")
    elements, console = visit(acting, folder / "profile", fragment)
    assert console == []
    found = re.search(r'data-said="([^"]*)"', elements)
    assert found is not None
    said: dict[str, Any] = json.loads(unescape(found[1]))
    return said


@pytest.fixture(scope="module")
def whole() -> Results:
    results: Results = MADE["make_results"]()
    return results


@pytest.fixture(scope="module")
def page(whole: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explorer(whole, tmp_path_factory.mktemp("explorer"))


def data_of(results: Results) -> tuple[list[Measure], dict[str, Any]]:
    measures = collect(results)
    return measures, explorer_data(results, measures, choose(results, measures))


def test_a_store_of_study_size_can_be_read_in_part(tmp_path: Path) -> None:
    results = load_results(MADE["write_store"](tmp_path, cells=100), "tradeoffs")
    assert len(results.recipes) == 559
    assert results.waiting
    data = data_of(results)[1]
    clean = data["measures"][data["axes"][0]]
    missing = [place for _, places in clean["why"] for place in places]
    assert clean["v"][0] is not None
    assert sum(value is None for value in clean["v"]) == len(missing) > 500
    assert len(data["reasons"]) < 10


@pytest.fixture(scope="module")
def collected(whole: Results) -> tuple[list[Measure], dict[str, Any]]:
    return data_of(whole)


def test_every_number_is_in_the_data(whole: Results, collected: tuple[list[Measure], dict[str, Any]]) -> None:
    measures, data = collected
    assert data["recipes"] == list(whole.recipes)
    assert len(data["measures"]) == len(measures) >= 60
    for measure, item in zip(measures, data["measures"], strict=True):
        cells = list(measure.cells.values())
        assert item["v"] == pytest.approx([cell.value for cell in cells], rel=1e-5)
        if item["l"] is not None:
            assert item["l"] == pytest.approx([cell.low for cell in cells], abs=6e-4)
            assert item["h"] == pytest.approx([cell.high for cell in cells], abs=6e-4)
        assert item["n"] == cells[0].n
        assert item["why"] == []
    assert len({item["id"] for item in data["measures"]}) == len(measures)


def test_hyper_parameters_are_those_that_vary(collected: tuple[list[Measure], dict[str, Any]]) -> None:
    data = collected[1]
    found = {item["name"]: sorted({value for value in item["own"] if value is not None}) for item in data["parameters"]}
    assert found == {
        "pgd.eps": [0.2, 0.3, 0.4], "pgd.steps": [30, 40, 50], "fgsm.eps": [0.2, 0.3, 0.4, 0.5],
        "cutout.length": [7, 10, 14], "cutout.holes": [1, 2, 3, 4, 5], "mixup.alpha": [0.25, 0.5, 1, 2, 4],
        "ensemble.members": [3, 5, 10, 15],
    }  # fmt: skip
    assert data_of(MADE["make_results"](FEW))[1]["parameters"] == []


def test_a_model_with_any_name_has_no_hyper_parameters(whole: Results) -> None:
    table = whole.table[whole.table["recipe"] == "baseline"].assign(recipe="my (own) model")
    data = data_of(dataclasses.replace(whole, recipes=("my (own) model",), baseline=None, table=table, trained=()))[1]
    assert data["parameters"] == []
    assert data["baseline"] == -1
    assert data["seeds"] == [""]


def test_one_small_file_that_asks_for_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path.name for path in page.parent.iterdir()] == ["explorer.html"]
    assert page.stat().st_size < 3e6
    assert "default-src 'none'" in text
    assert not re.search(r"@import|https?://|url\(", text)
    assert text.count("How to read it.") == 6


def test_limited_and_partial_runs_say_so() -> None:
    text = render(MADE["make_results"](FEW, limit=500, waiting=("baseline, seed 0: shift",)))
    assert "LIMITED to 500 images per set: not comparable with full runs." in text
    assert "<strong>1 cell waiting to be computed</strong>" in text
    assert "LIMITED to" not in re.sub(r"<script>.*?</script>", "", render(MADE["make_results"](FEW)), flags=re.DOTALL)


def pareto(first: Measure, second: Measure) -> set[str]:
    """By the definition: nobody is at least as good on both and better on one."""
    way = [-1 if measure.higher_is_better is False else 1 for measure in (first, second)]
    points = {
        recipe: tuple(sign * (item.cells[recipe].value or 0.0) for sign, item in zip(way, (first, second), strict=True))
        for recipe in first.cells
    }
    return {
        recipe
        for recipe, (x, y) in points.items()
        if not any(a >= x and b >= y and (a > x or b > y) for a, b in points.values())
    }


@needs_browser
def test_values_of_seen_tests_are_marked_in_table_card_and_csv(tmp_path: Path) -> None:
    results: Results = MADE["make_results"](FEW, seen={FEW[2]: ("kmnist", "fog")})
    said = act(
        write_explorer(results, tmp_path),
        tmp_path,
        """
        drawAll(true);
        said.rows = [...byId("table-body").rows].map((row) => row.textContent.split("‡").length - 1);
        point(2, { x: 300, y: 300 }); said.card = byId("card").textContent; said.words = inWords(2, []);
        said.csv = csv().split("\\n").filter((line) => line.includes("trained on")).length;
        """,
    )
    assert said["rows"] == [0, 0, 3, 0]  # KMNIST, the mean over corruptions and mCE
    assert "‡ trained on images of this family: KMNIST" in said["card"]
    assert "trained on images of this family: KMNIST" in said["words"]
    assert said["csv"] == 3


@needs_browser
def test_filters_views_and_selection(
    page: Path, whole: Results, collected: tuple[list[Measure], dict[str, Any]], tmp_path: Path
) -> None:
    said = act(
        page,
        tmp_path,
        """
        const count = () => byId("count").textContent, rows = () => byId("table-body").rows;
        const text = (selector) => document.querySelector(selector).textContent;
        const press = (selector) => document.querySelector(selector).click();
        const change = (id, value) => { byId(id).value = value; byId(id).dispatchEvent(new Event("change")); };
        drawAll(true);
        said.all = count(); said.first = rows().length;
        while (table.drawn < table.rows.length) moreRows();
        said.listed = rows().length;
        said.names = [...rows()].map((row) => Number(row.dataset.r)).sort((a, b) => a - b).join() === all.join();
        said.pareto = scatter.best.map((r) => D.recipes[r]);
        change("scatter-x", D.axes.at(-1));
        said.reversed = scatter.best.map((r) => D.recipes[r]);
        said.xAxis = M[state.x].title;
        press('[data-chip="f' + D.families.indexOf("pgd > cutout") + '"]'); said.family = count();
        const eps = D.parameters.findIndex((p) => p.name === "pgd.eps");
        press(`[data-chip="p${eps}:1"]`); said.both = count();
        said.without = [...document.querySelectorAll("#parameters .chip")].filter((c) => c.disabled).length > 5;
        press("#clear"); said.cleared = count();
        const m = M[D.axes[1]], best = [...all].sort((a, b) => m.v[b] - m.v[a])[24];
        brush(m, m.v[best], m.high); changed(); said.brushed = shown.length;
        said.expected = all.filter((r) => m.v[r] >= m.v[best]).length;
        press("#clear");
        window.requestAnimationFrame = (act) => act();
        byId("find").value = "fgsm MIXUP"; byId("find").dispatchEvent(new Event("input")); said.searched = count();
        press("#clear");
        change("scatter-x", D.primary[1]); press("#scatter-pareto");
        drawAll(true);
        const marked = (row) => row.getAttribute("aria-selected") === "true";
        said.selected = [...rows()].filter(marked).map((row) => D.recipes[row.dataset.r]);
        said.onTop = [...rows()].slice(0, said.selected.length).every(marked);
        press("#only"); said.only = rows().length;
        said.csv = csv().trim().split("\\n");
        press("#unselect"); said.unselected = count();
        point(1, { x: 300, y: 300 }); said.card = byId("card").textContent;
        said.pointed = text("tr.pointed th");
        unpoint();
        press("#table-head th:nth-child(3) button"); said.leader = text("#table-body th");
        said.sort = document.querySelector("#table-head th:nth-child(3)").getAttribute("aria-sort");
        press("#table-head th:nth-child(3) button"); said.last = text("#table-body th");
        rows()[0].focus();
        const key = (goal, name) => goal.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
        key(rows()[0], "ArrowDown"); said.focused = document.activeElement === rows()[1];
        key(rows()[1], "Enter"); said.byKey = state.selected.size;
        key(byId("scatter-over"), "ArrowRight"); said.walked = pointed.recipe !== null;
        said.charts = multiples.charts.map((chart) => chart.cell.querySelector("h3").textContent);
        said.heat = heat.rows.length;
        press('input[name="heat-mode"][value="difference"]'); press("#theme");
        said.fragment = written();
        """,
    )
    assert said["all"] == "559 of 559 models shown"
    assert said["first"] < said["listed"] == 559
    assert said["names"]
    columns = choose(whole, collected[0])
    attack, shift, last = (columns[place].measure for place in (2, 3, -1))
    assert set(said["pareto"]) == pareto(attack, shift)
    assert set(said["reversed"]) == pareto(last, shift)
    assert said["family"] == "135 of 559 models shown"
    assert said["both"] == "45 of 559 models shown"
    assert said["without"]
    assert said["cleared"] == said["all"]
    assert said["brushed"] == said["expected"] >= 25
    assert said["searched"] == "40 of 559 models shown"
    assert set(said["selected"]) == set(said["pareto"])
    assert said["onTop"]
    assert said["only"] == len(said["pareto"])
    assert len(said["csv"]) == 1 + len(said["pareto"]) * len(columns)
    assert said["csv"][0] == "study,preset,recipe,family,seeds,limit,measure,value,low,high,n,reason,seen"
    assert said["unselected"] == said["all"]
    for part in (whole.recipes[1], "seed 0", "n = 10,000", "Attack: worst case, ε = 0.3", "–"):
        assert part in said["card"]
    assert said["pointed"] == whole.recipes[1]
    values = {recipe: columns[1].measure.cells[recipe].value or 0.0 for recipe in whole.recipes}
    assert values[said["leader"].removesuffix(" ★")] == max(values.values())
    assert values[said["last"].removesuffix(" ★")] == min(values.values())
    assert said["sort"] == "descending"
    assert said["focused"]
    assert said["byKey"] == 1
    assert said["walked"]
    assert said["charts"] == [
        "eps", "steps", "length", "holes", "alpha", "members", "pgd: eps × steps", "cutout: length × holes",
    ]  # fmt: skip
    assert said["heat"] == 559
    assert "cells=difference" in said["fragment"]
    assert "model=" in said["fragment"]


KEYS = """
const key = (goal, name) => goal.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
const now = () => document.activeElement;
"""


@needs_browser
def test_a_press_in_the_table_leaves_it_where_it_is(page: Path, tmp_path: Path) -> None:
    said = act(
        page,
        tmp_path,
        KEYS
        + """
        const rows = () => byId("table-body").rows, frame = byId("table-frame");
        drawAll(true); moreRows(); moreRows(); moreRows();
        const r = Number(rows()[110].dataset.r), row = rowFor(r);
        row.focus(); frame.scrollTop = 3000; const top = frame.scrollTop;
        const same = () => rowFor(r) === row && rows()[110] === row && now() === row && frame.scrollTop === top;
        said.scrolled = top > 1000;
        row.click(); said.selected = row.getAttribute("aria-selected"); said.pressed = same();
        key(row, "Enter"); said.deselected = row.getAttribute("aria-selected"); said.released = same();
        row.click(); rows()[111].click(); press("#only"); said.only = rows().length;
        function press(selector) { document.querySelector(selector).click(); }
        rows()[0].focus(); key(now(), "Enter"); said.left = rows().length; said.next = now() === rows()[0];
        key(now(), "Enter"); said.all = table.rows.length; said.within = byId("table-body").contains(now());
        """,
    )
    assert said == {
        "scrolled": True, "selected": "true", "pressed": True, "deselected": "false", "released": True, "only": 2,
        "left": 1, "next": True, "all": 559, "within": True,
    }  # fmt: skip


@needs_browser
def test_the_table_is_a_grid_with_one_stop(page: Path, tmp_path: Path) -> None:
    said = act(
        page,
        tmp_path,
        KEYS
        + """
        const rows = () => byId("table-body").rows, grid = document.querySelector("table.models");
        const stops = () => [...rows()].filter((row) => row.tabIndex === 0);
        drawAll(true);
        said.role = grid.getAttribute("role"); said.many = grid.getAttribute("aria-multiselectable");
        said.count = grid.getAttribute("aria-rowcount"); said.place = rows()[3].getAttribute("aria-rowindex");
        said.stops = stops().length; said.drawn = rows().length;
        stops()[0].focus(); key(now(), "ArrowDown"); key(now(), "ArrowDown");
        said.moved = stops().length === 1 && stops()[0] === rows()[2] && now() === rows()[2];
        key(now(), "End"); said.end = Number(now().dataset.r) === table.rows.at(-1);
        key(now(), "Home"); said.home = now() === rows()[0] && stops().length === 1;
        state.families.add(1); changed(); said.after = stops().length;
        """,
    )
    assert said == {
        "role": "grid", "many": "true", "count": "560", "place": "5", "stops": 1, "drawn": 40, "moved": True,
        "end": True, "home": True, "after": 1,
    }  # fmt: skip


@needs_browser
def test_the_axes_controls_keep_the_focus(page: Path, tmp_path: Path) -> None:
    said = act(
        page,
        tmp_path,
        KEYS
        + """
        drawAll(true); byId("axis-menu").open = true;
        const press = (name) => { document.querySelector(`[aria-label="${name}"]`).focus(); now().click(); };
        const names = () => state.axes.map((k) => M[k].title), [first, second, third] = names();
        const label = () => now().getAttribute("aria-label");
        press(`Move ${first} to the right`); said.moved = names().indexOf(first); said.held = label();
        press(`Move ${first} to the left`); said.end = label();
        press(`Hide ${second}`); said.hidden = names().includes(second); said.next = label();
        while (state.axes.length > 1) now().click();
        said.last = now().id;
        said.titles = [first, second, third];
        """,
    )
    first, _, third = said["titles"]
    assert said["moved"] == 1
    assert said["held"] == f"Move {first} to the right"
    assert said["end"] == f"Move {first} to the right"  # it is the first again, so its other button is shut
    assert said["hidden"] is False
    assert said["next"] == f"Hide {third}"
    assert said["last"] == "axis-add"


@needs_browser
def test_every_drawing_is_walked_by_keys_and_says_what_it_shows(page: Path, tmp_path: Path) -> None:
    said = act(
        page,
        tmp_path,
        KEYS
        + """
        drawAll(true);
        const status = byId("pointed"), role = (goal) => goal.getAttribute("role");
        const walk = (over, ...names) => { for (const name of names) key(over, name); return status.textContent; };
        const drawings = [...document.querySelectorAll("canvas.over")];
        const proper = (over) => role(over) === "application" && over.tabIndex === 0 && over.getAttribute("aria-label");
        said.proper = drawings.filter(proper).length;
        said.drawings = drawings.length; said.live = role(status); said.card = role(byId("card"));
        said.parallel = walk(byId("parallel-over"), "Home"); said.lowest = D.recipes[pointed.recipe];
        said.scatter = walk(byId("scatter-over"), "Home", "ArrowRight"); said.second = D.recipes[pointed.recipe];
        said.x = `${M[state.x].title} ${show(M[state.x], M[state.x].v[pointed.recipe])}`;
        const chart = (name) => multiples.charts.find(({ heading }) => heading === name).over;
        said.cloud = walk(chart("eps"), "Home", "ArrowRight", "Enter"); said.chosen = state.selected.size;
        said.grid = walk(chart("pgd: eps × steps"), "Home"); said.right = walk(chart("pgd: eps × steps"), "ArrowRight");
        said.up = walk(chart("pgd: eps × steps"), "ArrowUp"); said.heat = walk(byId("heat-over"), "End");
        key(document.body, "Escape"); said.quiet = status.textContent;
        point(1, { x: 9, y: 9 }); said.pointer = status.textContent;
        """,
    )
    assert said["proper"] == said["drawings"] == 3 + 8
    assert said["live"] == "status"
    assert said["card"] is None
    assert said["parallel"].startswith(said["lowest"])
    assert said["scatter"].startswith(said["second"])
    assert said["x"] in said["scatter"]
    assert "95 % interval" in said["scatter"]
    assert "eps" in said["cloud"] or "fgsm" in said["cloud"]
    assert said["chosen"] == 1
    assert said["grid"].startswith("eps 0.2, steps 30. ")
    assert said["right"].startswith("eps 0.3, steps 30. ")
    assert said["up"].startswith("eps 0.3, steps 40. ")
    assert "mean" in said["up"]
    assert said["heat"]
    assert said["quiet"] == said["pointer"] == ""


@needs_browser
def test_an_address_opens_its_view(page: Path, tmp_path: Path) -> None:
    """The fragment that a view writes opens the same view, whatever nonsense stands beside it."""
    said = act(
        page,
        tmp_path,
        """
        said.count = byId("count").textContent; said.again = written(); said.x = M[state.x].title;
        """,
        "#?find=holes&family=cutout&family=nobody&with=cutout.length%3D14%7Cx&with=cutout.length%3Done"
        "&x=calibration%3Anll&y=nonsense&model=cutout(length%3D14%2C+holes%3D2)&sort=-&range=0..x+calibration%3Anll",
    )
    assert said["count"] == "5 of 559 models shown, 1 selected"
    assert said["x"] == "Calibration: NLL"
    assert "family=cutout" in said["again"]
    assert "nobody" not in said["again"]
    assert "with=cutout.length%3D14" in said["again"]
    assert "range" not in said["again"]


@needs_browser
def test_missing_values_say_why_and_stand_apart(tmp_path: Path) -> None:
    whole = MADE["make_results"](MADE["RECIPES"][:40], limit=500)
    table = whole.table
    gone = (table["evaluation"] == "anomaly") | (
        (table["recipe"] == "fgsm(eps=0.2)") & (table["evaluation"] == "shift")
    )
    waiting = ("fgsm(eps=0.2), seed 0: shift",)
    page = write_explorer(dataclasses.replace(whole, table=table[~gone], waiting=waiting), tmp_path)
    said = act(
        page,
        tmp_path,
        """
        drawAll(true);
        const r = D.recipes.indexOf("fgsm(eps=0.2)"), text = (id) => byId(id).textContent;
        said.lists = text("parallel-missing"); said.scatter = text("scatter-said");
        said.apart = scatter.at(r)[1] > scatter.bottom && scatter.placed.includes(r);
        said.below = parallel.ys[3][r] > axisBottom;
        point(r, { x: 10, y: 10 }); said.card = text("card");
        said.cells = [...rowFor(r).cells].filter((cell) => cell.textContent === "not measured").length;
        const lines = csv().split("\\n").filter((line) => line.includes("fgsm(eps=0.2)"));
        said.csv = lines.filter((line) => line.includes("mean accuracy"));
        """,
    )
    assert "mean accuracy, corrupted not measured for 1 model: it has not run yet" in said["lists"]
    assert "AUROC not measured for 40 models" in said["lists"]
    assert "1 model with one of the two values alone" in said["scatter"]
    assert said["apart"]
    assert said["below"]
    assert "not measured: it has not run yet" in said["card"]
    assert "LIMITED to 500 images per set" in said["card"]
    assert said["cells"] == 3  # mean accuracy, mCE, AUROC
    assert len(said["csv"]) == 1
    assert ",,,,," in said["csv"][0].replace('"', "")


@needs_browser
def test_a_slice_says_of_which_study(tmp_path: Path) -> None:
    page = write_explorer(MADE["make_results"](FEW, preset="laptop"), tmp_path)
    said = act(
        page,
        tmp_path,
        """
        drawAll(true); said.brand = document.querySelector(".brand").textContent;
        point(0, { x: 9, y: 9 }); said.card = byId("card").textContent; said.csv = csv().split("\\n");
        """,
    )
    assert "tradeoffs, laptop slice" in said["brand"]
    assert "laptop slice of tradeoffs" in said["card"]
    assert "full" not in said["card"]
    assert all(line.startswith("tradeoffs,laptop,") for line in said["csv"][1:-1])


@needs_browser
def test_a_measure_without_a_better_side_is_not_judged(tmp_path: Path) -> None:
    made = MADE["make_results"](FEW)
    own = made.table[(made.table["metric"] == "ece")].assign(metric="size", higher_is_better=None)
    page = write_explorer(dataclasses.replace(made, table=pd.concat([made.table, own])), tmp_path)
    said = act(
        page,
        tmp_path,
        """
        drawAll(true);
        const k = M.findIndex((m) => m.better === 0), text = (id) => byId(id).textContent;
        said.undirected = M.filter((m) => m.better === 0).length; said.arrow = titled(M[k]) === M[k].title;
        const drawn = []; CanvasRenderingContext2D.prototype.fillText = (words) => drawn.push(words);
        const corner = () => { drawn.length = 0; drawAll(true); return drawn.includes("better on both ↗"); };
        said.before = corner(); said.pareto = scatter.best.length; said.open = !byId("scatter-pareto").disabled;
        state.x = k; said.after = corner(); said.best = scatter.best.length;
        said.shut = byId("scatter-pareto").disabled;
        said.words = text("scatter-said"); said.title = M[k].title;
        state.axes.push(k); drawAll(true);
        said.judged = byId("table-body").querySelectorAll("td:last-child .better, td:last-child .worse").length;
        said.note = document.querySelectorAll(".undirected:not([hidden])").length;
        """,
    )
    assert said["undirected"] == 1  # the base rate is a fact of the data, and no measure
    assert said["arrow"]
    assert (said["before"], said["after"]) == (True, False)
    assert said["pareto"] > 0 == said["best"]
    assert said["open"]
    assert said["shut"]
    assert said["words"].startswith(f"No Pareto set: {said['title']} has no better side.")
    assert said["judged"] == 0
    assert said["note"] == 1


@needs_browser
def test_a_range_that_holds_no_setting_stays(tmp_path: Path) -> None:
    recipes = ("baseline", *(f"pgd(eps={eps / 100:g}, steps=40)" for eps in range(2, 42, 3)))
    page = write_explorer(MADE["make_results"](recipes), tmp_path)
    look = """
        const inputs = document.querySelectorAll("#parameters input"), count = () => byId("count").textContent;
        said.count = count(); said.ends = [...inputs].map((input) => input.value); said.fragment = written();
        said.empty = byId("empty").hidden ? "" : byId("empty").textContent; said.clear = !byId("clear").disabled;
        """
    typed = """
        const type = (place, value) => { const input = document.querySelectorAll("#parameters input")[place];
          input.value = value; input.dispatchEvent(new Event("change")); };
        type(0, "0.1"); type(1, "0.2"); said.some = shown.length; type(0, "0.21"); type(1, "0.22");
        """
    said = act(page, tmp_path, typed + look)
    assert said.pop("some") == 4  # 0.11, 0.14, 0.17 and 0.2
    assert said["count"] == "0 of 15 models shown"
    assert said["ends"] == ["0.21", "0.22"]
    assert "No model passes" in said["empty"]
    assert said["clear"]
    assert act(page, tmp_path, look, "#?" + said["fragment"]) == said


@needs_browser
def test_without_hyper_parameters_to_draw_a_line_says_what_would_be(page: Path, tmp_path: Path) -> None:
    script = """
        drawAll(true); said.height = byId("settings").clientHeight; said.text = byId("settings").innerText;
        """
    said = act(write_explorer(MADE["make_results"](FEW), tmp_path), tmp_path, script)
    assert "two values" in said["text"]
    assert "How to read it" not in said["text"]
    assert said["height"] < 160
    said = act(page, tmp_path, "state.families.add(D.family[BASE]); changed(); " + script)
    assert "clear some filters" in said["text"]
    assert said["height"] < 160
    assert "How to read it" in act(page, tmp_path, script)["text"]


@needs_browser
@pytest.mark.parametrize("recipes", [("baseline",), ()])
def test_one_model_and_none(recipes: tuple[str, ...], tmp_path: Path) -> None:
    made = MADE["make_results"](("baseline",))
    results = dataclasses.replace(made, recipes=recipes, table=made.table if recipes else made.table.iloc[:0])
    said = act(write_explorer(results, tmp_path), tmp_path, "drawAll(true); said.count = byId('count').textContent")
    assert said["count"].startswith(f"{len(recipes)} of {len(recipes)} model")


@needs_browser
def test_text_of_results_cannot_act(tmp_path: Path) -> None:
    made = MADE["make_results"](FEW)

    def rename(text: str) -> str:
        return EVIL if text == FEW[1] else text

    table = made.table.assign(recipe=[rename(text) for text in made.table["recipe"]])
    results = dataclasses.replace(
        made, title=EVIL, study=EVIL, recipes=tuple(map(rename, made.recipes)), table=table[40:], trained=(),
        waiting=(EVIL,),
    )  # fmt: skip
    said = act(
        write_explorer(results, tmp_path),
        tmp_path,
        "drawAll(true); point(1, { x: 9, y: 9 }); toggle(1); said.name = byId('card').firstChild.textContent",
    )
    assert said["name"] == EVIL


MEASURE = """<script>
  const widths = (id) => { const root = document.getElementById(id).contentDocument.documentElement;
    return `${root.clientWidth} ${root.scrollWidth}`; };
  onload = () => setTimeout(() => { document.body.dataset.said = widths("narrow") + " " + widths("wide"); }, 2000);
</script>"""


@needs_browser
def test_is_no_wider_than_its_window(page: Path, tmp_path: Path) -> None:
    frame = tmp_path / "frame.html"
    narrow, wide = (
        f'<iframe id="{name}" src="{page.as_uri()}" style="width:{width}px;height:800px;border:0"></iframe>'
        for name, width in (("narrow", 390), ("wide", 768))
    )
    frame.write_text(f"<body>{narrow}{wide}{MEASURE}</body>", encoding="utf-8")
    elements, console = visit(frame, tmp_path / "profile")
    assert console == []
    found = re.search(r'data-said="(\d+) (\d+) (\d+) (\d+)"', elements)
    assert found is not None
    for window, inside, width in ((390, int(found[1]), int(found[2])), (768, int(found[3]), int(found[4]))):
        assert window - 20 <= inside <= window  # a scroll bar may take some
        assert width <= inside


@needs_browser
def test_of_a_part_the_first_two_measures_are_measured_ones(tmp_path: Path) -> None:
    whole = MADE["make_results"](MADE["RECIPES"][:10])
    table = whole.table[whole.table["evaluation"] == "calibration"]
    page = write_explorer(dataclasses.replace(whole, table=table, waiting=("baseline, seed 0: shift",)), tmp_path)
    said = act(
        page,
        tmp_path,
        """
        drawAll(true);
        said.some = [state.x, state.y, state.measure].map((k) => M[k].some);
        said.chosen = [byId("scatter-x").value, byId("scatter-y").value]; said.state = [state.x, state.y].map(String);
        said.pareto = scatter.best.length;
        """,
    )
    assert said["some"] == [True, True, True]
    assert said["chosen"] == said["state"]
    assert said["pareto"] > 0
