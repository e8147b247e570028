"""Claims in the terminal, as JSON and as a page; and what verdicts hold for."""

import dataclasses
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from assay.analysis.claims import OUTCOMES, Case, Checked, Claim, Finding, Missing, Region
from assay.analysis.claims.evidence import NOT_HERE
from assay.analysis.effects import Effect
from assay.parts import describe
from assay.report.claims import check_claims, show_claims, write_claims
from assay.report.claims_page import render
from assay.report.claims_scope import remedy, scope_of
from assay.report.claims_svg import interval_svg
from assay.report.claims_text import missing_by_reason, print_claims
from assay.results import COLUMNS, Results, Trained
from assay.slices import cut
from assay.studies import pixmix_oe, tradeoffs
from assay.studies.claims import CLAIMS, claims_of
from assay.study import Study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
EVIL = "</script><script>alert(1)</script><img src=http://example.org/x.png>"


def case(value: float, half: float, region: Region, **changes: object) -> Case:
    effect = Effect(value, value - half, value + half, 0.01, half / 2, 0.0)
    fields = {"name": "PGD accuracy, a against b", "values": "1.0 % against 2.0 %", "effect": effect, "region": region}
    return Case(**(fields | {"percent": True} | changes))  # type: ignore[arg-type]


def made(claim: Claim, place: int) -> Checked:
    """A verdict of each kind in turn, with something in every field."""
    outcome = OUTCOMES[place % 4]
    lacks = (Missing("ensembles", ("ensemble(members=10)", "ensemble(members=15)"), NOT_HERE),)
    cases = (case(0.1, 0.02, Region(low=0.0)), case(0.01, 0.02, Region(-0.05, 0.05)), case(-0.1, 0.05, Region(low=0.0)))
    measured = outcome != "not measured"
    finding = Finding(
        text=claim.parts[0].text,
        outcome=outcome,
        numbers=("+1.0 points [−1.0, +3.0]; a sentence of numbers that is long enough to be wrapped at the edge",),
        cases=cases if measured else (),
        notes=("Both sides are at the floor.",),
        missing=lacks,
        recipes=("baseline", "pgd(eps=0.3, steps=40)"),
    )
    return Checked(claim=claim, outcome=outcome, findings=(finding,))


@pytest.fixture
def verdicts() -> list[Checked]:
    return [made(claim, place) for place, claim in enumerate(CLAIMS)]


def whole(study: Study = tradeoffs, **changes: object) -> Results:
    """Results of the whole study, as far as the scope looks at them."""
    rows = [
        dict.fromkeys(COLUMNS) | {"recipe": item.label, "seed": "0", "value": 1.0, "limited": False}
        for item in study.recipes
    ]
    facts = {
        "study": study.name,
        "title": study.title,
        "question": study.question,
        "recipes": tuple(item.label for item in study.recipes),
        "baseline": "baseline",
        "seeds": (0,),
        "trained": tuple(
            Trained(recipe=item.label, name=item.name, seed=0, baseline=False, parameters=1) for item in study.recipes
        ),
        "table": pd.DataFrame(rows, columns=list(COLUMNS)),
        "replicates": pd.DataFrame([{"seed": str(1000 * place), "value": 1.0} for place in range(1, study.replicates)]),
        "provenance": {"evaluations": {item.name: describe(item) for item in study.evaluations}},
        "load": lambda *_: None,
        "out": Path("assay-out"),
    }
    return Results(**(facts | changes))  # type: ignore[arg-type]


def printed(results: Results, checked: list[Checked], width: int = 80) -> str:
    stream = io.StringIO()
    print_claims(results, checked, scope_of(results), Console(file=stream, width=width))
    return stream.getvalue()


