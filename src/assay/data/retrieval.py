"""One file of a data set over the network, with a bar, and in words why it could not be had."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pooch
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import HTTPError, RequestException, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces of the answer


def retrieve(address: str, path: Path, md5: str, *, progress: bool) -> Path:
    """Download a file, unless it is there and intact; nothing half-written gets its name.

    Raises:
        OSError: the network or the disk failed.
        ValueError: what came has another checksum.
    """
    with _quiet(), _bar(path.name, progress) as bar:
        downloader = pooch.HTTPDownloader(progressbar=bar or False, chunk_size=1 << 16, timeout=TIMEOUT)
        pooch.retrieve(address, f"md5:{md5}", fname=path.name, path=path.parent, downloader=downloader)
    return path


def why(error: Exception) -> str:
    """Why `retrieve` failed."""
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
