"""Sets of pictures in the data folder: what is read is what was written, and all else is refused with a reason."""

import contextlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from assay.data import load, load_task, status, verify
from assay.errors import BadValueError, DamagedDataError, MissingDataError
from assay.png import png

Array = np.ndarray[Any, Any]


def pixels(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_folder(place: Path, x: Array, suffix: str = ".png") -> None:
    place.mkdir(parents=True)
    for number, image in enumerate(x):
        Image.fromarray(image).save(place / f"{number:03d}{suffix}")


@pytest.mark.parametrize("shape", [(5, 28, 28), (3, 9, 14, 3)])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".PNG"])
def test_a_folder_of_lossless_files(tmp_path: Path, shape: tuple[int, ...], suffix: str) -> None:
    x = pixels(*shape)
    write_folder(tmp_path / "scans", x, suffix)
    (tmp_path / "scans" / "notes.txt").write_text("no picture")
    images = load("scans", "test", folder=tmp_path)
    assert np.array_equal(images.x.permute(0, 2, 3, 1).numpy().reshape(shape), x)
    assert (images.name, images.classes, images.y.tolist()) == ("scans/test", ("scans",), [0] * len(x))


def test_a_folder_of_jpeg(tmp_path: Path) -> None:
    smooth = np.broadcast_to(np.arange(0, 224, 8, dtype=np.uint8), (2, 28, 28))
    write_folder(tmp_path / "scans", smooth, ".jpg")
    images = load("scans", "test", folder=tmp_path)
    assert np.abs(images.x[:, 0].numpy().astype(int) - smooth).max() <= 8  # it loses a little


def test_our_own_png(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    x = torch.from_numpy(pixels(3, 8, 8))
    (tmp_path / "scans" / "a.png").write_bytes(png(x))
    assert torch.equal(load("scans", "test", folder=tmp_path).x[0], x)


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 9, 14, 3), (5, 9, 14, 1)])
def test_an_npz(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x, y = pixels(*shape), np.array([0, 2, 1, 0, 2], np.uint8)
    np.savez(tmp_path / "plain.npz", x=x)
    np.savez_compressed(tmp_path / "labelled.npz", x=x, y=y, other=np.ones(3))
    for name in ("plain", "labelled"):
        images = load(name, "test", folder=tmp_path)
        assert np.array_equal(images.x.permute(0, 2, 3, 1).numpy().reshape(shape), x)
        assert images.x.is_contiguous()
    assert images.y.tolist() == y.tolist()
    assert images.classes == ("0", "1", "2")


def test_as_outliers_of_a_task(tmp_path: Path) -> None:
    np.savez(tmp_path / "drawings.npz", x=pixels(7, 28, 28))
    write_folder(tmp_path / "scans", pixels(6, 28, 28))
    task = load_task("mnist", outliers=("drawings", "scans", "blobs"), folder=tmp_path, limit=5)
    assert {name: len(images) for name, images in task.outliers.items()} == {"drawings": 5, "scans": 5, "blobs": 5}


@pytest.mark.parametrize(("shape", "came"), [((3, 28, 28, 3), r"\(3, 28, 28\)"), ((3, 27, 28), r"\(1, 27, 28\)")])
def test_another_shape_is_refused(tmp_path: Path, shape: tuple[int, ...], came: str) -> None:
    np.savez(tmp_path / "drawings.npz", x=pixels(*shape))
    with pytest.raises(BadValueError, match=rf"drawings/test: expected images of shape \(1, 28, 28\).*got {came}"):
        load_task("mnist", outliers=("drawings",), folder=tmp_path, limit=5)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"images": pixels(2, 3, 3)}, "expected an array x, got images"),
        ({"x": np.zeros((2, 3, 3))}, r"x: expected uint8 \(N, H, W\) or \(N, H, W, C\), got float64 \(2, 3, 3\)"),
        ({"x": pixels(2, 3)}, r"got uint8 \(2, 3\)"),
        ({"x": pixels(0, 3, 3)}, r"got uint8 \(0, 3, 3\)"),
        ({"x": np.array([[[{}]]], dtype=object)}, "got object"),
        ({"x": pixels(2, 3, 3), "y": np.zeros(2)}, r"y: expected whole numbers \(2,\), got float64"),
        ({"x": pixels(2, 3, 3), "y": np.zeros(3, int)}, r"y: expected whole numbers \(2,\), got int64 \(3,\)"),
        ({"x": pixels(2, 3, 3), "y": np.array([0, -1])}, r"y: expected labels in 0\.\.9999, got labels from -1 to 0"),
        ({"x": pixels(2, 3, 3), "y": np.array([0, 10**6])}, "got labels from 0 to 1000000"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "drawings.npz", **arrays)
    with pytest.raises(DamagedDataError, match=said):
        load("drawings", "test", folder=tmp_path)


