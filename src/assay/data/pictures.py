"""Sets to test on that lie in the data folder as pictures: a folder of image files, or an .npz file with arrays.

    my-data/
      scans/0001.png  scans/0002.jpg ...
      drawings.npz    x: (N, H, W) or (N, H, W, C) uint8; y: (N,) whole numbers >= 0, which may be left out

Nothing is converted: files are 8-bit grey or RGB, and all of one set have the same size and channels. Pillow decodes
them, each by the one format that its suffix names; rotations that a camera notes are not applied.
"""

import functools
import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from PIL import Image
from torch import Tensor

from assay.data.idx import LARGEST
from assay.data.images import Images
from assay.data.places import PICTURES
from assay.errors import DamagedDataError

MODES = {"L": 1, "RGB": 3}  # Pillow's names of 8-bit grey and colour, and their channels
MOST_CLASSES = 10_000
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
UNREADABLE = (  # what Pillow, zipfile and numpy raise at files that are cut, altered, encrypted or none of theirs
    *(OSError, EOFError, ValueError, SyntaxError, KeyError, RuntimeError),
    *(struct.error, zlib.error, zipfile.BadZipFile),
)


def read_pictures(name: str, files: tuple[Path, ...]) -> Images:
    """Read a set of pictures; calls share their tensors while the files stay what they are: do not write to them.

    Returns:
        Images named such as "scans/test"; without labels they are of one class, which has the set's name.

    Raises:
        DamagedDataError: a file cannot be read, is of another kind, or differs from the others in size or channels.
    """
    status = [path.stat() for path in files]
    return _read(name, files, tuple((item.st_mtime_ns, item.st_size) for item in status))


def count_pictures(files: tuple[Path, ...]) -> int:
    """How many images a set of pictures holds, by names and headers alone.

    Raises:
        DamagedDataError: as `read_pictures`.
    """
    if _archive(files) is None:
        return len(files)
    return _header(files[0], "x")[0][0]


@functools.lru_cache(maxsize=8)
def _read(name: str, files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> Images:  # noqa: ARG001
    """Read a set; the stamps are part of the key, so that a file that has changed is read again."""
    archive = _archive(files)
    x, y = _from_files(files) if archive is None else _from_archive(archive)
    if y is None:
        return Images(name=f"{name}/test", x=x, y=torch.zeros(len(x), dtype=torch.int64), classes=(name,))
    return Images(name=f"{name}/test", x=x, y=y, classes=tuple(str(label) for label in range(int(y.max()) + 1)))


def _archive(files: tuple[Path, ...]) -> Path | None:
    """The .npz file, or None of a folder of image files."""
    archive = next((path for path in files if path.suffix == ".npz"), None)
    if archive is not None and len(files) > 1:
        raise DamagedDataError(f"{archive}: a folder of pictures has the same name; rename one of them")
    return archive


def _from_files(files: tuple[Path, ...]) -> tuple[Tensor, None]:
    first = _size(files[0])
    if math.prod(first) * len(files) > LARGEST:
        raise _wrong(files[0].parent, f"expected at most {LARGEST} values, got {len(files)} pictures of {first}")
    x = torch.empty(len(files), *first, dtype=torch.uint8)
    for place, path in enumerate(files):
        with _opened(path) as image:
            if _shape(image, path) != first:
                raise _wrong(path, f"expected (C, H, W) = {first} as {files[0].name} has, got {_shape(image, path)}")
            pixels = np.array(image)
        x[place] = torch.from_numpy(pixels.reshape(first[1], first[2], first[0])).permute(2, 0, 1)
    return x, None


def _size(path: Path) -> tuple[int, int, int]:
    with _opened(path) as image:
        return _shape(image, path)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image file, and turn everything that can go wrong while reading it into DamagedDataError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=(PICTURES[path.suffix.lower()],)) as image:
                yield image
    except (*UNREADABLE, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _wrong(path, f"it cannot be read as {PICTURES[path.suffix.lower()]} ({error})") from error


def _shape(image: Image.Image, path: Path) -> tuple[int, int, int]:
    if image.mode not in MODES:
        raise _wrong(path, f"expected 8-bit grey (L) or colour (RGB), got Pillow's mode {image.mode}; convert it first")
    return MODES[image.mode], image.height, image.width


def _from_archive(path: Path) -> tuple[Tensor, Tensor | None]:
    shape, kind, names = _header(path, "x")
    if kind != np.uint8 or len(shape) not in (3, 4) or 0 in shape:
        raise _wrong(path, f"x: expected uint8 (N, H, W) or (N, H, W, C), got {kind} {shape}")
    labels = _header(path, "y") if "y" in names else None
    if labels is not None and (labels[1].kind not in "iu" or labels[0] != shape[:1]):
        raise _wrong(path, f"y: expected whole numbers ({shape[0]},), got {labels[1]} {labels[0]}")
    x = torch.from_numpy(_array(path, "x").reshape(*shape[:3], -1)).permute(0, 3, 1, 2).contiguous()
    if labels is None:
        return x, None
    y = _array(path, "y")
    if y.min() < 0 or y.max() >= MOST_CLASSES:
        raise _wrong(path, f"y: expected labels in 0..{MOST_CLASSES - 1}, got labels from {y.min()} to {y.max()}")
    return x, torch.from_numpy(y.astype(np.int64))


def _header(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any], set[str]]:
    """An array's shape and type, read from its header alone, and the names of all arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {member.removesuffix(".npy") for member in archive.namelist()}
            if name not in names:
                raise _wrong(path, f"expected an array {name}, got {', '.join(sorted(names)) or 'none'}")
            with archive.open(f"{name}.npy") as file:
                shape, _, kind = HEADERS[npy.read_magic(file)](file)
    except UNREADABLE as error:
        raise _wrong(path, f"{name} cannot be read ({error})") from error
    if math.prod(shape) * kind.itemsize > LARGEST:
        raise _wrong(path, f"{name}: expected at most {LARGEST} bytes, got {kind} {shape}")
    return shape, kind, names


def _array(path: Path, name: str) -> np.ndarray[Any, Any]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return np.ascontiguousarray(arrays[name])
    except UNREADABLE as error:
        raise _wrong(path, f"{name} cannot be read ({error})") from error


def _wrong(path: Path, what: str) -> DamagedDataError:
    return DamagedDataError(f"{path}: {what}")
