"""The store: one directory per finished cell, named by the hash of what determines its numbers.

    ROOT/store.json                      the format of the store
    ROOT/models/KEY/                     model.safetensors, cell.json
    ROOT/evaluations/KEY/                observations.safetensors, draws.safetensors, measurements.json,
                                         cell.json
    ROOT/pieces/KEY-NAME-STAMP/                tensors.safetensors, of an evaluation that is not finished
    ROOT/failures/KEY.json               the last reason why a cell failed
    ROOT/claims/KEY                      locked by the process that computes the cell
    ROOT/STUDY/                          study.json, report.html, table.csv, table.json

Directories are written to a temporary sibling and renamed, so that a killed run loses the cell it was in and nothing
else. Each holds checksums of its files. Nothing that is read can run code: safetensors and JSON alone.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from assay.errors import StoreError
from assay.evaluations.base import Observations

FORMAT = 1
CHECKSUMS = "checksums.json"
ROOMS = ("models", "evaluations", "pieces", "failures", "claims")  # no study is called so
NOTES = "notes"
PIECE = "tensors.safetensors"
ABANDONED = 3600  # seconds after which nobody writes a temporary folder any more


def key_of(content: object) -> str:
    """SHA-256 (first 32 hex digits) of the canonical JSON of plain data."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Store:
    """A folder of finished cells that several runs may share.

    Raises:
        StoreError: the folder cannot be written, or was written by a newer version of assay.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        marker = self.root / "store.json"
        with clear_errors(self.root):
            if marker.exists():
                _check_format(marker)
            else:
                self.root.mkdir(parents=True, exist_ok=True)
                self._replace(marker, to_json({"format": FORMAT}))
            if not os.access(self.root, os.W_OK):
                raise PermissionError(errno.EACCES, "not writable")
            self._sweep()

    def _sweep(self) -> None:
        """Remove what runs that were killed while they wrote left behind; what is younger may still be written."""
        for kind in ("models", "evaluations", "pieces"):
            for folder in (self.root / kind).glob(".*-*"):
                with contextlib.suppress(FileNotFoundError):  # another run has just put it in its place
                    if time.time() - folder.stat().st_mtime > ABANDONED:
                        shutil.rmtree(folder, ignore_errors=True)
        for piece in (self.root / "pieces").glob("[!.]*-*"):
            if self.has("evaluations", piece.name.split("-")[0]):
                shutil.rmtree(piece, ignore_errors=True)

    def has(self, kind: str, key: str) -> bool:
        """Whether a cell of that kind ("models", "evaluations") is finished."""
        return (self.root / kind / key / CHECKSUMS).exists()

    def write(self, kind: str, key: str, files: Mapping[str, bytes]) -> None:
        """Write a finished cell at once; if another run was faster, its cell stays.

        Raises:
            StoreError: the disk is full or the folder cannot be written; nothing half-written stays.
        """
        parent = self.root / kind
        with clear_errors(self.root):
            parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=parent))
            try:
                temporary.chmod(0o755)  # mkdtemp shuts everyone else out
                for name, content in files.items():
                    _write_through(temporary / name, content)
                _write_through(temporary / CHECKSUMS, to_json({name: _sha(content) for name, content in files.items()}))
                self._place(temporary, kind, key)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            (self.root / "failures" / f"{key}.json").unlink(missing_ok=True)

    def _place(self, temporary: Path, kind: str, key: str) -> None:
        folder = self.root / kind / key
        if not self.has(kind, key):
            shutil.rmtree(folder, ignore_errors=True)  # a folder without checksums is no finished cell
        try:
            temporary.rename(folder)
        except OSError:  # a folder with content is never replaced: it is another run's
            if not self.has(kind, key):
                raise

    def damaged(self, kind: str, key: str) -> bool:
        """Whether a file of a finished cell is missing, or differs from its checksum."""
        folder = self.root / kind / key
        try:
            for name in json.loads((folder / CHECKSUMS).read_text()):
                self.read(kind, key, name)
        except (StoreError, OSError, ValueError, TypeError, RecursionError):
            return True
        return False

    def holds(self, kind: str, key: str, name: str) -> bool:
        """Whether a finished cell has a file of that name."""
        return (self.root / kind / key / name).exists()

    def discard(self, kind: str, key: str) -> None:
        """Remove a cell, so that it is computed anew."""
        with clear_errors(self.root):
            shutil.rmtree(self.root / kind / key)

    def read(self, kind: str, key: str, name: str) -> bytes:
        """Read one file of a finished cell.

        Raises:
            StoreError: the file is missing, or altered since it was written.
        """
        folder = self.root / kind / key
        try:
            content = (folder / name).read_bytes()
            wanted = json.loads((folder / CHECKSUMS).read_text())[name]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(f"{folder / name}: cannot be read; {_remedy(folder)}") from error
        if _sha(content) != wanted:
            raise StoreError(f"{folder / name}: was cut or altered since it was written; {_remedy(folder)}")
        return content

    def read_json(self, kind: str, key: str, name: str) -> Any:
        """Read a JSON file of a finished cell; errors as `read`."""
        content = self.read(kind, key, name)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            folder = self.root / kind / key
            raise StoreError(f"{folder / name}: is no JSON; {_remedy(folder)}") from error

    def read_observations(self, key: str) -> Observations:
        """Read the observations of a finished evaluation; errors as `read`."""
        return unpack(self.read("evaluations", key, "observations.safetensors"))

    def keep_piece(self, key: str, name: str, content: bytes) -> None:
        """Keep a piece of an evaluation that is not finished; errors as `write`."""
        self.write("pieces", f"{key}-{name}", {PIECE: content})

    def pieces(self, key: str) -> dict[str, bytes]:
        """The pieces kept of an unfinished evaluation, by name; a damaged one is left out, and removed."""
        found = {}
        for folder in sorted((self.root / "pieces").glob(f"{key}-*")):
            try:
                found[folder.name.removeprefix(f"{key}-")] = self.read("pieces", folder.name, PIECE)
            except StoreError:
                self.discard("pieces", folder.name)
        return found

    def drop_pieces(self, key: str) -> None:
        """Remove the pieces of an evaluation, once it is finished."""
        for folder in (self.root / "pieces").glob(f"{key}-*"):
            self.discard("pieces", folder.name)

    def fail(self, key: str, reason: str) -> None:
        """Note why a cell failed; writing the cell later takes the note away."""
        with clear_errors(self.root):
            (self.root / "failures").mkdir(exist_ok=True)
            self._replace(self.root / "failures" / f"{key}.json", to_json({"reason": reason}))

    def failure(self, key: str) -> str | None:
        """The reason why the cell failed last, or None."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads((self.root / "failures" / f"{key}.json").read_text())["reason"])
        return None

    def write_study(self, name: str, content: Mapping[str, Any]) -> Path:
        """Write a study's plan; returns the study's folder."""
        folder = self.root / name
        with clear_errors(self.root):
            folder.mkdir(exist_ok=True)
            self._replace(folder / "study.json", to_json({"format": FORMAT, **content}))
        return folder

    def read_study(self, name: str) -> dict[str, Any]:
        """Read a study's plan.

        Raises:
            StoreError: there is none, it is damaged, or a newer version wrote it.
        """
        path = self.root / name / "study.json"
        if not path.exists():
            raise StoreError(f"{path}: not found; run that study first, with --out {self.root}")
        _check_format(path)
        plan: dict[str, Any] = json.loads(path.read_text())
        return plan

    @contextlib.contextmanager
    def claim(self, key: str) -> Iterator[bool]:
        """Claim a cell for this process; False where another run is computing it. A killed process's claim ends."""
        path = self.root / "claims" / key
        with contextlib.ExitStack() as stack:
            with clear_errors(self.root):
                path.parent.mkdir(exist_ok=True)
                handle = stack.enter_context(path.open("w"))
                mine = _lock(handle, path)
            yield mine
            if mine:
                path.unlink(missing_ok=True)

    def _replace(self, path: Path, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)


