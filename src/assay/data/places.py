"""Where the files of data sets lie; sources are asked in this order: a folder, the cache, the files in the package.

The folder is the argument `folder`, or else the environment variable ASSAY_DATA. The cache is the operating system's,
or else the environment variable ASSAY_CACHE; `assay.data.fetch` fills it. Each holds one folder a data set, such as
mnist/t10k-images-idx3-ubyte.gz. Nothing is read or downloaded here.
"""

import os
from pathlib import Path
from typing import NamedTuple

from assay.data.generated import GENERATED
from assay.data.idx import IMAGES, LABELS
from assay.data.known import KNOWN, SPLITS, images_file, labels_file
from assay.errors import BadValueError, DamagedDataError, nearest

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}  # suffixes, and Pillow's names of formats
EMBEDDED = Path(__file__).with_name("files")


class Found(NamedTuple):
    """The two files of a split, the source that has them ("folder", "cache", "embedded"), and the split they hold.

    Files that hold "train" also serve "outliers".
    """

    images: Path
    labels: Path
    source: str
    holds: str


def find(name: str, split: str, folder: Path | None = None) -> Found | None:
    """Find the files of a split without reading them; None where no source has them.

    Raises:
        DamagedDataError: the folder holds the images without the labels, or the other way round.
        BadValueError: as `load`.
    """
    if split not in SPLITS:
        raise BadValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    own = own_sets(folder)
    if name in GENERATED and name not in own:
        raise BadValueError(
            f'{name}: is generated beside a test set, and to test on alone; generated("{name}", images) makes it'
        )
    if name not in KNOWN and name not in own:
        first = data_folder(folder)
        where = "no folder of yours was named by --data or ASSAY_DATA" if first is None else f"yours are in {first}"
        known = nearest(name, (*KNOWN, *GENERATED, *own, *picture_sets(folder)))
        raise BadValueError(f"{name}: no such data set; {known} ({where})")
    for source, directory in sources(folder):
        if name in KNOWN or source == "folder":
            for holds in _holders(name, split):
                found = _pair(directory / name, holds, source)
                if found is not None:
                    return found
    return None


def sources(folder: Path | None = None) -> list[tuple[str, Path]]:
    """The sources and their folders, in the order in which they are asked."""
    first = data_folder(folder)
    return [*([("folder", first)] if first else []), ("cache", cache_folder()), ("embedded", EMBEDDED)]


def data_folder(folder: Path | None = None) -> Path | None:
    """The folder that is asked first: the argument, or ASSAY_DATA, or None.

    Raises:
        BadValueError: it does not exist.
    """
    chosen = folder or os.environ.get("ASSAY_DATA")
    if not chosen:
        return None
    path = Path(chosen).expanduser()
    if not path.is_dir():
        raise BadValueError(f"{path}: no such folder; expected one that holds data sets, by --data or ASSAY_DATA")
    return path


def cache_folder() -> Path:
    """Where downloads are kept: ASSAY_CACHE, or else the operating system's place for caches."""
    from pooch import os_cache  # here, since a report needs no data, and so none of its imports

    chosen = os.environ.get("ASSAY_CACHE")
    return Path(chosen).expanduser() if chosen else Path(os_cache("assay"))


def own_sets(folder: Path | None = None) -> list[str]:
    """The names of the user's own data sets: folders inside the data folder with idx images of some split."""
    first = data_folder(folder)
    if first is None:
        return []
    return sorted(
        entry.name
        for entry in first.iterdir()
        if entry.name not in KNOWN and any(_file(entry, images_file(split)) for split in SPLITS)
    )


def picture_sets(folder: Path | None = None) -> dict[str, tuple[Path, ...]]:
    """The user's own sets of pictures, by name: the image files of a folder in order of name, or one .npz file.

    Other files are left alone, and so is what has the name of a known set or of one in idx files.
    """
    first = data_folder(folder)
    others = (*KNOWN, *own_sets(folder))
    found: dict[str, tuple[Path, ...]] = {}
    for entry in sorted(first.iterdir()) if first else []:
        name = entry.stem if entry.suffix == ".npz" else entry.name
        files = _pictures(entry)
        if files and name not in others:
            found[name] = (*found.get(name, ()), *files)
    return found


def _pictures(entry: Path) -> tuple[Path, ...]:
    if entry.suffix == ".npz" and entry.is_file():
        return (entry,)
    if not entry.is_dir():
        return ()
    try:
        return tuple(sorted(path for path in entry.iterdir() if path.suffix.lower() in PICTURES and path.is_file()))
    except PermissionError as error:
        raise _forbidden(entry, error) from error


def missing_sentence(name: str, split: str, folder: Path | None = None) -> str:
    """The sentence that says that a split is not here, with the remedy."""
    if name not in KNOWN:
        place = (data_folder(folder) or Path()) / name
        return f"{name}/{split} is not here; put {images_file(split)}.gz and {labels_file(split)}.gz into {place}"
    other = split != "test" and find(name, "test", folder) is not None
    what = f"{KNOWN[name].title}'s training set" if other else KNOWN[name].title
    return f"{what} is not here; run `assay data fetch {name}`"


def files_of(name: str, directory: Path) -> list[tuple[Path, int]]:
    """The files of a data set in a source's folder that are there, each with its number of dimensions."""
    stems = {split: (images_file(split), labels_file(split)) for held in SPLITS for split in _holders(name, held)}
    pairs = [(stem, n) for images, labels in stems.values() for stem, n in ((images, IMAGES), (labels, LABELS))]
    found = [(_file(directory / name, stem), n) for stem, n in pairs]
    return [(path, n) for path, n in found if path is not None]


def _holders(name: str, split: str) -> tuple[str, ...]:
    """The splits whose files serve `split`, in order of preference."""
    candidates = ("outliers", "train") if split == "outliers" else (split,)
    return tuple(held for held in candidates if name not in KNOWN or images_file(held) in KNOWN[name].files)


def _pair(place: Path, holds: str, source: str) -> Found | None:
    images, labels = _file(place, images_file(holds)), _file(place, labels_file(holds))
    if images and labels:
        return Found(images, labels, source, holds)
    if (images or labels) and source == "folder":
        absent = labels_file(holds) if images else images_file(holds)
        raise DamagedDataError(f"{images or labels}: expected {absent} beside it, and it is not there; add it")
    return None  # in the cache half a pair is an interrupted fetch: fetching again completes it


def _file(place: Path, name: str) -> Path | None:
    try:
        return next((path for path in (place / name, place / f"{name}.gz") if path.is_file()), None)
    except PermissionError as error:
        raise _forbidden(place, error) from error


def _forbidden(place: Path, error: PermissionError) -> DamagedDataError:
    return DamagedDataError(
        f"{place}: cannot be read ({error.strerror}); allow it, or choose others by --data and ASSAY_CACHE"
    )
