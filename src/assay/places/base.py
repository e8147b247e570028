"""What a store asks of the place where its files lie. Paths are below it, with slashes: "models/KEY/cell.json"."""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

TEMPORARY = "."  # names of what is being written begin so


class File(NamedTuple):
    """A file of a place.

    Attributes:
        path: where it is below the place.
        size: bytes.
        age: seconds since it was written, or None where the place does not tell.
    """

    path: str
    size: int
    age: float | None


class Holder(NamedTuple):
    """Who has claimed something.

    Attributes:
        host: the machine's name, "" where it is not known.
        pid: the process there, 0 where it is not known.
        since: seconds since 1970 on that machine's clock, or None.
        worker: the process that does the work for it, "host:pid"; "" where it is not known.
    """

    host: str = ""
    pid: int = 0
    since: float | None = None
    worker: str = ""


def holder_now() -> dict[str, Any]:
    """This process as what a claim says of its holder."""
    return Holder(socket.gethostname(), os.getpid(), time.time())._asdict()


def read_holder(content: bytes) -> Holder:
    """The holder that a claim names; one of nothing known where it names none, as those of older versions."""
    try:
        found = json.loads(content)
        return Holder(str(found["host"]), int(found["pid"]), float(found["since"]), str(found.get("worker", "")))
    except (ValueError, TypeError, KeyError, RecursionError):
        return Holder()


class Place(Protocol):
    """Files by path. Whatever a place answers but that a file is not there, its `errors` turns into a StoreError."""

    address: str  # as people write it

    def shown(self, path: str) -> str:
        """The whole address of a path, for messages."""
        ...

    def named(self, name: str, checksum: str) -> str:
        """What a cell's file is called here."""
        ...

    def errors(self) -> AbstractContextManager[None]:
        """Turns what the place may answer into one sentence with the remedy, a StoreError."""
        ...

    def prepare(self) -> None:
        """Make the place ready to be written to, or raise."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        ...

    def read(self, path: str) -> bytes:
        """A file's content.

        Raises:
            OSError: it is not there, or cannot be read.
        """
        ...

    def names(self, folder: str) -> list[str]:
        """Sorted names of what stands in a folder, hidden ones too; none where there is no folder."""
        ...

    def files(self, folder: str) -> Iterator[File]:
        """All files below a folder, in one pass that reads none; none where there is no folder."""
        ...

    def age(self, path: str) -> float | None:
        """Seconds since a file or folder was last written to; None where the place does not tell."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write one file, whole or not at all."""
        ...

    def add(self, folder: str, files: Mapping[str, bytes], marker: str) -> None:
        """Write a folder of files, which is there once its file `marker` is; one that is there already stays."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it; it need not be there."""
        ...

    def claim(self, path: str) -> AbstractContextManager[bool]:
        """Claim a path for as long as the context lasts; False where another has it. A killed process's claim ends."""
        ...

    def name_worker(self, path: str, worker: str) -> None:
        """Say in our own claim which process does the work, "host:pid", for `holder`; far away, as it is renewed."""
        ...

    def claimed(self, path: str) -> bool:
        """Whether somebody has claimed a path now."""
        ...

    def holder(self, path: str) -> Holder | None:
        """Who has claimed a path now; None where nobody has."""
        ...
