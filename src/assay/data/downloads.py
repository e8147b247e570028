"""Downloads of the public data sets into the cache, only ever on request, each file checked before it gets its name."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pooch
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import HTTPError, RequestException, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from assay.data import mnist_c
from assay.data.known import KNOWN
from assay.data.places import cache_folder
from assay.errors import BadValueError, MissingDataError, nearest

TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces of the answer


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
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingDataError(
            f"{place}: cannot be made ({error.strerror}); set ASSAY_CACHE to a folder that you can write to"
        ) from error
    reasons = []
    for address in download.addresses:
        try:
            return _retrieve(place, download, address, progress)
        except (OSError, ValueError) as error:  # ValueError is how pooch reports a wrong checksum
            reasons.append(f"{urlsplit(address).hostname}: {_why(error)}")
    raise MissingDataError(
        f"{title}: {download.file} could not be fetched ({'; '.join(reasons)}); check the network and try again, "
        "or put the files into a folder and name it by --data"
    )


def _retrieve(place: Path, download: _Download, address: str, progress: bool) -> Path:
    with _quiet(), _bar(download.file, progress) as bar:
        downloader = pooch.HTTPDownloader(progressbar=bar or False, chunk_size=1 << 16, timeout=TIMEOUT)
        pooch.retrieve(address, f"md5:{download.md5}", fname=download.file, path=place, downloader=downloader)
    return place / download.file


def _why(error: Exception) -> str:
    if isinstance(error, HTTPError) and error.response is not None:
        return f"status {error.response.status_code}"
    if isinstance(error, Timeout):
        return "no answer in time"
    if isinstance(error, NoConnection):
        return "no connection"
    if isinstance(error, RequestException):
        return "the transfer broke off"
    if isinstance(error, OSError):
        return f"cannot be written, {error.strerror or error}"
    return "the file has a wrong checksum"


class _Bar:
    """The interface by which pooch reports progress, drawn by rich."""

    def __init__(self, display: Progress, label: str) -> None:
        self._display = display
        self._task = display.add_task(label, total=None)
        self.total = 0

    def update(self, step: int) -> None:
        self._display.update(self._task, total=self.total or None, advance=step)

    def reset(self) -> None:
        self._display.update(self._task, completed=0)

    def close(self) -> None:
        self._display.stop_task(self._task)


@contextmanager
def _bar(label: str, show: bool) -> Iterator[_Bar | None]:
    if not show:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as display:
        yield _Bar(display, label)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence pooch's own messages: the bar and the errors say it all."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
