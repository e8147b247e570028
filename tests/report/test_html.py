import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from assay.evaluations.base import Observations
from assay.report.html import render, write_report
from assay.report.page import PAGES
from assay.results import COLUMNS, Failure, Results

VOID = {"meta", "link", "img", "input", "br", "wbr"}
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

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for place in self.open:
            self.elements[place][2].append(data)

    def all(self, tag: str, **wanted: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (attributes, "".join(text))
            for name, attributes, text in self.elements
            if name == tag and all(attributes.get(key.rstrip("_")) == value for key, value in wanted.items())
        ]

    def text(self, tag: str, identifier: str) -> str:
        return re.sub(r"\s+", " ", self.all(tag, id=identifier)[0][1])


@pytest.fixture(scope="module")
def written(complete: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(complete, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


SECTIONS = ["answer", "table", "robustness", "shift", "anomaly", "calibration", "tradeoffs", "examples", "training"]


def test_sections_stand_in_order_and_are_linked(page: Page) -> None:
    ids = [attributes["id"] for attributes, _ in page.all("section")]
    assert ids == [*SECTIONS, "gaps", "methods", "provenance"]
    inside = [attributes["href"] or "" for attributes, _ in page.all("a") if attributes.get("href") != "#answer"]
    assert [href for href in inside if href.startswith("#")][:11] == [f"#{name}" for name in ids[1:]]


def test_one_small_file_alone(written: Path) -> None:
    assert [path.name for path in written.parent.iterdir()] == ["report.html"]
    assert written.stat().st_size < 10e6


def test_nothing_comes_from_elsewhere(written: Path, page: Page) -> None:
    policies = [item for item, _ in page.all("meta") if item.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    policy = policies[0]["content"] or ""
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    for _, attributes, _ in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:", *PAGES)), attributes
    own = written.read_text(encoding="utf-8").replace(get_plotlyjs(), "")
    assert not re.search(r"@import|https?://|url\(", own)


def test_plotly_is_inlined_whole_and_once(written: Path) -> None:
    script = get_plotlyjs()
    assert "</script" not in script.lower()
    assert "<!--" not in script
    assert written.read_text(encoding="utf-8").count(script) == 1


def test_all_recipes_are_there_and_the_baseline_is_marked(page: Page, complete: Results) -> None:
    headers = [text for attributes, text in page.all("th") if attributes.get("scope") == "row"]
    for recipe in complete.recipes:
        assert sum(text == recipe or text.startswith(f"{recipe} ★") for text in headers) >= 3
    marked = [text for _, text in page.all("tr", class_="baseline")]
    assert len(marked) == 3  # headline, heat map, training
    assert all("baseline" in text and "★" in text for text in marked)


def test_every_value_carries_its_interval_and_n(page: Page) -> None:
    cells = [item for item, _ in page.all("td") if item.get("data-value")]
    told = [str(item["data-tip"]) for item in cells if item.get("data-tip")]
    assert len(told) == 9 * 9 + 9 * 17  # headline and heat map
    assert all(re.search(r"95 % interval .+\(.+\), n = [\d,]+", text) for text in told)


def test_data_block_is_json_with_every_measure(page: Page, complete: Results) -> None:
    data = json.loads(page.text("script", "data"), parse_constant=lambda name: pytest.fail(name))
    assert [item["label"] for item in data["recipes"]] == list(complete.recipes)
    assert len(data["measures"]) == len(complete.table) / len(complete.recipes)
    assert data["robustness"]["worst"]["points"][0][0] == 0.0
    assert [line["name"] for line in data["robustness"]["attacks"]] == ["fgsm", "pgd(steps=40, step_size=0.01)"]
    assert set(data["auroc"]) == {f"{s}/{k}" for s in ("fashion_mnist", "kmnist") for k in ("msp", "max_logit", "vim")}


def test_figures_have_a_name_and_a_caption(page: Page) -> None:
    drawn = page.all("div", role="img")
    assert all(attributes.get("aria-label") for attributes, _ in drawn)
    assert len(page.all("figcaption")) == len(page.all("figure")) == len(drawn)


def test_text_of_results_cannot_act(complete: Results) -> None:
    def rename(text: str) -> str:
        return EVIL if text == "lenet5_large" else text

    table = complete.table.assign(recipe=[rename(text) for text in complete.table["recipe"]], reason=EVIL)
    results = dataclasses.replace(
        complete, recipes=tuple(map(rename, complete.recipes)), table=table, title=EVIL, question=EVIL, study=EVIL,
        trained=tuple(dataclasses.replace(item, recipe=rename(item.recipe), name=EVIL) for item in complete.trained),
        failures=(Failure(recipe=EVIL, seed=0, stage=EVIL, reason=EVIL),), waiting=(EVIL,), missing={EVIL: EVIL},
        provenance={EVIL: {EVIL: EVIL}}, load=lambda *_: Observations(tensors={
            "logits": complete.load("baseline", 0, "calibration").tensors["logits"],  # type: ignore[union-attr]
            "labels": complete.load("baseline", 0, "calibration").tensors["labels"],  # type: ignore[union-attr]
        }, notes={f"not measured/{EVIL}": EVIL, EVIL: EVIL}),
    )  # fmt: skip
    text = render(results)
    page = Page(text)
    assert len(page.all("script")) == 4
    assert not [attributes for _, attributes, _ in page.elements if any(name.startswith("on") for name in attributes)]
    assert not [attributes for attributes, _ in page.all("img")]
    assert "<script>alert" not in text
    assert json.loads(page.text("script", "data"))["recipes"][-1]["label"] == EVIL


def test_limited_runs_say_so_on_top(study: Callable[..., Results], page: Page) -> None:
    assert not page.all("p", class_="banner")[:-1]  # only the one inside <noscript>
    limited = Page(render(study(limit=500)))
    assert "LIMITED to 500 images per set: not comparable with full runs." in limited.all("p", role="alert")[0][1]


def test_partial_results(complete: Results) -> None:
    table = complete.table
    gone = [row["recipe"] == "lenet5_large" and row["evaluation"] == "shift" for row in table.to_dict("records")]
    results = dataclasses.replace(
        complete,
        table=table[[not item for item in gone]],
        failures=(Failure(recipe="lenet5_large", seed=0, stage="shift", reason="out of memory; use fewer workers"),),
        waiting=("mixup(alpha=1.0), seed 1: calibration",),
    )
    page = Page(render(results))
    missing = [item for item, text in page.all("span", class_="missing") if text.startswith(("not measured", "n. m."))]
    assert len(missing) == 2 + 17
    assert all(item["data-tip"] == "not measured: shift failed: out of memory; use fewer workers" for item in missing)
    assert all(item["tabindex"] == "0" for item in missing)
    listed = page.text("section", "gaps")
    assert "out of memory; use fewer workers" in listed
    assert "mixup(alpha=1.0), seed 1: calibration" in listed
    assert "1 failed" in re.sub(r"\s+", " ", page.all("p", class_="notice")[0][1])


def no_bare_numbers(page: Page) -> None:
    visible = " ".join(text for _, text in page.all("main"))
    assert not re.search(r"\b(nan|NaN|None|inf|undefined)\b", visible)
    for attributes, text in page.all("td"):
        assert text.strip() or attributes.get("class") == "corner", "an empty cell"


def nothing_at_all(complete: Results) -> Results:
    return dataclasses.replace(
        complete, table=complete.table.iloc[:0], trained=(), load=lambda *_: None,
        failures=tuple(Failure(recipe=name, seed=0, stage="training", reason="diverged") for name in complete.recipes),
    )  # fmt: skip


def without_kmnist(complete: Results) -> Results:
    why = "KMNIST is not here; run: assay data fetch kmnist"
    gone = {"value": None, "low": None, "high": None, "n": 0, "interval": "", "reason": why}
    records = [
        row | (gone if row["setting"].get("outliers") == "kmnist" else {}) for row in complete.table.to_dict("records")
    ]
    return dataclasses.replace(
        complete, table=type(complete.table)(records, columns=list(COLUMNS)), missing={"kmnist": why}
    )


def waiting(complete: Results) -> Results:
    return dataclasses.replace(complete, table=complete.table.iloc[:0], waiting=("baseline, seed 0: shift",))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (nothing_at_all, "diverged"),
        (without_kmnist, "assay data fetch kmnist"),
        (lambda results: dataclasses.replace(results, load=lambda *_: None), "Everything that was asked for"),
        (lambda results: dataclasses.replace(results, baseline=None), "no baseline"),
        (waiting, "baseline, seed 0: shift"),
    ],
)
def test_less_than_everything(complete: Results, change: Callable[[Results], Results], expected: str) -> None:
    page = Page(render(change(complete)))
    assert [attributes["id"] for attributes, _ in page.all("section")][:9] == SECTIONS
    assert expected in " ".join(text for _, text in page.all("main"))
    no_bare_numbers(page)


def test_complete_page_has_no_bare_numbers(page: Page) -> None:
    no_bare_numbers(page)


def test_many_recipes_default_to_a_selection(complete: Results) -> None:
    names = tuple(f"cutout(length={number})" for number in range(200))
    results = dataclasses.replace(complete, recipes=("baseline", *names))
    data = json.loads(Page(render(results)).text("script", "data"))
    assert len(data["recipes"]) == 201
    assert 0 in data["shown"]
    assert len(data["shown"]) <= 12


def test_templates_travel_with_the_package() -> None:
    folder = files("assay.report") / "templates"
    assert {item.name for item in folder.iterdir()} >= {"report.html", "style.css", "page.js", "figures.js"}
