"""The store: one directory per finished cell, named by the hash of what determines its numbers.

    ROOT/store.json                      the format of the store
    ROOT/models/KEY/                     model.safetensors, cell.json
    ROOT/evaluations/KEY/                observations.safetensors, measurements.json, cell.json
    ROOT/failures/KEY.json               the last reason why a cell failed
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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from assay.errors import StoreError
from assay.evaluations.base import Observations

FORMAT = 1
CHECKSUMS = "checksums.json"
NOTES = "notes"


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
        with _clear_errors(self.root):
            if marker.exists():
                _check_format(marker)
            else:
                self.root.mkdir(parents=True, exist_ok=True)
                self._replace(marker, _json({"format": FORMAT}))
            if not os.access(self.root, os.W_OK):
                raise PermissionError(errno.EACCES, "not writable")

    def has(self, kind: str, key: str) -> bool:
        """Whether a cell of that kind ("models", "evaluations") is finished."""
        return (self.root / kind / key / CHECKSUMS).exists()

    def write(self, kind: str, key: str, files: Mapping[str, bytes]) -> None:
        """Write a finished cell at once; if another run was faster, its cell stays.

        Raises:
            StoreError: the disk is full or the folder cannot be written; nothing half-written stays.
        """
        parent = self.root / kind
        with _clear_errors(self.root):
            parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=parent))
            try:
                for name, content in files.items():
                    _write_through(temporary / name, content)
                _write_through(temporary / CHECKSUMS, _json({name: _sha(content) for name, content in files.items()}))
                if not self.has(kind, key):
                    shutil.rmtree(parent / key, ignore_errors=True)  # a folder without checksums is no finished cell
                    temporary.rename(parent / key)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            (self.root / "failures" / f"{key}.json").unlink(missing_ok=True)

    def read(self, kind: str, key: str, name: str) -> bytes:
        """Read one file of a finished cell.

        Raises:
            StoreError: the file is missing, or altered since it was written.
        """
        folder = self.root / kind / key
        try:
            content = (folder / name).read_bytes()
            wanted = json.loads((folder / CHECKSUMS).read_text())[name]
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(f"{folder / name}: cannot be read; {_remedy(folder)}") from error
        if _sha(content) != wanted:
            raise StoreError(f"{folder / name}: was cut or altered since it was written; {_remedy(folder)}")
        return content

    def read_json(self, kind: str, key: str, name: str) -> Any:
        """Read a JSON file of a finished cell; errors as `read`."""
        return json.loads(self.read(kind, key, name))

    def read_observations(self, key: str) -> Observations:
        """Read the observations of a finished evaluation; errors as `read`."""
        return unpack(self.read("evaluations", key, "observations.safetensors"))

    def fail(self, key: str, reason: str) -> None:
        """Note why a cell failed; writing the cell later takes the note away."""
        with _clear_errors(self.root):
            (self.root / "failures").mkdir(exist_ok=True)
            self._replace(self.root / "failures" / f"{key}.json", _json({"reason": reason}))

    def failure(self, key: str) -> str | None:
        """The reason why the cell failed last, or None."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            return str(json.loads((self.root / "failures" / f"{key}.json").read_text())["reason"])
        return None

    def write_study(self, name: str, content: Mapping[str, Any]) -> Path:
        """Write a study's plan; returns the study's folder."""
        folder = self.root / name
        with _clear_errors(self.root):
            folder.mkdir(exist_ok=True)
            self._replace(folder / "study.json", _json({"format": FORMAT, **content}))
        return folder

    def read_study(self, name: str) -> dict[str, Any]:
        """Read a study's plan.

        Raises:
            StoreError: there is none, it is damaged, or a newer version wrote it.
        """
        path = self.root / name / "study.json"
        if not path.exists():
            raise StoreError(f"{path}: not found; run `assay run {name} --out {self.root}` first")
        _check_format(path)
        plan: dict[str, Any] = json.loads(path.read_text())
        return plan

    @contextlib.contextmanager
    def claim(self, key: str) -> Iterator[bool]:
        """Claim a cell for this process; False where another run is computing it. A killed process's claim ends."""
        with _clear_errors(self.root):
            (self.root / "claims").mkdir(exist_ok=True)
            handle = (self.root / "claims" / key).open("w")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
                (self.root / "claims" / key).unlink(missing_ok=True)

    def _replace(self, path: Path, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)


def pack(observations: Observations) -> bytes:
    """Observations as safetensors; their notes are its metadata."""
    tensors = {name: tensor.contiguous() for name, tensor in observations.tensors.items()}
    return save_tensors(tensors, metadata={NOTES: json.dumps(observations.notes)})


def unpack(content: bytes) -> Observations:
    """The reverse of `pack`.

    Raises:
        StoreError: the content is no such file.
    """
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size])
        notes = json.loads(header.get("__metadata__", {}).get(NOTES, "{}"))
        return Observations(tensors=load_tensors(content), notes=notes)
    except (SafetensorError, ValueError) as error:
        raise StoreError(f"observations: cannot be read ({error}); delete them and run again") from error


def pack_weights(state: Mapping[str, Tensor]) -> bytes:
    """A model's state as safetensors."""
    return save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})


def unpack_weights(content: bytes) -> dict[str, Tensor]:
    """The reverse of `pack_weights`."""
    return load_tensors(content)


def to_json(content: object) -> bytes:
    """Plain data as indented JSON; NaN and infinity are refused, because JSON has none."""
    return _json(content)


def _json(content: object) -> bytes:
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


@contextlib.contextmanager
def _clear_errors(root: Path) -> Iterator[None]:
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