def test_the_whole_study_is_whole() -> None:
    scope = scope_of(whole())
    assert scope.whole, scope.reductions
    assert scope.says("replicates") == "replicates"
    assert dict(scope.facts) == {
        "study": "tradeoffs",
        "recipes": "559 of 559 measured",
        "seeds": "0; 15 trainings of the baseline measured",
        "training": "10 epochs on all images, batches of 16, learning rate 0.0001",
        "images": "all of each set",
    }


def test_a_study_without_presets_and_with_training_of_its_own_is_whole_too() -> None:
    scope, train = scope_of(whole(pixmix_oe)), pixmix_oe.recipes[0].train
    assert scope.whole, scope.reductions
    assert dict(scope.facts) == {
        "study": "pixmix_oe",
        "recipes": "6 of 6 measured",
        "seeds": f"0; {pixmix_oe.replicates} trainings of the baseline measured",
        "training": f"{train.epochs} epochs on all images, batches of {train.batch_size}, "
        f"learning rate {train.learning_rate:g}",
        "images": "all of each set",
    }
    as_tradeoffs = tuple(dataclasses.replace(item, name=item.recipe) for item in whole(pixmix_oe).trained)
    other = scope_of(whole(pixmix_oe, trained=as_tradeoffs))
    assert other.reductions == ("models are trained otherwise than the study trains them",)
    assert dict(other.facts)["training"] == "10 epochs on all images, batches of 16, learning rate 0.0001"
    absent = [Missing("exposure", ("pixmix > outlier_exposure",), NOT_HERE)]
    assert remedy(whole(pixmix_oe), absent) == "assay run pixmix_oe"


def test_the_page_and_the_terminal_name_the_study_that_is_checked() -> None:
    checked = [made(claim, place) for place, claim in enumerate(claims_of("pixmix_oe"))]
    text, page = printed(whole(pixmix_oe), checked), render(whole(pixmix_oe), checked)
    assert "2 claims: ✓ 1 replicates, ✗ 1 does not replicate." in text
    assert "study: pixmix_oe" in text
    assert "<cite>MNIST with PixMix and outlier exposure</cite>" in page
    for item in (text, page):
        assert "trade-offs" not in item.replace('analysis.html">Trade-offs', "").lower()


def test_what_training_has_shown_is_marked_beside_its_drawing(verdicts: list[Checked], tmp_path: Path) -> None:
    met = dataclasses.replace(verdicts[0].findings[0].cases[0], seen=(("outlier_exposure", "fashion_mnist"),))
    finding = dataclasses.replace(verdicts[0].findings[0], cases=(met,))
    checked = [dataclasses.replace(verdicts[0], findings=(finding,)), *verdicts[1:]]
    assert render(whole(), checked).count("(like what training has shown)") == 1
    write_claims(whole(), checked, tmp_path)
    data = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert data["claims"][0]["parts"][0]["comparisons"][0]["seen"] == {"outlier_exposure": "fashion_mnist"}


def test_trainings_of_the_baseline_are_counted_where_they_are_measured() -> None:
    full = whole(seeds=(0, 1, 2))
    for table, replicates, said in (
        (full.table, full.replicates.iloc[:0], "0, 1, 2; 1 training of the baseline measured"),
        (full.table.iloc[1:], full.replicates.iloc[:0], "0, 1, 2; 0 trainings of the baseline measured"),
        (full.table, full.replicates.assign(value=None), "0, 1, 2; 1 training of the baseline measured"),
    ):
        facts = dict(scope_of(dataclasses.replace(full, table=table, replicates=replicates)).facts)
        assert facts["seeds"] == said


