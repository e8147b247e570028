"""report.html of a study with hundreds of recipes: tables of a selection, the rest in the explorer."""

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from assay.analysis.families import family
from assay.analysis.measures import collect
from assay.report import html
from assay.report.gaps import gaps
from assay.report.html import render
from assay.report.summary import Row, headline
from assay.results import Failure, Results

MADE = runpy.run_path(str(Path(__file__).with_name("synthetic.py")))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=10000", "--dump-dom",
)  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Results:
    results: Results = MADE["make_results"]()
    return results


@pytest.fixture(scope="module")
def text(whole: Results) -> str:
    return render(whole)


def row_names(text: str, table: str) -> list[str]:
    """The recipes of a table, in order."""
    body = re.search(rf'<table class="[^"]*{table}[^"]*".*?<tbody>(.*?)</tbody>', text, flags=re.DOTALL)
    assert body is not None
    names = re.findall(r'<th scope="row">(.*?)</th>', body[1], flags=re.DOTALL)
    return [re.sub(r"<[^>]*>", "", name).replace("★", "").replace("&gt;", ">").strip() for name in names]


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, flags=re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_tables_hold_the_baseline_and_the_best_of_each_column_and_family(text: str, whole: Results) -> None:
    names = row_names(text, "headline")
    assert 15 <= len(names) <= 60
    assert names[0] == "baseline"
    table = headline(whole)
    families: dict[str, list[Row]] = {}
    for row in table.rows:
        families.setdefault(family(row.recipe), []).append(row)
    for place, column in enumerate(table.columns):
        sign = -1 if column.measure.higher_is_better is False else 1
        best = max(table.rows, key=lambda row: sign * (row.entries[place].cell.value or 0.0))
        assert best.recipe in names
        if column.primary:
            for members in families.values():
                best = max(members, key=lambda row: sign * (row.entries[place].cell.value or 0.0))
                assert best.recipe in names
    assert row_names(text, "heat") == names
    assert row_names(text, "plain") == names  # the trained models
    assert text.count("All recipes are in the explorer.") == 3
    assert "Leading recipes on every axis" in text


def test_it_stays_small_and_figures_can_show_every_recipe(text: str) -> None:
    assert len(text.encode()) < 12e6
    assert len(data_of(text)["recipes"]) == 559
    assert len(json.dumps(data_of(text))) < 3e6
    assert 'data-pick="all"' not in text


def test_of_too_many_numbers_figures_show_the_selection(whole: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "PICKABLE", 1000)
    text = render(whole)
    data = data_of(text)
    labels = [recipe["label"] for recipe in data["recipes"]]
    assert labels == row_names(text, "headline")
    assert data["recipes"][0]["baseline"]
    assert {len(measure["cells"]) for measure in data["measures"]} == {len(labels)}
    assert len(data["training"]) == len(labels)
    assert max(data["shown"]) < len(labels)


def test_few_recipes_are_all_there() -> None:
    text = render(MADE["make_results"](MADE["RECIPES"][:60]))
    assert len(row_names(text, "headline")) == 60
    assert "All recipes are in the explorer." not in text
    assert 'data-pick="all"' in text


def test_many_waiting_and_failed_cells_are_few_gaps() -> None:
    recipes = MADE["RECIPES"][:100]
    results = MADE["make_results"](
        recipes,
        waiting=tuple(f"{name}, seed 0: {stage}" for name in recipes for stage in ("shift", "anomaly")),
        failures=tuple(Failure(recipe=name, seed=0, stage="training", reason="diverged") for name in recipes[:70]),
    )
    found = gaps(results, collect(results), {})
    assert [(gap.kind, gap.what, len(gap.recipes)) for gap in found if gap.kind in ("failed", "waiting")] == [
        ("failed", "training", 70), ("waiting", "shift", 100), ("waiting", "anomaly", 100),
    ]  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install chromium to run this test")
def test_it_opens_without_an_error(text: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(text, encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert [line for line in ran.stderr.splitlines() if "CONSOLE" in line] == []
    assert len(re.findall(r'<div class="plot-container plotly"', ran.stdout)) >= 5
