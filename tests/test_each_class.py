"""Studies of each class: the command line on a tiny data set, resuming, the table and its mean."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from assay import studies
from assay.analysis.measures import Cell
from assay.cli import app
from assay.each_class import EachClass, load_each_class, run_each_class
from assay.errors import BadValueError
from assay.evaluations import Anomaly
from assay.recipe import Recipe, Train
from assay.report import print_each_class, write_each_class
from assay.report.each_class import best, by_class, mean_of
from assay.run import find_study, run_study
from assay.scores import KNN, MSP, RotationPrediction
from assay.slices import part_of
from assay.state import State, Watch
from assay.studies import one_class
from assay.study import Study
from assay.workers import source_of

TINY = Study(
    name="tiny_classes",
    title="Tiny",
    question="Which?",
    recipes=(Recipe(train=Train(epochs=1, batch_size=32, learning_rate=1e-3)),),
    evaluations=(Anomaly(scores=(RotationPrediction(), MSP(), KNN(k=3))),),
    data="tiny",
    outliers=(),
    each_class=True,
)


@pytest.fixture(scope="module")
def found(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> EachClass:
    return run_each_class(TINY, out=tmp_path_factory.mktemp("store"), data=tiny_folder)


def store_of(found: EachClass) -> Path:
    out = found.results[0].out
    assert isinstance(out, Path)
    return out


def test_each_class_is_a_study_of_its_own(found: EachClass) -> None:
    assert found.classes == {0: "0", 1: "1", 2: "2"}
    assert [results.study for results in found.results.values()] == [f"tiny_classes-{kept}" for kept in range(3)]
    assert not found.failures
    assert not found.waiting
    for kept, results in found.results.items():
        data = results.provenance["data"]
        train = data["images"]["train"] + data["images"]["validation"]
        assert (data["name"], train, data["images"]["rest"]) == (f"tiny-{kept}", 4 * 40, 40)
        assert data["images"]["inside"] == 20
        own = results.load("baseline", 0, "anomaly")
        assert own is not None
        assert {name: len(values) for name, values in own.tensors.items()} == {
            f"score/{group}/{score}": size
            for group, size in (("in", 20), ("rest", 40))
            for score in ("rotation_prediction", "msp", "knn")
        }


def test_table_holds_each_class_with_its_mean(found: EachClass) -> None:
    (table,) = by_class(found)
    assert table.scores == ("rotation_prediction", "msp", "knn")
    for kept, results in found.results.items():
        own = results.table[results.table["metric"] == "auroc"]
        assert [cell.value for cell in table.cells[kept]] == own["value"].tolist()
    for place in range(3):
        column = [row[place].value for row in table.cells]
        assert None not in column
        assert table.means[place].value == pytest.approx(sum(value or 0 for value in column) / 3)


def test_mean_by_hand() -> None:
    cells = [Cell(value=0.9, low=0.8, high=0.95, n=10), Cell(value=0.6, low=0.5, high=0.75, n=20)]
    mean = mean_of(cells)
    assert [mean.value, mean.low, mean.high] == pytest.approx([0.75, 0.65, 0.85])
    assert mean.n == 30
    without = mean_of([*cells, Cell(value=None, reason="failed")])
    assert without.value is None
    assert without.reason == "2 of 3 classes are measured"
    assert mean_of([cells[0], Cell(value=0.5)]).low is None


def test_interval_of_the_mean_is_wide_enough_where_all_errors_are_the_same() -> None:
    """Of k estimates with one common error the mean has that error; of independent ones a smaller."""
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(4000, 1, generator=generator).expand(-1, 5)
    apart = torch.randn(4000, 5, generator=generator)
    spread = torch.tensor([0.5, 1, 1, 2, 3])
    for errors in (common, apart):
        covered = 0
        for draw in (errors * spread).tolist():
            ends = [
                Cell(value=e, low=e - 1.96 * s, high=e + 1.96 * s) for e, s in zip(draw, spread.tolist(), strict=True)
            ]
            mean = mean_of(ends)
            assert mean.low is not None
            assert mean.high is not None
            covered += mean.low <= 0 <= mean.high
        assert covered / 4000 > 0.94


def test_a_second_run_computes_nothing_and_the_store_alone_gives_the_same(found: EachClass, tiny_folder: Path) -> None:
    states: dict[str, State] = {}

    @contextmanager
    def watching(title: str) -> Iterator[Watch]:
        yield lambda state: states.__setitem__(title, state)

    again = run_each_class(TINY, out=store_of(found), data=tiny_folder, watching=watching)
    assert list(states) == ["class 0, 1 of 3", "class 1, 2 of 3", "class 2, 3 of 3"]
    assert all(state.found == len(state.plan.cells) == 2 for state in states.values())
    loaded = load_each_class(TINY, out=store_of(found))
    assert by_class(again) == by_class(loaded) == by_class(found)
    assert loaded.classes == found.classes
    with pytest.raises(BadValueError, match="tiny_classes was run here only with no options"):
        load_each_class(TINY, out=store_of(found), limit=50)


def test_what_is_missing_has_no_mean(tiny_folder: Path, tmp_path: Path) -> None:
    run_study(part_of(TINY, 1), out=tmp_path, data=tiny_folder)
    found = load_each_class(TINY, out=tmp_path)
    assert found.waiting == ["class 0", "class 2"]
    (table,) = by_class(found)
    assert [row[0].value is None for row in table.cells] == [True, False, True]
    assert table.means[0].reason == "1 of 3 classes are measured"
    page = write_each_class(found, tmp_path / found.folder).read_text()
    assert "class 0: has not run yet" in page
    assert "<strong>2 cells or classes waiting to be computed</strong>" in page
    assert found.again == f"assay run tiny_classes --data {tiny_folder} --out {tmp_path}"


def test_a_class_without_images_is_refused_before_any_class_is_run(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match=r"expected images of class .*, got none; give more images"):
        run_each_class(TINY, out=tmp_path / "store", data=tiny_folder, limit=2)  # two images are of two classes at most
    assert not (tmp_path / "store").exists()


def test_page_and_csv(found: EachClass, tmp_path: Path) -> None:
    page = write_each_class(found, tmp_path).read_text()
    for kept in range(3):
        assert f'href="../tiny_classes-{kept}/report.html"' in page
    with (tmp_path / "auroc.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == [name for name in ("0", "1", "2", "mean") for _ in range(3)]
    (table,) = by_class(found)
    assert [float(row["auroc"]) for row in rows[-3:]] == [cell.value for cell in table.means]
    assert all(float(row["low"]) <= float(row["auroc"]) <= float(row["high"]) for row in rows)
    assert best([Cell(value=0.5), Cell(value=0.7)]) == 0.7
    assert best([Cell(value=0.5), Cell(value=None)]) is None


def test_terminal(found: EachClass) -> None:
    def printed(shown: EachClass) -> str:
        console = Console(width=80, record=True, quiet=True)
        with console.capture() as capture:
            console.quiet = False
            print_each_class(shown, console)
        return capture.get()

    text = printed(found)
    assert re.search("score +0 +1 +2 +mean", text)
    assert "Intervals stand in the report" in text
    assert "- msp" not in text
    one_short = replace(found, results={kept: own for kept, own in found.results.items() if kept != 1})
    assert re.search(r"(?m)^ *msp +\d+\.\d +- +\d+\.\d +- *$", printed(one_short))
    assert re.search(r"(?m)^- .*msp.*: this class has not run yet; run", printed(one_short))


def test_command_line(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(studies, "one_class", replace(TINY, name="one_class"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("ASSAY_DATA", str(tiny_folder))

    def assay(*words: str) -> str:
        app([*words, "--out", str(tmp_path)], standalone_mode=False)
        return capsys.readouterr().out

    printed = assay("run", "one_class", "--jobs", "1")
    assert "class 2, 3 of 3" in printed
    assert f"Report: {tmp_path / 'one_class' / 'report.html'}" in printed
    table = (tmp_path / "one_class" / "auroc.csv").read_text()
    assert all((tmp_path / f"one_class-{kept}" / "report.html").exists() for kept in range(3))
    (tmp_path / "one_class" / "auroc.csv").unlink()
    assert "class 2, 3 of 3" not in assay("report", "one_class")
    assert (tmp_path / "one_class" / "auroc.csv").read_text() == table
    assert "2 cells, 2 of them in the store already" in assay("run", "one_class-1", "--jobs", "1")
    planned = assay("run", "one_class", "--plan", "--device", "cuda")  # which is not measured, so that it is quick
    assert "the plan of class 0; 2 more are like it and come on top: 1, 2." in planned
    assert "in store  baseline" in planned


def test_parts_are_found_by_name() -> None:
    assert find_study("one_class-3") == part_of(one_class, 3)
    assert find_study("one_class-3").kept == 3
    for name in ("one_class-x", "quickstart-3", "one_class-"):
        with pytest.raises(BadValueError, match="no such study"):
            find_study(name)
    with pytest.raises(BadValueError, match="kept: is of a study of one class"):
        replace(one_class, kept=1)
    with pytest.raises(BadValueError, match="stands for a study of each class"):
        source_of(one_class, None, None)
    with pytest.raises(BadValueError, match="is no study of each class"):
        run_each_class("quickstart")
