"""Replicates of the baseline, end to end: beside the table, never in it, with draws on the same resamples."""

import json
from pathlib import Path

import numpy as np
import pytest

from assay.errors import DamagedCellError
from assay.evaluations import Calibration, Shift
from assay.evaluations.draws import draws
from assay.recipe import Recipe, Train
from assay.results import Results
from assay.run import folder_of, run_study
from assay.store import Store
from assay.stored_results import load_results
from assay.study import Preset, Study

TRAIN = Train(epochs=1, images=40)
STUDY = Study(
    name="small",
    title="Small",
    question="Do replicates work?",
    recipes=(Recipe(), Recipe(members=3)),
    evaluations=(Shift(images=20), Calibration(images=20)),
    outliers=(),
    replicates=3,
    presets=(Preset(name="short", text="Shorter.", recipes=("baseline",), train=TRAIN, replicates=2),),
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replicates") / "out"


@pytest.fixture(scope="module")
def results(out: Path) -> Results:
    return run_study(STUDY, out=out, limit=20)


def test_replicates_stand_beside_the_table(results: Results) -> None:
    assert set(results.table["seed"]) == {"0"}
    assert set(results.replicates["seed"]) == {"1000", "2000"}
    assert set(results.replicates["recipe"]) == {"baseline"}
    own = results.table[results.table["recipe"] == "baseline"]
    rows = [frame[frame["metric"] != "one_class"] for frame in (results.replicates, own)]  # a warning that some give
    assert len(rows[0]) == 2 * len(rows[1])
    assert {run.seed for run in results.trained} == {0}


def test_a_replicates_corruption_error_is_against_the_studys_own_baseline(results: Results) -> None:
    mce = results.replicates.query("metric == 'mce'")
    assert mce["value"].notna().all()
    assert results.table.query("metric == 'mce' and recipe == 'baseline'")["value"].item() == pytest.approx(1.0)


def test_draws_are_those_of_the_observations(results: Results, out: Path) -> None:
    read, seen = results.load_draws("baseline", 1000, "calibration"), results.load("baseline", 1000, "calibration")
    assert read
    assert seen is not None
    drawn = draws(seen)
    assert drawn.keys() == read.keys()
    assert all(np.array_equal(drawn[name].numpy(), read[name]) for name in read)
    assert results.load_draws("baseline", 7, "calibration") is None
    for path in out.glob("evaluations/*/draws.safetensors"):
        path.unlink()
    with pytest.raises(DamagedCellError, match=r"draws\.safetensors: cannot be read; delete the folder"):
        results.load_draws("baseline", 1000, "calibration")
    for path in out.glob("evaluations/*/checksums.json"):  # as in stores from before there were draws
        path.write_text(
            json.dumps({name: sha for name, sha in json.loads(path.read_text()).items() if "draws" not in name})
        )
    assert results.load_draws("baseline", 1000, "calibration") is None


def test_a_preset_has_a_folder_of_its_own(out: Path) -> None:
    short = run_study(STUDY, preset="short", out=out, limit=20)
    assert short.preset == "short"
    assert short.recipes == ("baseline",)
    assert "Shorter." in short.slice
    assert set(short.replicates["seed"]) == {"1000"}
    assert folder_of("small", 20, "short") == "small-short-limit-20"
    assert load_results(Store(out), "small-limit-20").preset is None
