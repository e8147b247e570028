"""The published MNIST-C test sets, read from the archive that `assay.data.fetch("mnist_c")` downloads.

Mu, Gilmer 2019, "MNIST-C: a robustness benchmark for computer vision": fifteen corruptions of the 10,000 MNIST test
images, and the images as they were ("identity"). Archive: Zenodo record 3239543, CC BY 4.0.
"""

import functools
import hashlib
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assay.data.images import Images
from assay.data.known import KNOWN
from assay.data.places import sources
from assay.errors import BadValueError, DamagedDataError, MissingDataError, nearest

NAME = "mnist_c"
TITLE = "MNIST-C"
FILE = "mnist_c.zip"
MD5 = "4b34b33045869ee6d424616cd3a65da3"
ADDRESSES = (
    "https://zenodo.org/records/3239543/files/mnist_c.zip?download=1",
    "https://zenodo.org/record/3239543/files/mnist_c.zip",
)
CORRUPTIONS = (
    "shot_noise",
    "impulse_noise",
    "glass_blur",
    "motion_blur",
    "shear",
    "scale",
    "rotate",
    "brightness",
    "translate",
    "stripe",
    "fog",
    "spatter",
    "dotted_line",
    "zigzag",
    "canny_edges",
)
MEMBERS = (*CORRUPTIONS, "identity")
N_IMAGES = 10_000  # in each member's test set


def load_mnist_c(corruption: str, *, folder: Path | None = None) -> Images:
    """Load one published test set of MNIST-C, 10,000 images in the order of MNIST's test set.

    Args:
        corruption: one of the fifteen, such as "fog", or "identity".
        folder: where to look for mnist_c/mnist_c.zip before the cache; defaults to the environment variable ASSAY_DATA.

    Raises:
        MissingDataError: the archive is not here; the message names the command that fetches it.
        DamagedDataError: the archive is cut or altered.
        BadValueError: an unknown corruption, or a folder that does not exist.
    """
    if corruption not in MEMBERS:
        raise BadValueError(f"{corruption}: no set of MNIST-C; {nearest(corruption, MEMBERS)}")
    archive = find_archive(folder)
    if archive is None:
        raise MissingDataError(f"{TITLE} is not here; run `assay data fetch {NAME}`")
    check_archive(archive)
    images, labels = (_member(archive, f"{NAME}/{corruption}/test_{what}.npy") for what in ("images", "labels"))
    height, width = images.shape[1:3]
    x = torch.from_numpy(images.reshape(len(images), 1, height, width))  # (N, H, W, 1) or (N, H, W), one channel
    y = torch.from_numpy(labels.astype(np.int64))
    return Images(name=f"{NAME}/{corruption}", x=x, y=y, classes=KNOWN["mnist"].classes)


def find_archive(folder: Path | None = None) -> Path | None:
    """The archive in the data folder or the cache, or None."""
    places = (directory / NAME / FILE for _, directory in sources(folder))
    return next((path for path in places if path.is_file()), None)


def check_archive(path: Path) -> None:
    """Check that the archive is the published one.

    Raises:
        DamagedDataError: it cannot be read, or differs.
    """
    try:
        status = path.stat()
        came = _md5(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise DamagedDataError(f"{path}: cannot be read ({error.strerror}); replace it with an intact copy") from error
    if came != MD5:
        raise DamagedDataError(
            f"{path}: differs from the published file (md5 {came}, expected {MD5}); "
            f"delete it and run `assay data fetch {NAME}`"
        )


@functools.lru_cache(maxsize=4)
def _md5(path: Path, modified: int, size: int) -> str:  # noqa: ARG001 - time and size make a changed file be read again
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _member(archive: Path, name: str) -> np.ndarray[Any, Any]:
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(name) as file:
            return np.asarray(np.load(file, allow_pickle=False))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError) as error:
        raise DamagedDataError(f"{archive}: {name} cannot be read; replace it with an intact copy") from error
