"""Loading: a split of a data set from the first source that has it (see `assay.data.places`), checked.

Files of known sets are checked by the md5 of their uncompressed content, so it does not matter who compressed them.
"""

import functools
import hashlib
from pathlib import Path

from torch import Tensor

from assay.data.idx import IMAGES, LABELS, read_idx
from assay.data.images import Images
from assay.data.known import KNOWN, N_OUTLIERS, SPLITS
from assay.data.pictures import read_pictures
from assay.data.places import Found, find, missing_sentence, picture_sets
from assay.errors import DamagedDataError, MissingDataError


def load(name: str, split: str, *, folder: Path | None = None) -> Images:
    """Load a split of a data set from the first source that has it. Calls share their tensors: do not write to them.

    Args:
        name: "mnist", "fashion_mnist", "kmnist", or a set of your own inside `folder`: a folder of idx files, or, to
            test on alone, a folder of image files or an .npz file (see `assay.data.pictures`).
        split: "train", "test", or "outliers": the first 10,000 of the training set.
        folder: where to look first; defaults to the environment variable ASSAY_DATA.

    Returns:
        x: (N, 1, H, W), or (N, C, H, W) of pictures and of sets of your own with channels. A set of idx files of your
            own has its classes named by number, as many as its training labels show (its test labels where it has no
            training set).

    Raises:
        MissingDataError: no source has it; the message names the command that fetches it.
        DamagedDataError: a file is cut, altered against its published checksum, or no such file as it should be.
        BadValueError: an unknown name or split, a folder that does not exist, or labels outside the classes.
    """
    pictures = picture_sets(folder).get(name)
    if pictures is not None and split == "test":
        return read_pictures(name, pictures)
    if pictures is not None and split in SPLITS:
        raise MissingDataError(f"{name}/{split} is not here; pictures make a 'test' split alone; train on idx files")
    found = find(name, split, folder)
    if found is None:
        raise MissingDataError(missing_sentence(name, split, folder))
    reference = found if name in KNOWN else find(name, "train", folder) or found
    paths = (found.images, found.labels, reference.labels)
    return _read(name, split, found, reference.labels, tuple(_stamp(path) for path in paths))


def read_checked(name: str, path: Path, dimensions: int) -> Tensor:
    """Read an idx file; where it belongs to a known set, check that it is the published one.

    Raises:
        DamagedDataError: it cannot be read, or differs.
    """
    data, came = read_idx(path, dimensions)
    if name not in KNOWN:
        return data
    wanted, published = KNOWN[name].files[path.name.removesuffix(".gz")]
    if wanted is None:  # only the checksum of the published .gz is known
        came, wanted = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest(), published
    if came != wanted:
        raise DamagedDataError(
            f"{path}: differs from the published file (md5 {came}, expected {wanted}); "
            f"delete it and run `assay data fetch {name}`"
        )
    return data


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=8)
def _read(name: str, split: str, found: Found, reference: Path, stamps: tuple[tuple[int, int], ...]) -> Images:  # noqa: ARG001
    """Read a pair of files; the stamps are part of the key, so that a file that has changed is read again."""
    images, labels = read_checked(name, found.images, IMAGES), read_checked(name, found.labels, LABELS)
    if len(images) != len(labels):
        raise DamagedDataError(
            f"{found.labels}: {len(labels)} labels for {len(images)} images; replace both with a matching pair"
        )
    if split == "outliers":
        images, labels = images[:N_OUTLIERS].clone(), labels[:N_OUTLIERS]  # the clone lets the other 50,000 go
    classes = KNOWN[name].classes if name in KNOWN else _numbered(read_idx(reference, LABELS).data)
    x = images.unsqueeze(1) if images.ndim == IMAGES else images.permute(0, 3, 1, 2).contiguous()
    return Images(name=f"{name}/{split}", x=x, y=labels.long(), classes=classes)


def _numbered(labels: Tensor) -> tuple[str, ...]:
    return tuple(str(label) for label in range(int(labels.max()) + 1 if len(labels) else 0))
