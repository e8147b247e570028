"""A folder of this machine: folders appear by being renamed, and claims are locks that end with their process."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from assay.errors import StoreError
from assay.places.base import File, Holder, holder_now, read_holder


class Local:
    """A folder; see `Place`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.address = str(root)

    def shown(self, path: str) -> str:
        """The whole path."""
        return str(self.root / path)

    def named(self, name: str, checksum: str) -> str:  # noqa: ARG002
        """A file keeps its name: its folder appears at once with all that is in it."""
        return name

    def errors(self) -> AbstractContextManager[None]:
        """As `clear_errors`."""
        return clear_errors(self.root)

    def prepare(self) -> None:
        """Make the folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not os.access(self.root, os.W_OK):
            raise PermissionError(errno.EACCES, "not writable")

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        try:
            os.stat(f"{self.root}/{path}")  # noqa: PTH116 a third of pathlib's time, here and in `read`
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def read(self, path: str) -> bytes:
        """A file's content."""
        with open(f"{self.root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123 a buffer would copy all of it
            return file.read()

    def names(self, folder: str) -> list[str]:
        """Sorted names of what stands in a folder."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return sorted(os.listdir(self.root / folder))  # noqa: PTH208 names alone, five times faster than iterdir
        return []

    def files(self, folder: str) -> Iterator[File]:
        """All files below a folder; what is removed meanwhile is left out."""
        now, folders = time.time(), [folder]
        while folders:
            here = folders.pop()
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.root / here) as entries:
                for entry in entries:
                    path = f"{here}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(path)
                        continue
                    with contextlib.suppress(FileNotFoundError):
                        found = entry.stat()
                        yield File(path, found.st_size, now - found.st_mtime)

    def age(self, path: str) -> float | None:
        """Seconds since a file or folder was written to, 0 while `add` writes it; None of what is not there."""
        target = self.root / path
        with contextlib.suppress(FileNotFoundError):
            return 0.0 if _is_locked(target) else time.time() - target.stat().st_mtime
        return None

    def write(self, path: str, content: bytes) -> None:
        """Write to a temporary sibling and rename it."""
        target = self.root / path
        target.parent.mkdir(exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(target)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def add(self, folder: str, files: Mapping[str, bytes], marker: str) -> None:
        """Write to a temporary sibling and rename it."""
        target = self.root / folder
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            temporary.chmod(0o755)  # mkdtemp shuts everyone else out
            with _locked(temporary):
                for name, content in files.items():
                    _write_through(temporary / name, content)
                if not (target / marker).exists():
                    shutil.rmtree(target, ignore_errors=True)  # a folder without its marker is no finished cell
                try:
                    temporary.rename(target)
                except OSError:  # a folder with content is never replaced: it is another run's
                    if not (target / marker).exists():
                        raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def remove(self, path: str) -> None:
        """Remove a file or a folder."""
        target = self.root / path
        with contextlib.suppress(FileNotFoundError):
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink()

    @contextlib.contextmanager
    def claim(self, path: str) -> Iterator[bool]:
        """Lock a file, which the system unlocks where the process ends."""
        target = self.root / path
        with contextlib.ExitStack() as stack:
            with self.errors():
                target.parent.mkdir(exist_ok=True)
                handle = stack.enter_context(target.open("a"))  # what another holder has written there stays
                mine = _lock(handle, target)
                if mine:
                    handle.truncate(0)
                    handle.write(json.dumps(holder_now()))
                    handle.flush()
            yield mine
            if mine:
                with contextlib.suppress(OSError):  # the lock ends all the same, as on a disk that is read-only by now
                    target.unlink()

    def name_worker(self, path: str, worker: str) -> None:
        """Write it into the file that we have locked."""
        target = self.root / path
        with contextlib.suppress(OSError):  # it is only told; a full disk is met where a cell is written
            target.write_text(json.dumps(read_holder(target.read_bytes())._replace(worker=worker)._asdict()))

    def claimed(self, path: str) -> bool:
        """Whether a file is locked; one that tries to lock it at this moment meets a lock, and tries again."""
        with contextlib.suppress(FileNotFoundError), (self.root / path).open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def holder(self, path: str) -> Holder | None:
        """Who has locked a file now."""
        if not self.claimed(path):
            return None
        try:
            return read_holder(self.read(path))
        except OSError:  # it has ended meanwhile
            return None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder, so that nobody takes it for an abandoned one, whatever the clock says."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems lock no folders: then its age alone protects it
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _is_locked(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    else:
        return False
    finally:
        os.close(handle)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _lock(handle: IO[str], path: Path) -> bool:
    """Lock the open file; False where another process has it, or had it and took it away since it was opened."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


@contextlib.contextmanager
def clear_errors(root: Path) -> Iterator[None]:
    """Turn what a disk may answer to a write below `root` into one sentence with the remedy, a StoreError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(
                f"{root}: the disk is full; finished cells are safe: free some space and run the same command again"
            ) from error
        raise StoreError(
            f"{root}: cannot be written ({error.strerror or error}); choose another folder with --out"
        ) from error
