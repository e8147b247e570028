"""A study run by the real command: interrupted, killed, limited, resumed, with the same table in the end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from assay.errors import BadValueError, LogError
from assay.evaluations import Calibration
from assay.recipe import Recipe, Train
from assay.results import COLUMNS
from assay.run import folder_of, run_study
from assay.status import read_status
from assay.store import Store
from assay.stored_results import load_results
from assay.study import Study
from assay.upkeep import find_garbage

CHOSEN = ("baseline", "mixup(alpha=1)", "ensemble(members=3)")
COMMAND = [
    sys.executable,
    "-m",
    "assay",
    "run",
    "quickstart",
    "--recipes",
    "baseline;mixup*;ensemble*",
]


def start(out: Path, jobs: int, limit: int = 40) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--limit", str(limit), "--out", str(out), "--jobs", str(jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Where the tests run in a shell's background, SIGINT is ignored, and so it would be by what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not ready():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline, "nothing happened for two minutes"
        time.sleep(0.02)


def finished(out: Path) -> set[Path]:
    """Finished cells: what begins with a dot is being written, and lost where the run is killed."""
    return {path.parent for kind in ("models", "evaluations") for path in out.glob(f"{kind}/[!.]*/checksums.json")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    process = start(out, jobs=1)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    return out / "quickstart-limit-40"


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "table.csv")


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_then_resumed_gives_the_same_table(jobs: int, undisturbed: Path, tmp_path: Path) -> None:
    process = start(tmp_path, jobs)
    wait_until(lambda: len(finished(tmp_path)) >= 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = {folder: (folder / "checksums.json").stat().st_mtime_ns for folder in finished(tmp_path)}
    assert 2 <= len(kept) < 16
    again = start(tmp_path, jobs)
    printed, _ = again.communicate(timeout=300)
    assert again.returncode == 0, printed
    pd.testing.assert_frame_equal(table(tmp_path / "quickstart-limit-40"), table(undisturbed))
    for folder, written in kept.items():
        assert (folder / "checksums.json").stat().st_mtime_ns == written, "a finished cell was computed again"
    if jobs == 1:
        assert f"{len(kept)} of them in the store already" in printed


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    process = start(tmp_path, jobs=2, limit=3000)  # long enough not to end before the interrupt on a busy machine
    wait_until(lambda: len(finished(tmp_path)) >= 1, process)
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "Interrupted. Finished cells are kept; run the same command again to go on." in printed
    assert "Traceback" not in printed
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".") and path.is_dir()]


def test_a_limited_run_is_marked_everywhere(undisturbed: Path) -> None:
    assert table(undisturbed)["limited"].all()
    content = json.loads((undisturbed / "table.json").read_text())
    assert content["limited"] is True
    assert content["limit"] == 40
    assert "LIMITED" in (undisturbed / "report.html").read_text()
    assert undisturbed.name == folder_of("quickstart", 40) != folder_of("quickstart", None)


def test_the_four_axes_are_filled_and_what_is_missing_says_why(undisturbed: Path) -> None:
    results = load_results(Store(undisturbed.parent), undisturbed.name)
    assert tuple(results.table.columns) == COLUMNS
    assert len(results.recipes) == 9, "the report is of the whole study"
    assert not results.failures
    assert len(results.waiting) == 6 * 5 + 1, "and the transfer between all"
    assert len(results.waiting) == read_status("quickstart", out=undisturbed.parent, limit=40).count("waiting")
    assert not any(text.startswith(CHOSEN) for text in results.waiting)
    for recipe in CHOSEN:
        own = results.table[results.table["recipe"] == recipe]
        assert set(own["evaluation"]) == {"adversarial", "shift", "anomaly", "calibration"}
        measured = own["value"].notna()
        assert (own.loc[~measured, "reason"].str.len() > 0).all()
        assert (own.loc[measured, "n"] > 0).all()
        assert not own[measured & own["metric"].eq("mce")].empty
    mce = results.table[(results.table["metric"] == "mce") & (results.table["recipe"] == "baseline")]
    assert mce["value"].tolist() == [1.0]


def test_several_seeds_give_means_with_intervals(tmp_path: Path) -> None:
    results = run_study("quickstart", out=tmp_path, limit=30, seeds=(0, 1), recipes="baseline")
    clean = results.table[(results.table["evaluation"] == "calibration") & (results.table["metric"] == "accuracy")]
    assert clean["seed"].tolist() == ["0", "1", "mean"]
    values = clean["value"].tolist()
    assert values[2] == pytest.approx((values[0] + values[1]) / 2)
    assert clean["interval"].tolist()[2] == "student t across seeds"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"study": "quikstart"}, "did you mean quickstart"),
        ({"recipes": "mixup(alpha=2.0)"}, r"did you mean mixup\(alpha=1\)"),
        ({"limit": 0}, "limit: expected a whole number >= 1, got 0"),
        ({"limit": 5, "jobs": 0}, "jobs: expected a whole number >= 1, got 0"),
        ({"limit": 5, "device": "nonsense"}, "device: nonsense is not here"),
        ({"limit": 5, "device": "cuda:99"}, r"device: cuda:99 is not here \(.+\); use --device cpu"),
        ({"limit": 5, "seeds": (-1,)}, "seeds: expected a whole number >= 0, got -1"),
    ],
)
def test_bad_input_is_one_sentence(arguments: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match=message):
        run_study(**({"study": "quickstart", "out": tmp_path} | arguments))  # type: ignore[arg-type]
    assert finished(tmp_path) == set()


def test_what_former_runs_with_other_seeds_computed_stays_named(tiny_folder: Path, tmp_path: Path) -> None:
    study = Study(
        name="seeds",
        title="Seeds",
        question="Which?",
        recipes=(Recipe(train=Train(epochs=1, images=40)),),
        evaluations=(Calibration(images=20),),
        data="tiny",
        outliers=(),
    )
    run_study(study, out=tmp_path, data=tiny_folder, seeds=(0,))
    run_study(study, out=tmp_path, data=tiny_folder, seeds=(1,))
    assert find_garbage(tmp_path) == ()
    before = (tmp_path / "seeds" / "study.json").read_bytes()
    with pytest.raises(LogError):
        run_study(study, out=tmp_path, data=tiny_folder, seeds=(0,), log=tmp_path)
    assert (tmp_path / "seeds" / "study.json").read_bytes() == before, "a refused run changes nothing"
    again = run_study(study, out=tmp_path, data=tiny_folder, seeds=(0, 1))
    assert len(again.trained) == 2
    assert "earlier" not in json.loads((tmp_path / "seeds" / "study.json").read_bytes())
    assert len(Store(tmp_path).finished("models")) == 2
