"""A study that runs with its store elsewhere gives what one in a folder gives."""

import uuid
from pathlib import Path

import pytest

from assay.evaluations import Calibration
from assay.places import place_at
from assay.recipe import Recipe, Train
from assay.run import run_study
from assay.store import Store
from assay.stored_results import load_results
from assay.study import Study
from assay.upkeep import list_store, verify

QUICK = Train(epochs=1, batch_size=20, learning_rate=1e-3)
SMALL = Study(
    name="small",
    title="Small",
    question="Does it run?",
    recipes=(Recipe(train=QUICK), Recipe(train=QUICK, members=2)),
    evaluations=(Calibration(),),
    data="tiny",
    outliers=(),
)


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("small")
    run_study(SMALL, out=out, data=tiny_folder)
    return out


def test_the_table_is_that_of_a_folder_and_nothing_is_computed_twice(folder: Path, tiny_folder: Path) -> None:
    out = f"memory://{uuid.uuid4().hex}"
    results = run_study(SMALL, out=out, data=tiny_folder)
    assert results.out == out
    assert f"--out {out}" in results.again
    expected = load_results(Store(folder), "small")
    assert results.table.to_csv() == expected.table.to_csv()
    there = {file.path for file in place_at(out).files("models")}
    again = run_study(SMALL, out=out, data=tiny_folder)
    assert again.provenance["run"]["found"] == 4
    assert {file.path for file in place_at(out).files("models")} == there
    assert verify(out).damage == ()
    (study,) = list_store(out).studies
    assert (study.finished, study.failed, study.waiting) == (4, 0, 0)
