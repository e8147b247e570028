"""Colour images from files to the report: trained, attacked, corrupted, set beside outliers, drawn."""

import struct
from pathlib import Path

import pytest
import torch
from torch import Tensor

from assay.attacks import FGSM, PGD
from assay.data import load, load_task
from assay.evaluations import Adversarial, Anomaly, Calibration, Shift
from assay.recipe import parse_recipe
from assay.report import write_report
from assay.results import Results
from assay.run import run_study
from assay.study import Study, Transferred

SETTINGS = "train(epochs=1, batch_size=10, learning_rate=1e-3)"
LABELS = (
    "baseline",
    "residual > mixup(alpha=1) > label_smoothing(share=0.2)",
    "pgd(eps=4/255, steps=2) > mixer > focal(gamma=2)",
    "vit > mmce(weight=2)",
    "residual > ensemble(members=2)",
)


def write(path: Path, values: Tensor) -> None:
    """Write uint8 values as an idx file."""
    header = bytes([0, 0, 8, values.ndim]) + b"".join(struct.pack(">I", size) for size in values.shape)
    path.write_bytes(header + values.contiguous().numpy().tobytes())


def coloured(count: int, seed: int, size: int = 32) -> tuple[Tensor, Tensor]:
    """Dark noise in which a class is one of three colours, as (N, H, W, C)."""
    y = torch.arange(count) % 3
    x = torch.randint(0, 100, (count, size, size, 3), generator=torch.Generator().manual_seed(seed))
    x[torch.arange(count), 8:24, 8:24, y] += 150
    return x.to(torch.uint8), y.to(torch.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data sets "painted", of three classes, and "others", noise to be told from it."""
    place = tmp_path_factory.mktemp("data")
    for name in ("painted", "others"):
        (place / name).mkdir()
        for prefix, count, seed in (("train", 48, 0), ("t10k", 24, 1)):
            x, y = coloured(count, seed)
            noise = torch.randint(0, 256, x.shape, generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
            write(place / name / f"{prefix}-images-idx3-ubyte", x if name == "painted" else noise)
            write(place / name / f"{prefix}-labels-idx1-ubyte", y)
    return place


@pytest.fixture(scope="module")
def results(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    attacks = (FGSM(eps=8 / 255), PGD(eps=8 / 255, steps=2, early_stop=True))
    study = Study(
        name="colours",
        title="Colours",
        question="Does every part take colours?",
        recipes=tuple(parse_recipe(f"{label} > {SETTINGS}") for label in LABELS),
        evaluations=(
            Adversarial(attacks=attacks, budgets=(2 / 255, 8 / 255), images=6, checked=0),
            Shift(images=6),
            Anomaly(),
            Calibration(),
        ),
        data="painted",
        outliers=("others",),
        transfer=Transferred(attack=PGD(eps=8 / 255, steps=1), images=4),
    )
    return run_study(study, out=tmp_path_factory.mktemp("store"), data=folder)


def test_files_with_channels_are_read_as_they_were_written(folder: Path) -> None:
    x, y = coloured(24, 1)
    images = load("painted", "test", folder=folder)
    assert images.shape == (3, 32, 32)
    assert torch.equal(images.x, x.movedim(3, 1))
    assert torch.equal(images.y, y.long())
    assert load_task("painted", outliers=("others",), folder=folder).outliers["others"].shape == (3, 32, 32)


def test_every_axis_is_measured_of_every_recipe(results: Results) -> None:
    assert results.failures == ()
    assert not results.missing
    measured = results.table[results.table["value"].notna()]
    for recipe in {parse_recipe(label).label for label in LABELS}:
        mine = measured[measured["recipe"] == recipe]
        assert set(mine["evaluation"]) == {"adversarial", "shift", "anomaly", "calibration"}, recipe
        corruptions = {setting["corruption"] for setting in mine["setting"] if "corruption" in setting}
        assert len(corruptions) == 16, recipe  # the fifteen, and none
        scores = {setting["score"] for setting in mine["setting"] if "score" in setting}
        # 40 training images span what ViM leaves out of the 128 features of this ensemble, or of the baseline's 200
        few = recipe in ("baseline", "residual > ensemble(members=2)")
        assert scores - ({"vim"} if few else set()) == {
            *("msp", "max_logit", "energy", "cross_entropy"),
            *(() if few else ("vim",)),
        }, recipe


def test_the_report_draws_them(results: Results, tmp_path: Path) -> None:
    page = write_report(results, tmp_path).read_text()
    for label in LABELS:
        assert parse_recipe(label).label.split(" > ")[0].split("(")[0] in page
    assert "data:image/png;base64," in page
