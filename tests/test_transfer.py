"""Attacks tried across the recipes of a study, from the run to the page and the table."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from assay.attacks import FGSM, PGD
from assay.cells import assemble
from assay.data import load_task, sample
from assay.evaluations import Calibration
from assay.evaluations.transfer_matrix import transfer_matrix
from assay.live import Watcher
from assay.metrics.transfer import transfer_rates
from assay.plan import plan
from assay.recipe import Recipe, Train
from assay.report import write_report
from assay.report.html import render
from assay.report.transfer import NAME, transfer_table, write_transfer
from assay.results import Results, Transfer
from assay.run import run_study
from assay.store import Store
from assay.stored_results import load_results
from assay.study import Study, Transferred

QUICK = Train(epochs=1, batch_size=20, learning_rate=1e-3)
STUDY = Study(
    name="small",
    title="Small",
    question="Does it run?",
    recipes=(Recipe(train=QUICK), Recipe(train=QUICK, pipeline=(FGSM(eps=0.1),)), Recipe(train=QUICK, members=2)),
    evaluations=(Calibration(),),
    data="tiny",
    outliers=(),
    transfer=Transferred(attack=PGD(eps=0.1, steps=2), images=40),
)
EVIL = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def results(tiny_folder: Path, out: Path) -> Results:
    """The study, run in two goes: first without its ensemble."""
    first = run_study(STUDY, out=out, data=tiny_folder, recipes="baseline;fgsm*")
    assert first.transfer is None
    assert "has not run yet" in first.no_transfer
    assert 'id="transfer"' not in render(first)
    assert first.no_transfer in render(first)
    console = Console(record=True, file=io.StringIO(), width=200)
    with Watcher(console) as watch:
        whole = run_study(STUDY, out=out, data=tiny_folder, watch=watch)
    assert "all 3 recipes, seed 0, transfer: done" in console.export_text()
    return whole


def test_a_run_gives_the_matrix_of_its_models(results: Results, out: Path, tiny_folder: Path) -> None:
    task, store = load_task("tiny", outliers=(), folder=tiny_folder), Store(out)
    cell = plan(STUDY, task).transfer
    assert cell is not None
    left = [store.read("models", key, "model.safetensors") for key in cell.models]
    weights = {"baseline": left[:1], "fgsm(eps=0.1)": left[1:2], "ensemble(members=2)": left[2:]}
    models = {recipe.label: assemble(recipe, task, weights[recipe.label]) for recipe in STUDY.recipes}
    expected = transfer_matrix(models, sample(task.test, 40), PGD(eps=0.1, steps=2))
    found = results.transfer
    assert found is not None
    assert (found.recipes, found.attack, found.seed) == (tuple(models), "pgd(eps=0.1, steps=2)", 0)
    for own, other in zip(found.rates, expected, strict=True):
        assert torch.equal(own.nan_to_num(-1), other.nan_to_num(-1))
    assert results.no_transfer == ""
    assert not results.failures


def test_it_is_on_the_page_and_in_a_table_of_its_own(results: Results, tmp_path: Path) -> None:
    page = write_report(results, tmp_path).read_text(encoding="utf-8")
    assert '<section id="transfer">' in page
    assert 'href="#transfer"' in page
    assert page.count('class="own"') == 3
    rows = list(csv.DictReader(io.StringIO((tmp_path / NAME).read_text())))
    assert len(rows) == 3 * 3
    assert results.transfer is not None
    value, n = results.transfer.rates.value, results.transfer.rates.n
    assert [float(row["rate"] or "nan") for row in rows] == pytest.approx(value.flatten().tolist(), nan_ok=True)
    assert [int(row["n"]) for row in rows] == n.flatten().tolist()
    assert (rows[1]["made_on"], rows[1]["judged_by"]) == ("baseline", "fgsm(eps=0.1)")
    assert write_transfer(replace(results, transfer=None), tmp_path) is None
    assert not (tmp_path / NAME).exists()


def test_one_model_has_no_section(tiny_folder: Path, tmp_path: Path) -> None:
    results = run_study(replace(STUDY, recipes=STUDY.recipes[:1]), out=tmp_path, data=tiny_folder)
    assert results.transfer is None
    assert results.no_transfer == ""
    page = write_report(results, tmp_path / "small").read_text(encoding="utf-8")
    assert 'id="transfer"' not in page
    assert "#transfer" not in page
    assert not (tmp_path / "small" / NAME).exists()


def test_a_transfer_that_failed_is_told(results: Results, out: Path, tiny_folder: Path) -> None:
    cell = plan(STUDY, load_task("tiny", outliers=(), folder=tiny_folder)).transfer
    assert cell is not None
    store = Store(out)
    assert results.transfer is not None
    files = {name: store.read("evaluations", cell.key, name) for name in ("observations.safetensors", "cell.json")}
    store.discard("evaluations", cell.key)
    store.fail(cell.key, "one of its models could not be trained")
    broken = load_results(store, "small")
    store.write("evaluations", cell.key, files)
    assert broken.transfer is None
    assert [(item.recipe, item.stage) for item in broken.failures] == [("all recipes", "transfer")]
    assert "one of its models could not be trained" in render(broken)
    assert load_results(store, "small").transfer is not None


def across(results: Results, *labels: str) -> Results:
    """Of 40 images all are right on all; the second's own points fool it on 4, the first's on 30."""
    clean = torch.ones(2, 40, dtype=torch.bool)
    attacked = torch.ones(2, 2, 40, dtype=torch.bool)
    attacked[0, 1, :30] = attacked[1, 1, :4] = attacked[0, 0, :20] = attacked[1, 0, :24] = False
    rates = transfer_rates(clean, attacked)
    return replace(results, transfer=Transfer(recipes=labels, rates=rates, seed=0, attack="pgd"))


def test_who_is_fooled_clearly_more_by_another_is_named(results: Results) -> None:
    table = transfer_table(across(results, "a", "b"))
    assert table is not None
    assert [(pair.made_on, pair.judged_by, pair.rate) for pair in table.suspects] == [("a", "b", 0.75)]
    assert "Fooled more by another" in render(across(results, "a", "b"))


def test_labels_are_escaped_and_no_formulas(results: Results, tmp_path: Path) -> None:
    evil = across(results, EVIL, "=1+1")
    assert EVIL not in render(evil)
    assert "&lt;script&gt;alert" in render(evil)
    written = write_transfer(evil, tmp_path)
    assert written is not None
    rows = list(csv.DictReader(io.StringIO(written.read_text())))
    assert [row["judged_by"] for row in rows] == [EVIL, "'=1+1"] * 2


def test_a_pair_without_images_is_not_measured(results: Results) -> None:
    clean = torch.tensor([[True, False], [False, True]])
    rates = transfer_rates(clean, torch.zeros(2, 2, 2, dtype=torch.bool))
    page = render(replace(results, transfer=Transfer(recipes=("a", "b"), rates=rates, seed=0, attack="pgd")))
    assert page.count("not measured: no image that both get right") >= 2
    assert "nan" not in page.split('<section id="transfer">')[1].split("</section>")[0]