def test_nothing_reduced_passes_for_the_whole() -> None:
    full, laptop = whole(), cut(tradeoffs, "laptop")
    trained = tuple(
        Trained(recipe=item.label, name=item.name, seed=0, baseline=False, parameters=1) for item in laptop.recipes
    )
    evaluations = {item.name: describe(item) for item in laptop.evaluations}
    reduced = {
        "limited to 200 images": dataclasses.replace(full, limit=200),
        "558 of the study's 559": dataclasses.replace(full, table=full.table.iloc[1:]),
        "1 training or evaluation failed or has not": dataclasses.replace(full, waiting=("baseline, seed 0: shift",)),
        "data sets are missing: kmnist": dataclasses.replace(full, missing={"kmnist": "fetch it"}),
        "trained otherwise": dataclasses.replace(full, trained=trained),
        "other settings than the study's: adversarial, shift, anomaly": dataclasses.replace(
            full, provenance={"evaluations": evaluations}
        ),
    }
    for reason, results in reduced.items():
        scope = scope_of(results)
        assert not scope.whole
        assert any(reason in text for text in scope.reductions), scope.reductions
        assert scope.says("replicates") == "replicates (reduced run)"
        assert scope.says("inconclusive") == "inconclusive"
        assert "Not the whole study" in printed(results, [made(CLAIMS[0], 0)])
        assert "Not the whole study" in render(results, [made(CLAIMS[0], 0)])


@pytest.mark.parametrize(
    ("labels", "command"),
    [
        (("ensemble(members=3)",), "assay run tradeoffs --preset laptop"),
        (("ensemble(members=15)",), "assay run tradeoffs --preset families"),
        (("ensemble(members=15)", "cutout(length=7, holes=2) > fgsm(eps=0.2)"), "assay run tradeoffs --preset full"),
    ],
)
def test_the_smallest_slice_that_has_it_is_named(labels: tuple[str, ...], command: str) -> None:
    assert remedy(whole(), [Missing("some", labels, NOT_HERE)]) == command
    limited = whole(limit=9, preset="laptop")  # the limit comes first: without it, more is measured of the same models
    assert remedy(limited, [Missing("some", labels, NOT_HERE)]) == "assay run tradeoffs --preset laptop"


def test_what_has_not_run_is_run_by_the_same_command() -> None:
    lack = Missing("some", ("ensemble(members=3)",), "it has not run yet")
    assert remedy(whole(preset="laptop"), [lack]) == "assay run tradeoffs --preset laptop"
    assert remedy(whole(), [Missing("a measure", (), "no draws")]) == ""


def test_the_terminal_shows_every_claim_in_80_columns(verdicts: list[Checked]) -> None:
    text = printed(whole(), verdicts)
    assert max(len(line) for line in text.splitlines()) <= 80
    for item in verdicts:
        assert re.search(rf"^\S {item.claim.key} {item.outcome}: ", text, flags=re.MULTILINE)
    assert "28 claims: ✓ 7 replicates, ✗ 7 does not replicate, ≈ 7 inconclusive, – 7 not" in text
    assert "not measured: 2 of ensembles: not among the recipes of these results" in text


def test_what_is_missing_is_told_once_a_reason() -> None:
    lacks = [
        Missing("a", ("x", "y"), "why"),
        Missing("b", (), "why"),
        Missing("a", ("x", "y"), "why"),
        Missing("c", ("z",), "so"),
    ]
    assert list(missing_by_reason(lacks)) == ["not measured: 2 of a, b: why", "not measured: 1 of c: so"]


def test_results_without_draws_are_judged_by_nobody(study: Callable[..., Results], tmp_path: Path) -> None:
    results = study(study="tradeoffs")
    stream = io.StringIO()
    page = show_claims(results, Console(file=stream, width=80), tmp_path)
    assert page == tmp_path / "claims.html"
    data = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert [item["key"] for item in data["claims"]] == [claim.key for claim in CLAIMS]
    assert data["summary"]["replicates"] == data["summary"]["does not replicate"] == 0
    assert "cannot be judged" in " ".join(stream.getvalue().split())


def test_a_study_without_claims_says_so(complete: Results, tmp_path: Path) -> None:
    assert check_claims(complete) == []
    stream = io.StringIO()
    page = show_claims(complete, Console(file=stream, width=80), tmp_path)
    assert "No claims are known about the study quickstart" in stream.getvalue()
    assert "No claims are known about the study quickstart" in page.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))["claims"] == []


