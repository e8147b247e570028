"""A contact sheet: many small pictures on one PNG, to look at a data set, or at generated pictures, before use."""

import bisect
import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from assay.data import generated, load, load_mnist_c, sample
from assay.data.generated import GENERATED
from assay.data.known import KNOWN
from assay.data.mnist_c import CORRUPTIONS
from assay.data.places import own_sets, picture_sets
from assay.errors import BadValueError, nearest
from assay.parts import check_count
from assay.pictures import KINDS, mixing_pictures
from assay.png import png

FRACTALS = "fractals"
MNIST_C = tuple(f"mnist_c/{name}" for name in CORRUPTIONS)
SIDE = 32  # pixels of a generated picture, unless told
SHOWN = 64  # smaller pictures are enlarged, by a whole number, up to this side
GAP = 2  # pixels between pictures
LARGEST = 10**8  # values of one sheet, which has three for each pixel in colour
START = b"\x89PNG"


class Sheet(NamedTuple):
    """Pictures (N, C, H, W) uint8 for one sheet, and one line on what they are."""

    x: Tensor
    text: str


def fractals(count: int, *, size: int = SIDE, seed: int = 0, colour: bool = False) -> Sheet:
    """Generated mixing pictures.

    Raises:
        BadValueError: no whole number >= 1, or too large a sheet.
    """
    check_count(FRACTALS, "size", size)
    channels = 3 if colour else 1
    _check_fits(count, channels, size, size, "a smaller --size")
    x = mixing_pictures(count, (channels, size, size), seed=seed)
    tones = "in colour" if colour else "in grey"
    return Sheet(
        x, f"{count} generated pictures of {size} x {size} {tones}, seed {seed}; {', '.join(KINDS)} take turns"
    )


def data_set(name: str, split: str, count: int, *, seed: int = 0, folder: Path | None = None) -> Sheet:
    """A random sample of a data set, in order of class.

    Raises:
        BadValueError: an unknown name or split, or too large a sheet.
        MissingDataError: it is not here; the message names the command that fetches it.
    """
    own = (*own_sets(folder), *picture_sets(folder))
    if name in GENERATED and name not in own:
        return _outliers(name, split, count, seed)
    known = (*GENERATED, *KNOWN, *own, *MNIST_C)
    if name not in known:
        raise BadValueError(f"{name}: no such data set; {nearest(name, known)}")
    if name in MNIST_C:
        if split != "test":
            raise BadValueError(f"split: {name} has test alone, got {split!r}")
        images = load_mnist_c(name.partition("/")[2], folder=folder)
    else:
        images = load(name, split, folder=folder)
    chosen = sample(images, count, seed=seed)
    channels, height, width = chosen.shape
    _check_fits(len(chosen), channels, height, width, "a set of smaller images")
    text = f"{len(chosen)} of {len(images):,} images of {images.name}, {height} x {width}, drawn with seed {seed}"
    return Sheet(chosen.x[chosen.y.argsort(stable=True)], f"{text}; in order of class: {', '.join(images.classes)}")


def _outliers(name: str, split: str, count: int, seed: int) -> Sheet:
    """A generated set as it goes beside MNIST's test set."""
    if split != "test":
        raise BadValueError(f"split: {name} has test alone, got {split!r}")
    like = sample(load("mnist", "test"), count, seed=seed)
    channels, height, width = like.shape
    _check_fits(len(like), channels, height, width, "a set of smaller images")
    text = f"{len(like)} images, {height} x {width}, beside MNIST's, seed {seed}: {GENERATED[name].text}"
    return Sheet(generated(name, like, seed=seed).x, text)


def laid_out(x: Tensor) -> Tensor:
    """Lay pictures (N, C, H, W) uint8 out in rows, half as many again across as down: one image (C, height, width).

    Channels other than 1 and 3 are shown as their mean, in grey.
    """
    if x.shape[1] not in (1, 3):
        x = x.float().mean(dim=1, keepdim=True).round().to(torch.uint8)
    count, channels, height, width = x.shape
    across, scale = _across(count), _scale(height, width)
    down = math.ceil(count / across)
    large = x.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
    cells = functional.pad(large, (0, GAP, 0, GAP), value=255)
    empty = cells.new_full((down * across - count, *cells.shape[1:]), 255)
    grid = torch.cat([cells, empty]).view(down, across, channels, *cells.shape[2:])
    return grid.permute(2, 0, 3, 1, 4).reshape(channels, down * cells.shape[2], -1)[:, :-GAP, :-GAP]


def write(x: Tensor, path: Path) -> None:
    """Write the sheet of pictures (N, C, H, W) uint8; a PNG that is there is replaced, no other file.

    Raises:
        BadValueError: another file is there, or the path cannot be written.
    """
    try:
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(START)) != START:
                    raise BadValueError(f"{path}: is there and is no PNG; name another file with --out")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(laid_out(x)))
    except OSError as error:
        raise BadValueError(f"{path}: cannot be written ({error.strerror}); name another file with --out") from error


def largest_size(count: int, channels: int, height: int, width: int) -> int:
    """At most how many values the sheet of so many pictures has, enlarged and with gaps; more pictures, more values."""
    scale = _scale(height, width)
    cells = count + _across(count) - 1  # the last row may be empty but for one
    return (3 if channels == 3 else 1) * cells * (scale * height + GAP) * (scale * width + GAP)


def _across(count: int) -> int:
    return min(count, math.ceil(math.sqrt(1.5 * count)))


def _scale(height: int, width: int) -> int:
    return max(1, SHOWN // max(height, width))


def _check_fits(count: int, channels: int, height: int, width: int, smaller: str) -> None:
    check_count("data show", "count", count)
    if largest_size(count, channels, height, width) <= LARGEST:
        return
    most = bisect.bisect_right(range(1, count), LARGEST, key=lambda n: largest_size(n, channels, height, width))
    if most == 0:
        raise BadValueError(f"size: one picture of {height} x {width} is too large for a sheet; expected {smaller}")
    raise BadValueError(
        f"count: {count} pictures of {height} x {width} are too many for one sheet; expected at most {most}"
    )
