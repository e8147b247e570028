"""The command line as a stranger meets it: help, listings, one sentence for every mistake."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from assay.collection import no_collection
from assay.store import FORMAT


def assay(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    import os

    return subprocess.run(
        [sys.executable, "-m", "assay", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"} | environment,
    )


def refused(*arguments: str | Path, **environment: str) -> str:
    """The one sentence with which a command is refused."""
    done = assay(*arguments, **environment)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize(
    "command",
    [
        *(
            (),
            ("run",),
            ("report",),
            ("claims",),
            ("status",),
            ("score",),
            ("list",),
            ("data",),
            ("data", "fetch"),
            ("data", "show"),
        ),
        *(("store",), ("store", "ls"), ("store", "verify"), ("store", "gc"), ("store", "merge")),
    ],
)
def test_help_has_a_purpose_and_an_example(command: tuple[str, ...]) -> None:
    done = assay(*command, "--help")
    assert done.returncode == 0
    assert "Usage: assay" in done.stdout
    assert "assay " + (" ".join(command) or "run quickstart") in done.stdout.split("Usage:")[1]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("studies", ["quickstart"]),
        ("recipes", ["baseline", "pgd(eps=0.2, steps=5) > cutout(length=7, holes=1)", "ensemble(members=3)"]),
        ("attacks", ["fgsm(eps", "pgd(eps, steps"]),
        ("augmentations", ["cutout(length, holes)", "mixup(alpha)"]),
        ("corruptions", ["fog", "canny_edges"]),
        ("scores", ["msp", "vim", "energy"]),
        ("architectures", ["lenet5", "lenet5_large"]),
        ("evaluations", ["adversarial", "shift", "anomaly", "calibration"]),
        ("objectives", ["cross_entropy", "mixed_adversarial"]),
        ("weights", ["snapshots(members=5)", "swag(samples=10"]),
    ],
)
def test_lists(kind: str, expected: list[str]) -> None:
    done = assay("list", kind, COLUMNS="240")
    assert done.returncode == 0
    for text in expected:
        assert text in done.stdout


def test_mistakes_are_answered_with_the_nearest_names(tmp_path: Path) -> None:
    assert "did you mean quickstart?" in refused("run", "quikstart", "--out", tmp_path)
    assert "did you mean baseline?" in refused("run", "quickstart", "--recipes", "base-line", "--out", tmp_path)
    assert "did you mean attacks?" in refused("list", "atacks")
    assert "seeds: expected whole numbers" in refused("run", "quickstart", "--seeds", "a,b", "--out", tmp_path)
    assert "kmnist" in refused("data", "fetch", "kmnits")
    assert "jobs: expected a whole number >= 1, got 0" in refused("run", "quickstart", "--jobs", "0", "--out", tmp_path)
    assert "device: tpu9 is not here" in refused(
        "run", "quickstart", "--device", "tpu9", "--limit", "5", "--out", tmp_path
    )


def test_data_show_writes_a_sheet_and_says_what_it_shows(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    done = assay("data", "show", "fractals", "--count", "6", "--size", "16", "--out", path)
    assert done.stdout.startswith(f"{path}: 6 generated pictures of 16 x 16 in grey, seed 0;")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "size: is only for fractals" in refused("data", "show", "mnist", "--size", "16")
    assert "split: is only for a data set" in refused("data", "show", "fractals", "--split", "test")
    assert "did you mean mnist" in refused("data", "show", "mnits")


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(f'{{"format": {FORMAT + 1}}}')
    assert "written by a newer assay" in refused("run", "quickstart", "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["store.json"]


def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "choose another folder with --out" in refused("run", "quickstart", "--out", tmp_path / "file")


def test_report_needs_a_run(tmp_path: Path) -> None:
    assert "run `assay run quickstart" in refused("report", "quickstart", "--out", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_advice_keeps_the_slice_the_limit_and_the_store(tmp_path: Path) -> None:
    out = tmp_path / "my store"
    said = refused("report", "tradeoffs", "--preset", "laptop", "--limit", "50", "--out", out)
    assert f"run `assay run tradeoffs --preset laptop --limit 50 --out '{out}'` first" in said
    assert "did you mean laptop?" in refused("report", "tradeoffs", "--preset", "labtop", "--out", tmp_path)


def test_claims_are_asked_of_a_study_that_has_some(tmp_path: Path) -> None:
    said = refused("claims", "quickstart", "--out", tmp_path)
    assert "no claims are known about it; known: pixmix_oe, tradeoffs" in said
    assert "did you mean tradeoffs?" in refused("claims", "tradeofs", "--out", tmp_path)


def test_score_writes_a_page_and_tables_and_never_over_the_forecasts(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("probability,outcome\n0.8,1\n0.3,0\n0.6,0\n")
    done = assay("score", path, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Brier score" in done.stdout
    assert f"Page: {tmp_path / 'out' / 'forecasts.html'}" in done.stdout
    assert sorted(item.name for item in (tmp_path / "out").iterdir()) == ["forecasts.html", "scores.csv", "scores.json"]
    assert "would be overwritten by its scores" in refused("score", path, "--out", tmp_path)
    assert "no such file" in refused("score", tmp_path / "none.csv")
    path.write_text("probability,outcome\n80%,1\n")
    assert "line 2, probability: expected a number from 0 to 1, got '80%'" in refused("score", path)


def test_a_plan_runs_nothing(tmp_path: Path) -> None:
    # No time is measured for a device that may not be here, which keeps this test short.
    words = ("run", "tradeoffs", "--plan", "--preset", "laptop", "--limit", "50", "--device", "cuda")
    done = assay(*words, "--out", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    for text in ("preset laptop, LIMITED to 50", "No key occurs twice", "how long cuda takes is not measured"):
        assert text in done.stdout
    part = assay(*words, "--recipes", "mixup(*;baseline", "--out", tmp_path / "store").stdout
    assert "mixup(alpha=4)" in part
    assert "cutout" not in part
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_data_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    for prefix in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (tmp_path / "mnist" / f"{prefix}-{kind}-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x05abc")
    out = tmp_path / "out"
    assert "-ubyte" in refused("run", "quickstart", "--data", tmp_path, "--out", out)
    done = assay("data", "verify", "--data", tmp_path)
    assert done.returncode == 2
    assert "DAMAGED" in done.stdout


def test_data_list_names_every_set_and_its_source(tmp_path: Path) -> None:
    done = assay("data", "list", ASSAY_CACHE=str(tmp_path), ASSAY_DATA="")
    assert done.returncode == 0
    for text in ("mnist", "fashion_mnist", "kmnist", "60,000", "embedded", "assay data fetch kmnist"):
        assert text in done.stdout.replace("\n", " ")


def test_data_verify_passes_what_the_package_brings(tmp_path: Path) -> None:
    done = assay("data", "verify", ASSAY_CACHE=str(tmp_path), ASSAY_DATA="")
    assert done.returncode == 0, done.stdout
    assert "DAMAGED" not in done.stdout
    assert done.stdout.count("ok ") >= 4


@pytest.mark.parametrize("before", [True, False])
def test_garbage_is_left_alone_for_a_while(before: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if before else gc.disable)()
        with no_collection():
            assert not gc.isenabled()
            there = gc.get_freeze_count()
            made = [{"held": there}]
        assert gc.isenabled() == before
        assert gc.get_freeze_count() > there, made
        with pytest.raises(KeyError), no_collection():
            raise KeyError
        assert gc.isenabled() == before
    finally:
        gc.unfreeze()
        (gc.enable if was else gc.disable)()
