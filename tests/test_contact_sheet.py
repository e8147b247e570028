"""The contact sheet: what lies where, what it says, and what it refuses."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from assay import contact_sheet
from assay.contact_sheet import GAP, SHOWN, laid_out, largest_size
from assay.data import load, sample
from assay.errors import BadValueError
from assay.pictures import mixing_pictures
from assay.png import png


def test_every_picture_stands_in_its_place_enlarged() -> None:
    x = mixing_pictures(8, (3, 32, 20))  # 4 across, 2 down, twice as large
    sheet = laid_out(x)
    assert sheet.shape == (3, 2 * (SHOWN + GAP) - GAP, 4 * (40 + GAP) - GAP)
    assert torch.equal(sheet[:, SHOWN + GAP :: 2, 42:82:2], x[5])
    assert torch.equal(sheet[:, SHOWN + GAP + 1 :: 2, 43:82:2], x[5])
    assert torch.all(sheet[:, :, 40:42] == 255)


def test_a_sheet_that_is_not_full_ends_in_white() -> None:
    sheet = laid_out(torch.zeros(5, 1, 60, 60, dtype=torch.uint8))  # 3 across, 2 down
    assert torch.all(sheet[:, -60:, -60:] == 255)
    assert torch.all(sheet[:, -60:, 62:122] == 0)


def test_other_channels_are_shown_as_their_mean() -> None:
    x = torch.tensor([10, 20], dtype=torch.uint8).view(1, 2, 1, 1).expand(1, 2, 60, 60)
    assert torch.equal(laid_out(x), torch.full((1, 60, 60), 15, dtype=torch.uint8))


def test_fractals_are_the_mixing_pictures() -> None:
    sheet = contact_sheet.fractals(7, size=16, seed=5, colour=True)
    assert torch.equal(sheet.x, mixing_pictures(7, (3, 16, 16), seed=5))
    assert sheet.text.startswith("7 generated pictures of 16 x 16 in colour, seed 5; ifs, escape_time, plasma")


def test_data_sets_are_shown_in_order_of_class() -> None:
    images = load("fashion_mnist", "test")
    sheet = contact_sheet.data_set("fashion_mnist", "test", 30)
    assert sheet.text.startswith("30 of 10,000 images of fashion_mnist/test, 28 x 28, drawn with seed 0; in order")
    labels = {image.numpy().tobytes(): int(label) for image, label in zip(images.x, images.y, strict=True)}
    shown = [labels[image.numpy().tobytes()] for image in sheet.x]
    assert shown == sorted(shown)
    assert len(set(shown)) > 5
    other = contact_sheet.data_set("fashion_mnist", "test", 30, seed=1)
    assert not torch.equal(sheet.x, other.x)


def test_a_sheet_is_a_png_and_replaces_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sheet.png"
    x = mixing_pictures(6, (3, 16, 16))
    contact_sheet.write(x, path)
    contact_sheet.write(x, path)
    assert path.read_bytes() == png(laid_out(x))
    decoded = np.array(Image.open(io.BytesIO(path.read_bytes())))
    assert np.array_equal(decoded, laid_out(x).permute(1, 2, 0).numpy())
    path.write_text("notes")
    with pytest.raises(BadValueError, match=r"sheet.png: is there and is no PNG; name another file with --out"):
        contact_sheet.write(x, path)
    with pytest.raises(BadValueError, match="cannot be written"):
        contact_sheet.write(x, tmp_path)
    with pytest.raises(BadValueError, match="cannot be written"):
        contact_sheet.write(x, path / "inside.png")


def test_a_generated_set_is_shown_as_it_goes_beside_mnist() -> None:
    sheet = contact_sheet.data_set("inverted", "test", 12)
    assert torch.equal(sheet.x, 255 - sample(load("mnist", "test"), 12).x)
    assert "12 images, 28 x 28, beside MNIST's, seed 0" in sheet.text
    with pytest.raises(BadValueError, match="split: blobs has test alone, got 'train'"):
        contact_sheet.data_set("blobs", "train", 12)


def test_refusals() -> None:
    with pytest.raises(BadValueError, match=r"fractal: no such data set; did you mean fractals\?"):
        contact_sheet.data_set("fractal", "test", 5)
    with pytest.raises(BadValueError, match="did you mean fashion_mnist"):
        contact_sheet.data_set("fashion-mnist", "test", 5)
    with pytest.raises(BadValueError, match="did you mean mnist_c/fog"):
        contact_sheet.data_set("mnist_c/fogg", "test", 5)
    with pytest.raises(BadValueError, match="split: mnist_c/fog has test alone"):
        contact_sheet.data_set("mnist_c/fog", "train", 5)
    with pytest.raises(BadValueError, match="count: expected a whole number >= 1, got 0"):
        contact_sheet.fractals(0)
    with pytest.raises(BadValueError, match="size: expected a whole number >= 1, got 0"):
        contact_sheet.fractals(1, size=0)


def refuse(*_: object, **__: object) -> torch.Tensor:
    raise AssertionError("generated before the sheet was found too large")


@pytest.mark.parametrize(
    ("count", "size", "colour"), [(10**8, 1, False), (101, 1000, False), (32, 1000, True), (10**6, 30, True)]
)
def test_a_sheet_that_would_be_too_large_is_refused_before_anything_is_generated(
    count: int, size: int, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_sheet, "mixing_pictures", refuse)
    with pytest.raises(BadValueError, match="too many for one sheet; expected at most") as raised:
        contact_sheet.fractals(count, size=size, colour=colour)
    most = int(str(raised.value).split()[-1])
    assert 0 < most < count
    with pytest.raises(BadValueError, match=f"count: {most + 1} pictures"):
        contact_sheet.fractals(most + 1, size=size, colour=colour)
    with pytest.raises(AssertionError, match="generated"):
        contact_sheet.fractals(most, size=size, colour=colour)


def test_one_picture_that_is_too_large_for_a_sheet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheet, "mixing_pictures", refuse)
    with pytest.raises(BadValueError, match="size: one picture of 12000 x 12000 is too large for a sheet; expected"):
        contact_sheet.fractals(1, size=12000)


@pytest.mark.parametrize("shape", [(1, 1), (3, 32), (4, 40), (3, 70)])
@pytest.mark.parametrize("count", [1, 5, 7, 24, 25])
def test_the_size_that_is_checked_is_at_least_that_of_the_sheet(count: int, shape: tuple[int, int]) -> None:
    channels, side = shape
    sheet = laid_out(torch.zeros(count, channels, side, side // 2 + 1, dtype=torch.uint8))
    checked = largest_size(count, channels, side, side // 2 + 1)
    assert sheet.numel() <= checked < 2 * sheet.numel()