def finished(root: Path | str, cells: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The keys of those cells, given as (kind, key), that are finished in a store; nothing is created or changed.

    Raises:
        StoreError: the folder cannot be read, or was written by a newer version of assay.
    """
    root = Path(root)
    marker = root / "store.json"
    try:
        if not marker.exists():
            return frozenset()
        _check_format(marker)
        return frozenset(key for kind, key in cells if (root / kind / key / CHECKSUMS).exists())
    except OSError as error:
        raise StoreError(
            f"{root}: cannot be read ({error.strerror or error}); choose another folder with --out"
        ) from error


def pack(observations: Observations) -> bytes:
    """Observations as safetensors; their notes are its metadata."""
    return save_tensors(_separate(observations.tensors), metadata={NOTES: json.dumps(observations.notes)})


def unpack(content: bytes) -> Observations:
    """The reverse of `pack`.

    Raises:
        StoreError: the content is no such file.
    """
    tensors = _load(content, "observations")
    try:
        size = int.from_bytes(content[:8], "little")  # the header's, which `_load` has checked
        notes = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][NOTES])
    except (ValueError, KeyError, RecursionError) as error:
        raise StoreError("observations: the notes cannot be read; delete them and run again") from error
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise StoreError("observations: expected notes by name; delete them and run again")
    return Observations(tensors=tensors, notes=notes)


def pack_weights(state: Mapping[str, Tensor]) -> bytes:
    """A model's state as safetensors."""
    return save_tensors(_separate(state))


def unpack_weights(content: bytes) -> dict[str, Tensor]:
    """The reverse of `pack_weights`.

    Raises:
        StoreError: the content is no such file.
    """
    return _load(content, "weights")


def _separate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU: safetensors refuses tensors that share memory, as views and tied weights do."""
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }


def _load(content: bytes, what: str) -> dict[str, Tensor]:
    try:
        return load_tensors(content)
    except (SafetensorError, ValueError, KeyError) as error:  # KeyError: a type that torch has not
        raise StoreError(f"{what}: cannot be read ({error}); delete them and run again") from error


def to_json(content: object) -> bytes:
    """Plain data as indented JSON.

    Raises:
        ValueError: the content holds NaN or infinity, which JSON has not.
    """
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remedy(folder: Path) -> str:
    return f"delete the folder {folder} and run the same command again: only this cell is computed anew"


def _check_format(path: Path) -> None:
    try:
        found = json.loads(path.read_text())["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: is damaged; choose another folder with --out, or restore this file") from error
    if found != FORMAT:
        raise StoreError(
            f"{path}: has format {found}, written by a newer assay; this one reads format {FORMAT}: "
            "upgrade assay, or choose another folder with --out"
        )


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
