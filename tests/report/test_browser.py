"""The report in a real browser: no error in its console, every figure drawn, no wider than a phone."""

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from assay.published import Published, PublishedNumber
from assay.report.html import write_report
from assay.results import Results

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--enable-logging=stderr", "--v=0", "--virtual-time-budget=10000", "--allow-file-access-from-files", "--dump-dom",
)  # fmt: skip
FIGURES = 1 + 2 + 2 + 9 + 1 + 4  # worst case, attacks, outlier sets, reliability, trade-off, training

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install chromium to run this test")


def visit(page: Path, profile: Path, *flags: str) -> tuple[str, list[str]]:
    """The page's elements after its scripts ran, and the lines of its console."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={profile}", page.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return ran.stdout, [line for line in ran.stderr.splitlines() if "CONSOLE" in line]


def drawn(elements: str) -> int:
    """How many plots have their main SVG: each has exactly one with the first layer's class."""
    return len(re.findall(r'<div class="plot-container plotly"', elements))


@pytest.fixture(scope="module")
def written(complete: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(with_published(complete), tmp_path_factory.mktemp("report"))


def with_published(results: Results) -> Results:
    """The results beside a published table, with a recipe that has seen KMNIST in training."""
    setting: dict[str, str | float] = {"outliers": "kmnist", "score": "msp"}
    met = [
        "kmnist" if recipe == "lenet5_large" and own.get("outliers") == "kmnist" else ""
        for recipe, own in zip(results.table["recipe"], results.table["setting"], strict=True)
    ]
    numbers = tuple(
        PublishedNumber(recipe=recipe, evaluation="anomaly", metric="auroc", setting=setting, value=0.97)
        for recipe in results.recipes
    )
    published = Published(title="A study", text="It tells little.", numbers=numbers)
    return dataclasses.replace(results, table=results.table.assign(seen=met), published=published)


def test_draws_every_figure_without_an_error(written: Path, tmp_path: Path) -> None:
    elements, console = visit(written, tmp_path)
    assert console == []
    assert drawn(elements) == FIGURES
    assert elements.count("main-svg") >= FIGURES
    assert len(re.findall(r'<img src="data:image/png', elements)) == 5 * (1 + 4) + 5 * (1 + 15)
    assert "not measured: undefined" not in elements
    assert "‡ seen in training by lenet5_large" in elements


def test_an_error_and_a_request_would_be_seen(written: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    text = written.read_text(encoding="utf-8").replace("drawPicker();\ndrawAll();", "drawPicker();\nnot_there();")
    broken.write_text(text.replace("</main>", '<img src="http://127.0.0.1:9/x.png" alt=""></main>'), encoding="utf-8")
    elements, console = visit(broken, tmp_path / "profile")
    assert drawn(elements) == 0
    assert len(console) == 2
    assert "not_there is not defined" in " ".join(console)
    assert "Content Security Policy" in " ".join(console)


MEASURE = """<script>
  const widths = (id) => { const root = document.getElementById(id).contentDocument.documentElement;
    const frames = [...root.querySelectorAll(".scroll")];
    const faded = frames.filter((frame) => frame.classList.contains("beyond")).length;
    const wider = frames.filter((frame) => frame.scrollWidth > frame.clientWidth + 1).length;
    return `${root.clientWidth} ${root.scrollWidth} ${faded} ${wider}`; };
  onload = () => setTimeout(() => { document.body.dataset.said = widths("narrow") + " " + widths("wide"); }, 2000);
</script>"""


def test_is_no_wider_than_its_window(written: Path, tmp_path: Path) -> None:
    frame = tmp_path / "frame.html"
    narrow, wide = (
        f'<iframe id="{name}" src="{written.as_uri()}" style="width:{width}px;height:800px;border:0"></iframe>'
        for name, width in (("narrow", 390), ("wide", 768))
    )
    frame.write_text(f"<body>{narrow}{wide}{MEASURE}</body>", encoding="utf-8")
    elements, console = visit(frame, tmp_path / "profile")
    assert console == []
    found = re.search(r'data-said="([\d ]+)"', elements)
    assert found is not None
    narrow_said, wide_said = [int(text) for text in found[1].split()][:4], [int(text) for text in found[1].split()][4:]
    assert narrow_said[2] > 0  # tables that go on behind the edge fade there
    for window, (inside, page, faded, wider) in ((390, narrow_said), (768, wide_said)):
        assert faded == wider
        assert window - 20 <= inside <= window  # a scroll bar may take some
        assert page <= inside


EVIL = "<img src=x onerror=console.error('acted')><script>console.error('acted')</script>"


def evil(results: Results) -> Results:
    """The results with a recipe whose label tries to run code."""

    def rename(text: str) -> str:
        return EVIL if text == "lenet5_large" else text

    table = results.table.assign(recipe=[rename(text) for text in results.table["recipe"]])
    load = results.load
    return dataclasses.replace(
        results,
        recipes=tuple(map(rename, results.recipes)),
        table=table,
        title=EVIL,
        trained=tuple(dataclasses.replace(item, recipe=rename(item.recipe)) for item in results.trained),
        load=lambda recipe, seed, evaluation: load("lenet5_large" if recipe == EVIL else recipe, seed, evaluation),
    )


def test_controls_work_and_text_of_results_cannot_act(complete: Results, tmp_path: Path) -> None:
    acting = tmp_path / "acting.html"
    act = """<script>
      const change = (id, value) => { byId(id).value = value; byId(id).dispatchEvent(new Event("change")); };
      const first = () => document.querySelector("table.headline tbody th").textContent.trim();
      const heads = document.querySelectorAll("table.headline thead tr:last-child button");
      const said = {};
      heads[3].click(); said.best = first(); said.sort = heads[3].closest("th").getAttribute("aria-sort");
      heads[3].click(); heads[3].click(); said.original = first();
      change("roc-score", "vim"); change("roc-scale", "linear");
      change("trade-y", D.headline[7]); change("trade-x", D.headline[8]);
      change("example-recipe", 2);
      document.querySelector('input[name=heat][value=difference]').click();
      said.heat = document.querySelector("table.heat").dataset.show;
      document.querySelector("[data-legend=worst] button").click(); said.focus = state.focus;
      document.querySelector("[data-pick=none]").click(); said.shown = state.shown.size;
      document.querySelector("[data-pick=all]").click();
      document.getElementById("theme").click(); said.theme = root.dataset.theme;
      const cell = document.querySelector("table.headline td[data-tip]"); cell.click();
      said.tip = document.getElementById("tip").textContent;
      document.body.dataset.said = JSON.stringify(said);
    </script></body>"""
    text = write_report(evil(complete), tmp_path).read_text(encoding="utf-8")
    acting.write_text(text.replace("</body>", act), encoding="utf-8")
    elements, console = visit(acting, tmp_path / "profile")
    assert console == []
    assert drawn(elements) == FIGURES
    said = re.search(r'data-said="([^"]*)"', elements)
    assert said is not None
    for part in (
        "best&quot;:&quot;pgd(eps=0.3, steps=40)&quot;", "sort&quot;:&quot;descending", "original&quot;:&quot;baseline",
        "heat&quot;:&quot;difference", "focus&quot;:0", "shown&quot;:1", "theme&quot;:&quot;dark", "n = 2,000",
    ):  # fmt: skip
        assert part in said[1], said[1]


def test_a_page_without_any_result_still_works(complete: Results, tmp_path: Path) -> None:
    bare = dataclasses.replace(complete, table=complete.table.iloc[:0], trained=(), load=lambda *_: None)
    elements, console = visit(write_report(bare, tmp_path), tmp_path / "profile")
    assert console == []
    assert drawn(elements) == 0
    assert "Nothing is measured yet" in elements
