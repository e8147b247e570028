"""Downloads of the public data sets into the cache, only ever on request, each file checked before it gets its name."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from assay.data import mnist_c
from assay.data.known import KNOWN
from assay.data.places import cache_folder
from assay.errors import BadValueError, MissingDataError, nearest


class _Download(NamedTuple):
    """One file: its name in the cache, its md5, and its addresses in the order in which they are tried."""

    file: str
    md5: str
    addresses: tuple[str, ...]


def fetch(name: str, *, progress: bool = True) -> list[Path]:
    """Download a data set into the cache; files that are there and intact are left alone.

    Args:
        name: "mnist", "fashion_mnist", "kmnist" or "mnist_c".
        progress: show a progress bar on the terminal's error stream.

    Returns:
        The files in the cache.

    Raises:
        BadValueError: an unknown name.
        MissingDataError: no address gave an intact file, or the cache cannot be written. Nothing half-written is left.
    """
    place = cache_folder() / name
    return [_fetch_file(place, download, _title(name), progress) for download in _downloads(name)]


def _downloads(name: str) -> list[_Download]:
    if name == mnist_c.NAME:
        return [_Download(mnist_c.FILE, mnist_c.MD5, mnist_c.ADDRESSES)]
    if name not in KNOWN:
        raise BadValueError(f"{name}: no data set to fetch; {nearest(name, (*KNOWN, mnist_c.NAME))}")
    return [
        _Download(f"{file}.gz", checksums.gz, tuple(f"{address}{file}.gz" for address in KNOWN[name].addresses))
        for file, checksums in KNOWN[name].files.items()
        if checksums.gz is not None
    ]


def _title(name: str) -> str:
    return KNOWN[name].title if name in KNOWN else mnist_c.TITLE


def _fetch_file(place: Path, download: _Download, title: str, progress: bool) -> Path:
    from assay.data.retrieval import retrieve, why  # here, since it takes 0.15 seconds and no other command needs it

    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingDataError(
            f"{place}: cannot be made ({error.strerror}); set ASSAY_CACHE to a folder that you can write to"
        ) from error
    reasons = []
    for address in download.addresses:
        try:
            return retrieve(address, place / download.file, download.md5, progress=progress)
        except (OSError, ValueError) as error:  # ValueError: a wrong checksum
            reasons.append(f"{urlsplit(address).hostname}: {why(error)}")
    raise MissingDataError(
        f"{title}: {download.file} could not be fetched ({'; '.join(reasons)}); check the network and try again, "
        "or put the files into a folder and name it by --data"
    )
