"""A store at an address that fsspec knows, such as an object store: no renames, no locks.

A file is put whole or not at all. A cell's files are written first, each under a name that begins with its checksum,
and the marker last, which names them: two drivers that write the same cell never mix their files, and a cell whose
writer was killed has no marker. A claim is a small object with its owner and the time, renewed while the cell is
computed. Who wants a claim that another has watches it: one that was not renewed for `EXPIRES` seconds has ended. That
is measured on the watcher's own monotonic clock, so that neither clocks that differ nor a clock that is set matter.
A claim and a marker are put only if there is none yet, in one step where the file system and its server can (fsspec's
mode "create"), so that one of two drivers has a cell, and the first marker stays. Elsewhere, and where two take over
the claim of a driver that was killed, both may compute it; and a marker that comes while another is on its way
replaces it: then a model may be another one, equal but for rounding, than what was evaluated meanwhile.
"""

import contextlib
import errno
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from assay.errors import StoreError
from assay.places.base import File, Holder, holder_now, read_holder

RENEWED = 30.0  # seconds between two renewals of a claim
EXPIRES = 150.0  # seconds without one after which a claim has ended
WRITTEN = ("LastModified", "mtime", "updated", "last_modified", "created")  # what file systems call it


class Elsewhere:
    """An address that fsspec knows; see `Place`.

    Raises:
        StoreError: the kind of address is unknown, or needs a package that is not installed.
    """

    def __init__(self, address: str) -> None:
        self.address = address if address.endswith("://") else address.rstrip("/")
        self._system, self._root = _connect(address)
        self._watched: dict[str, tuple[dict[str, Any], float]] = {}  # others' claims, and since when they are the same
        self._held: dict[str, dict[str, Any]] = {}  # what our own claims say

    def _fresh(self) -> Any:
        """The file system, without the listings that it keeps: other machines write here too."""
        self._system.invalidate_cache()
        return self._system

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def shown(self, path: str) -> str:
        """The whole address."""
        return f"{self.address}/{path}"

    def named(self, name: str, checksum: str) -> str:
        """A file's name begins with its checksum, so that nobody ever replaces it by another."""
        return f"{checksum[:16]}-{name}"

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Name what the place answered; file systems raise what their libraries do, not OSError alone."""
        try:
            yield
        except (StoreError, AssertionError):
            raise
        except Exception as error:
            why = "permission denied" if isinstance(error, PermissionError) else _words(error)
            raise StoreError(
                f"{self.address}: cannot be used ({why}); check the address, your permissions and the network, or "
                "choose another place with --out"
            ) from error

    def prepare(self) -> None:
        """Nothing to be made: folders are parts of names. The first write tells whether one may."""

    def exists(self, path: str) -> bool:
        """Whether there is a file; what cannot be found out is an error, and no "no"."""
        with self.errors():
            try:
                self._fresh().info(self._at(path))
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    def read(self, path: str) -> bytes:
        """A file's content."""
        with self.errors(), contextlib.suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
            content: bytes = self._fresh().cat_file(self._at(path))
            return content
        raise FileNotFoundError(errno.ENOENT, "not found", self.shown(path))  # what that means, the caller says

    def names(self, folder: str) -> list[str]:
        """Sorted names of what stands in a folder."""
        with self.errors():
            try:
                found = self._fresh().ls(self._at(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
            own = self._at(folder).strip("/")
            return sorted({path.rstrip("/").rsplit("/", 1)[-1] for path in found if path.strip("/") != own})

    def files(self, folder: str) -> Iterator[File]:
        """All files below a folder."""
        with self.errors():
            try:
                found = self._fresh().find(self._at(folder), detail=True)
            except (FileNotFoundError, NotADirectoryError):
                found = {}
        now, skipped = time.time(), len(self._root.strip("/"))
        for path, info in found.items():
            yield File(path.strip("/")[skipped:].strip("/"), int(info.get("size") or 0), _age(info, now))

    def age(self, path: str) -> float | None:
        """Seconds since the newest file there was written; None where the file system does not tell."""
        ages = [file.age for file in self.files(path)]
        known = [age for age in ages if age is not None]
        return min(known) if known and len(known) == len(ages) else None

    def write(self, path: str, content: bytes) -> None:
        """Put one file."""
        with self.errors():
            try:
                self._fresh().pipe_file(self._at(path), content)
            except FileNotFoundError:
                if "/" not in path:
                    raise  # the bucket itself is the user's to make
                self._system.makedirs(self._at(path).rsplit("/", 1)[0], exist_ok=True)  # of systems with real folders
                self._system.pipe_file(self._at(path), content)

    def _put_first(self, path: str, content: bytes) -> bool:
        """Put a file unless there is one; whether it was put."""
        with self.errors():
            try:
                self._fresh().pipe_file(self._at(path), content, mode="create")
                return True
            except FileExistsError:
                return False
            except Exception:  # a folder that is not there, a file system or a server that knows no such condition
                if self.exists(path):
                    return False
        self.write(path, content)  # which tells what else is wrong
        return True

    def add(self, folder: str, files: Mapping[str, bytes], marker: str) -> None:
        """Put the files, then the marker, unless another was faster."""
        if self.exists(f"{folder}/{marker}"):
            return
        checksums = json.loads(files[marker])
        for name, content in files.items():
            if name != marker:
                self.write(f"{folder}/{self.named(name, checksums[name])}", content)
        self._put_first(f"{folder}/{marker}", files[marker])

    def remove(self, path: str) -> None:
        """Remove a file or all files below a folder."""
        with self.errors(), contextlib.suppress(FileNotFoundError):
            self._fresh().rm(self._at(path), recursive=True)

    @contextlib.contextmanager
    def claim(self, path: str) -> Iterator[bool]:
        """Put a claim, and renew it until the context ends."""
        owner = uuid.uuid4().hex
        claim = {"owner": owner, **holder_now()}
        if not self._put_first(path, _stamped(claim)):
            ours = self._claim_at(path).get("owner") == owner  # it was put, and the answer was lost
            if not ours and self._lasts(path):
                yield False
                return
            if not ours:
                self._renew(path, claim)  # what is there has ended, or is damaged
        if self._claim_at(path).get("owner") != owner:  # another claimed it at the same moment
            yield False
            return
        over = threading.Event()
        self._held[path] = claim

        def renew() -> None:
            while not over.wait(RENEWED):
                with contextlib.suppress(StoreError):  # the next renewal may succeed; if none does, the claim ends
                    self._renew(path, claim)

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield True
        finally:
            over.set()
            thread.join()
            self._held.pop(path, None)
            with contextlib.suppress(StoreError):  # it ends by itself
                if self._claim_at(path).get("owner") == owner:
                    self.remove(path)

    def name_worker(self, path: str, worker: str) -> None:
        """Told with the next renewal: a request for each cell would cost a driver of many more than it is worth."""
        if path in self._held:
            self._held[path]["worker"] = worker

    def claimed(self, path: str) -> bool:
        """Whether a claim is there that was renewed of late, by the clocks: one look cannot tell more."""
        found = self._claim_at(path)
        return bool(found) and abs(time.time() - found["time"]) < EXPIRES

    def holder(self, path: str) -> Holder | None:
        """Who has claimed a path, as `claimed` tells it."""
        found = self._claim_at(path)
        return read_holder(json.dumps(found).encode()) if self.claimed(path) else None

    def _lasts(self, path: str) -> bool:
        """Whether another has a claim, and has renewed it, or may have, in the last `EXPIRES` seconds."""
        found, now = self._claim_at(path), time.monotonic()
        seen, since = self._watched.get(path, ({}, now))
        if not found or (found == seen and now - since >= EXPIRES):
            self._watched.pop(path, None)
            return False
        if found != seen:
            self._watched[path] = (found, now)
        return True

    def _renew(self, path: str, claim: dict[str, Any]) -> None:
        claim["renewed"] = claim.get("renewed", 0) + 1
        self.write(path, _stamped(claim))

    def _claim_at(self, path: str) -> dict[str, Any]:
        try:
            found = json.loads(self.read(path))
            return {**found, "time": float(found["time"])}
        except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
            return {}


def _stamped(claim: Mapping[str, Any]) -> bytes:
    return json.dumps({**claim, "time": time.time()}).encode()


def _connect(address: str) -> tuple[Any, str]:
    """The file system of an address, and where on it the place is."""
    try:
        from fsspec.core import url_to_fs

        system, root = url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise StoreError(
            f"{address}: cannot be used ({_words(error)}); install what it needs, or choose another place with --out"
        ) from error
    except Exception as error:  # what a library raises where it is given no credentials, say
        raise StoreError(
            f"{address}: cannot be used ({_words(error)}); check the address and your permissions, or choose another "
            "place with --out"
        ) from error
    return system, root.rstrip("/")


def _words(error: Exception) -> str:
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _age(info: Mapping[str, Any], now: float) -> float | None:
    written = next((info[name] for name in WRITTEN if info.get(name) is not None), None)
    if isinstance(written, datetime):
        return now - written.timestamp()
    return now - written if isinstance(written, int | float) else None
