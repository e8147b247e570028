"""What is here and whether it is intact: the rows behind `assay data list` and `assay data verify`."""

from pathlib import Path
from typing import NamedTuple

from assay.data import mnist_c
from assay.data.generated import GENERATED
from assay.data.idx import IMAGES, read_shape
from assay.data.known import KNOWN, N_OUTLIERS, SPLITS
from assay.data.pictures import count_pictures, read_pictures
from assay.data.places import files_of, find, missing_sentence, own_sets, picture_sets, sources
from assay.data.sources import read_checked
from assay.errors import DamagedDataError, MissingDataError


class SetStatus(NamedTuple):
    """One split of one data set.

    `source` is "folder", "cache", "embedded", or "generated": such a set has as many images as the test set beside it,
    and `images` is None. Where the split cannot be had, `source` is "", `images` is None, and
    `reason` says why.
    """

    name: str
    split: str
    source: str
    images: int | None
    reason: str


class FileCheck(NamedTuple):
    """One file, and what is wrong with it: "" where it is intact."""

    path: Path
    problem: str

    @property
    def ok(self) -> bool:
        """Whether the file is intact."""
        return not self.problem


def status(folder: Path | None = None) -> list[SetStatus]:
    """Say for every split of every data set, known or the user's own, where it is and how many images it holds.

    Only headers are read: `verify` reads the rest.

    Raises:
        BadValueError: the folder does not exist.
    """
    names = (*KNOWN, *own_sets(folder))
    rows = [_split_status(name, split, folder) for name in names for split in SPLITS]
    rows += [_pictures_status(name, files) for name, files in picture_sets(folder).items()]
    return [*rows, *(_generated_status(name) for name in GENERATED), _mnist_c_status(folder)]


def _pictures_status(name: str, files: tuple[Path, ...]) -> SetStatus:
    try:
        return SetStatus(name, "test", "folder", count_pictures(files), "")
    except DamagedDataError as error:
        return SetStatus(name, "test", "", None, str(error))


def _generated_status(name: str) -> SetStatus:
    try:
        GENERATED[name].check()
    except MissingDataError as error:
        return SetStatus(name, "test", "", None, str(error))
    return SetStatus(name, "test", "generated", None, "")


def _split_status(name: str, split: str, folder: Path | None) -> SetStatus:
    try:
        found = find(name, split, folder)
        if found is None:
            return SetStatus(name, split, "", None, missing_sentence(name, split, folder))
        count = read_shape(found.images, IMAGES)[0]
    except DamagedDataError as error:
        return SetStatus(name, split, "", None, str(error))
    return SetStatus(name, split, found.source, min(count, N_OUTLIERS) if split == "outliers" else count, "")


def _mnist_c_status(folder: Path | None) -> SetStatus:
    archive = mnist_c.find_archive(folder)
    if archive is None:
        reason = f"{mnist_c.TITLE} is not here; run `assay data fetch {mnist_c.NAME}`"
        return SetStatus(mnist_c.NAME, "test", "", None, reason)
    source = next(source for source, directory in sources(folder) if archive.is_relative_to(directory))
    return SetStatus(mnist_c.NAME, "test", source, len(mnist_c.MEMBERS) * mnist_c.N_IMAGES, "")


def verify(folder: Path | None = None) -> list[FileCheck]:
    """Read every file of every data set in every source, and check it: format, length, and checksum where one is known.

    Raises:
        BadValueError: the folder does not exist.
    """
    checks = []
    for source, directory in sources(folder):
        names = (*KNOWN, *own_sets(folder)) if source == "folder" else tuple(KNOWN)
        for name in names:
            checks += [_check(name, path, dimensions) for path, dimensions in files_of(name, directory)]
        archive = directory / mnist_c.NAME / mnist_c.FILE
        checks += [_check_archive(archive)] if archive.is_file() else []
    return [*checks, *(_check_pictures(name, files) for name, files in picture_sets(folder).items())]


def _check_pictures(name: str, files: tuple[Path, ...]) -> FileCheck:
    """One check of a set: of its .npz file, or of its folder."""
    place = files[0] if files[0].suffix == ".npz" else files[0].parent
    try:
        read_pictures(name, files)
    except DamagedDataError as error:
        return FileCheck(place, str(error))
    return FileCheck(place, "")


def _check(name: str, path: Path, dimensions: int) -> FileCheck:
    try:
        read_checked(name, path, dimensions)
    except DamagedDataError as error:
        return FileCheck(path, str(error))
    return FileCheck(path, "")


def _check_archive(path: Path) -> FileCheck:
    try:
        mnist_c.check_archive(path)
    except DamagedDataError as error:
        return FileCheck(path, str(error))
    return FileCheck(path, "")