def test_a_header_that_announces_too_much_is_refused(tmp_path: Path) -> None:
    """Without reading, or making room for, what it announces."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (4000000, 1000, 1000), }".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DamagedDataError, match="x: expected at most 4294967296 bytes"):
        load("bomb", "test", folder=tmp_path)


@pytest.mark.parametrize("mode", ["RGBA", "P", "1", "LA", "I;16"])
def test_other_kinds_of_files_are_refused(tmp_path: Path, mode: str) -> None:
    (tmp_path / "scans").mkdir()
    Image.new(mode, (4, 4)).save(tmp_path / "scans" / "a.png")
    with pytest.raises(DamagedDataError, match=rf"a\.png: expected 8-bit grey.* got Pillow's mode {mode}; convert it"):
        load("scans", "test", folder=tmp_path)


def test_a_picture_that_announces_too_much_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "scans", pixels(1, 5, 6), ".bmp")
    path = tmp_path / "scans" / "000.bmp"
    content = bytearray(path.read_bytes())
    content[18:26] = (10_000).to_bytes(4, "little") * 2  # width and height
    path.write_bytes(content)
    with pytest.raises(DamagedDataError, match=r"000\.bmp: it cannot be read as BMP \(Image size \(100000000 pixels\)"):
        load("scans", "test", folder=tmp_path)


def test_files_that_differ_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "scans", pixels(2, 5, 6))
    Image.fromarray(pixels(5, 7)).save(tmp_path / "scans" / "002.png")
    with pytest.raises(DamagedDataError, match=r"002\.png: expected .* \(1, 5, 6\) as 000\.png has, got \(1, 5, 7\)"):
        load("scans", "test", folder=tmp_path)


def test_a_file_of_another_format_than_its_suffix_says_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "scans", pixels(1, 5, 6))
    (tmp_path / "scans" / "000.png").rename(tmp_path / "scans" / "000.jpg")
    with pytest.raises(DamagedDataError, match="it cannot be read as JPEG"):
        load("scans", "test", folder=tmp_path)


@settings(max_examples=60)
@given(data=st.data(), suffix=st.sampled_from([".png", ".jpg", ".bmp", ".npz"]))
def test_damage_is_told_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, suffix: str
) -> None:
    place = tmp_path_factory.mktemp("data")
    if suffix == ".npz":
        path = place / "scans.npz"
        np.savez_compressed(path, x=pixels(2, 6, 6), y=np.array([0, 1]))
    else:
        write_folder(place / "scans", pixels(1, 6, 6), suffix)
        path = place / "scans" / f"000{suffix}"
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= data.draw(st.integers(1, 255))
    else:
        del content[at:]
    path.write_bytes(content)
    with contextlib.suppress(DamagedDataError):  # any other error fails the test
        assert load("scans", "test", folder=place).x.dtype == torch.uint8


def test_listed_and_verified(tmp_path: Path) -> None:
    write_folder(tmp_path / "scans", pixels(3, 5, 6))
    np.savez(tmp_path / "drawings.npz", x=pixels(4, 5, 6))
    (tmp_path / "broken.npz").write_bytes(b"PK")
    rows = {(row.name, row.split): row for row in status(tmp_path)}
    assert rows["scans", "test"][2:] == ("folder", 3, "")
    assert rows["drawings", "test"][2:] == ("folder", 4, "")
    assert "broken.npz: x cannot be read" in rows["broken", "test"].reason
    checks = {check.path.name: check.ok for check in verify(tmp_path) if check.path.is_relative_to(tmp_path)}
    assert checks == {"scans": True, "drawings.npz": True, "broken.npz": False}


def test_what_they_are_not_for(tmp_path: Path) -> None:
    write_folder(tmp_path / "scans", pixels(3, 5, 6))
    with pytest.raises(MissingDataError, match="scans/train is not here; pictures make a 'test' split alone"):
        load("scans", "train", folder=tmp_path)
    with pytest.raises(BadValueError, match="split: expected one of"):
        load("scans", "tests", folder=tmp_path)
    with pytest.raises(BadValueError, match=r"scan: no such data set; did you mean scans\?"):
        load("scan", "test", folder=tmp_path)


def test_two_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "scans", pixels(3, 5, 6))
    np.savez(tmp_path / "scans.npz", x=pixels(4, 5, 6))
    with pytest.raises(DamagedDataError, match=r"scans\.npz: a folder of pictures has the same name; rename one"):
        load("scans", "test", folder=tmp_path)


def test_known_sets_and_idx_files_go_first(tmp_path: Path, tiny_folder: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=pixels(4, 5, 6))  # as another library names MNIST
    np.savez(tmp_path / "tiny.npz", x=pixels(4, 5, 6))
    (tmp_path / "tiny").symlink_to(tiny_folder / "tiny")
    assert len(load("mnist", "test", folder=tmp_path)) == 10_000
    assert len(load("tiny", "test", folder=tmp_path)) == 60


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    np.savez(tmp_path / "drawings.npz", x=pixels(4, 5, 6))
    before = load("drawings", "test", folder=tmp_path).fingerprint
    np.savez(tmp_path / "drawings.npz", x=pixels(5, 5, 6))
    assert load("drawings", "test", folder=tmp_path).fingerprint != before