def test_json_holds_every_number_in_its_documented_form(verdicts: list[Checked], tmp_path: Path) -> None:
    write_claims(whole(preset="laptop"), verdicts, tmp_path)
    data = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert (data["format"], data["study"], data["preset"], data["limit"]) == (1, "tradeoffs", "laptop", None)
    assert data["summary"] == dict.fromkeys(OUTCOMES, 7)
    first = data["claims"][0]
    assert first["verdict"] == "replicates"
    assert first["parts"][0]["comparisons"][0] == {
        "name": "PGD accuracy, a against b", "values": "1.0 % against 2.0 %", "value": 0.1,
        "low": pytest.approx(0.08), "high": pytest.approx(0.12), "region": [0.0, None], "difference": True,
        "state": "holds", "seen": {},
    }  # fmt: skip
    assert first["parts"][0]["missing"][0]["recipes"] == ["ensemble(members=10)", "ensemble(members=15)"]


def test_the_page_shows_every_claim_and_lets_no_text_run(verdicts: list[Checked]) -> None:
    evil = dataclasses.replace(verdicts[0].claim, text=EVIL, weakness=EVIL)
    text = render(whole(title=EVIL), [dataclasses.replace(verdicts[0], claim=evil), *verdicts[1:]])
    assert text.count("<article") == len(CLAIMS)
    assert text.count('<svg class="interval-plot') == 3 * 21
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert 'aria-current="page">Claims' in text


def numbers(svg: str, name: str) -> dict[str, float]:
    found = re.search(rf'<\w+ class="{name}"([^>]*)/>', svg)
    assert found is not None
    return {key: float(value) for key, value in re.findall(r'(\w+)="([-\d.]+)"', found[1])}


def test_drawings_place_interval_and_region_to_scale() -> None:
    svg = str(interval_svg(case(0.01, 0.02, Region(-0.05, 0.05))))
    band, bar, dot = numbers(svg, "region"), numbers(svg, "bar"), numbers(svg, "dot")
    scale = band["width"] / 0.10
    middle = band["x"] + band["width"] / 2
    assert bar["x1"] == pytest.approx(middle - 0.01 * scale, abs=0.2)
    assert bar["x2"] == pytest.approx(middle + 0.03 * scale, abs=0.2)
    assert dot["cx"] == pytest.approx(middle + 0.01 * scale, abs=0.2)
    assert "within ±5.0 points" in svg
    assert ">0<" in svg
    value = str(interval_svg(case(0.95, 0.01, Region(low=0.9), signed=False)))
    assert "above 90.0 %" in value
    assert ">0<" not in value
    assert interval_svg(case(0.0, 0.0, Region(low=0.0)))  # nothing to scale


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; install chromium to run this test")
def test_filters_work_in_a_browser(verdicts: list[Checked], tmp_path: Path) -> None:
    page = write_claims(whole(), verdicts, tmp_path)
    act = """<script>
      const shown = () => document.querySelectorAll("article.claim:not([hidden])").length, said = [shown()];
      document.querySelector('[data-verdict="replicates"]').click(); said.push(shown());
      document.querySelector('button[data-axis="attack"]').click(); said.push(shown());
      said.push(document.getElementById("count").textContent);
      document.querySelector('[data-verdict="replicates"]').click(); said.push(shown());
      document.body.dataset.said = said.join(",");
    </script></body>"""
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", act), encoding="utf-8")
    assert CHROMIUM is not None
    flags = (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        "--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000", "--dump-dom",
        f"--user-data-dir={tmp_path / 'p'}",
    )  # fmt: skip
    ran = subprocess.run([CHROMIUM, *flags, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    assert [line for line in ran.stderr.splitlines() if "CONSOLE" in line] == []
    assert 'data-said="28,7,2,2 of 28 claims,8"' in ran.stdout
