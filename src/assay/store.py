"""The store: one directory per finished cell, named by the hash of what determines its numbers.

    ROOT/store.json                      the format of the store
    ROOT/models/KEY/                     model.safetensors, cell.json
    ROOT/evaluations/KEY/                observations.safetensors, draws.safetensors, measurements.json,
                                         cell.json
    ROOT/pieces/KEY-NAME-STAMP/                tensors.safetensors, of an evaluation that is not finished
    ROOT/failures/KEY.json               the last reason why a cell failed
    ROOT/claims/KEY                      locked by the process that computes the cell; names it
    ROOT/STUDY/                          study.json, report.html, table.csv, table.json

Where it lies is a place (`assay.places`): a folder, in which directories are written to a temporary sibling and
renamed, or any address that fsspec knows, in which a cell's files are written first and its checksums last. Either way
a killed run loses the cell it was in and nothing else. Each cell holds checksums of its files. Nothing that is read can
run code: safetensors and JSON alone (`assay.packing`).
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from assay.errors import DamagedCellError, StoreError
from assay.evaluations.base import Observations
from assay.packing import to_json, unpack
from assay.places import Holder, Local, Place, place_at
from assay.places.base import TEMPORARY

FORMAT = 1
MARKER = "store.json"
CHECKSUMS = "checksums.json"
PLAN = "study.json"
CELLS = ("models", "evaluations")
ROOMS = (*CELLS, "pieces", "failures", "claims")  # no study is called so
PIECE = "tensors.safetensors"
SHA256 = re.compile("[0-9a-f]{64}")
ABANDONED = 3600  # seconds after which nobody writes a temporary folder any more


def key_of(content: object) -> str:
    """SHA-256 (first 32 hex digits) of the canonical JSON of plain data."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Store:
    """Finished cells in a place that several runs may share.

    Args:
        root: a folder, or another address: "memory://name", "s3://bucket/folder" ...
        look: only look at a store, which must be there: nothing is created, swept away or changed.

    Raises:
        StoreError: the place cannot be written, or was written by a newer version of assay; or there is no store to
            `look` at.
    """

    def __init__(self, root: Path | str, *, look: bool = False) -> None:
        self.place: Place = place_at(root)
        with self.place.errors():
            if self.place.exists(MARKER):
                _check_format(self.place, MARKER)
            elif look:
                raise StoreError(
                    f"{self.place.address}: holds no store; name a folder or address that a run has written to"
                )
            if look:
                return
            self.place.prepare()
            if not self.place.exists(MARKER):
                self.place.write(MARKER, to_json({"format": FORMAT}))
            self._sweep()

    @property
    def root(self) -> Path:
        """The folder of a store on this machine.

        Raises:
            StoreError: it is elsewhere.
        """
        if not isinstance(self.place, Local):
            raise StoreError(f"{self.place.address}: is no folder of this machine")
        return self.place.root

    @property
    def out(self) -> Path | str:
        """What `--out` says: the folder, or the address of a store elsewhere."""
        return self.place.root if isinstance(self.place, Local) else self.place.address

    def _sweep(self) -> None:
        """Remove what runs that were killed while they wrote left behind; what is younger may still be written."""
        for kind in (*CELLS, "pieces"):
            for name in self.place.names(kind):
                if name.startswith(TEMPORARY) and abandoned(self.place, f"{kind}/{name}"):
                    self.place.remove(f"{kind}/{name}")
        for name in self.place.names("pieces"):
            if not name.startswith(TEMPORARY) and self.has("evaluations", name.split("-")[0]):
                self.place.remove(f"pieces/{name}")

    def has(self, kind: str, key: str) -> bool:
        """Whether a cell of that kind ("models", "evaluations") is finished."""
        return self.place.exists(f"{kind}/{key}/{CHECKSUMS}")

    def finished(self, kind: str) -> frozenset[str]:
        """The keys of all finished cells of a kind, found in one pass."""
        ends = (file.path.split("/") for file in self.place.files(kind))
        return frozenset(end[1] for end in ends if end[2:] == [CHECKSUMS] and not end[1].startswith(TEMPORARY))

    def write(self, kind: str, key: str, files: Mapping[str, bytes]) -> None:
        """Write a finished cell at once; if another run was faster, its cell stays.

        Raises:
            StoreError: the disk is full or the place cannot be written; nothing half-written passes for a cell.
        """
        with self.place.errors():
            checksums = to_json({name: _sha(content) for name, content in files.items()})
            self.place.add(f"{kind}/{key}", {**files, CHECKSUMS: checksums}, CHECKSUMS)
            self.place.remove(f"failures/{key}.json")

    def checksums(self, kind: str, key: str) -> dict[str, str]:
        """The checksums of a finished cell's files, by name.

        Raises:
            DamagedCellError: the cell is not there, or its checksums cannot be read.
        """
        folder = f"{kind}/{key}"
        try:
            found = json.loads(self._content(folder, CHECKSUMS))
            sound = all(_is_name(name) and SHA256.fullmatch(value) for name, value in found.items())
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise DamagedCellError(
                f"{self._shown(folder, CHECKSUMS)}: cannot be read; {self._remedy(folder)}"
            ) from error
        if not sound:
            raise DamagedCellError(f"{self._shown(folder, CHECKSUMS)}: is damaged; {self._remedy(folder)}")
        return dict(found)

    def damaged(self, kind: str, key: str) -> bool:
        """Whether a file of a finished cell is missing, or differs from its checksum."""
        try:
            self.contents(kind, key)
        except DamagedCellError:
            return True
        return False

    def contents(self, kind: str, key: str) -> dict[str, bytes]:
        """All files of a finished cell, held against their checksums; errors as `read`."""
        return {name: self._checked(f"{kind}/{key}", name, sha) for name, sha in self.checksums(kind, key).items()}

    def discard(self, kind: str, key: str) -> None:
        """Remove a cell, so that it is computed anew; it is no cell any more as soon as this begins."""
        with self.place.errors():
            self.place.remove(f"{kind}/{key}/{CHECKSUMS}")
            self.place.remove(f"{kind}/{key}")

    def read(self, kind: str, key: str, name: str) -> bytes:
        """Read one file of a finished cell.

        Raises:
            DamagedCellError: the file is missing, or altered since it was written.
        """
        content = self.find(kind, key, name)
        if content is None:
            folder = f"{kind}/{key}"
            raise DamagedCellError(f"{self._shown(folder, name)}: cannot be read; {self._remedy(folder)}")
        return content

    def find(self, kind: str, key: str, name: str) -> bytes | None:
        """As `read`, or None where the finished cell has no file of that name."""
        wanted = self.checksums(kind, key)
        return self._checked(f"{kind}/{key}", name, wanted[name]) if name in wanted else None

    def _checked(self, folder: str, name: str, wanted: str) -> bytes:
        path = self.place.named(name, wanted)
        content = self._content(folder, path)
        if _sha(content) != wanted:
            why = "was cut or altered since it was written"
            raise DamagedCellError(f"{self._shown(folder, path)}: {why}; {self._remedy(folder)}")
        return content

    def _content(self, folder: str, path: str) -> bytes:
        """A file of a cell. Only what is not there is damage: what a disk cannot read now, it may read again."""
        try:
            return self.place.read(f"{folder}/{path}")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise DamagedCellError(f"{self._shown(folder, path)}: cannot be read; {self._remedy(folder)}") from error
        except OSError as error:
            raise StoreError(
                f"{self._shown(folder, path)}: cannot be read now ({error.strerror or error}); nothing was changed: "
                "see to the disk, then run the same command again"
            ) from error

    def _shown(self, folder: str, name: str) -> str:
        return self.place.shown(f"{folder}/{name}")

    def _remedy(self, folder: str) -> str:
        where = self.place.shown(folder)
        return f"delete the folder {where} and run the same command again: only this cell is computed anew"

    def read_json(self, kind: str, key: str, name: str) -> Any:
        """Read a JSON file of a finished cell; errors as `read`."""
        content = self.read(kind, key, name)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            folder = f"{kind}/{key}"
            raise DamagedCellError(f"{self._shown(folder, name)}: is no JSON; {self._remedy(folder)}") from error

    def read_observations(self, key: str) -> Observations:
        """Read the observations of a finished evaluation; errors as `read`."""
        return unpack(self.read("evaluations", key, "observations.safetensors"))

    def keep_piece(self, key: str, name: str, content: bytes) -> None:
        """Keep a piece of an evaluation that is not finished; errors as `write`."""
        self.write("pieces", f"{key}-{name}", {PIECE: content})

    def pieces(self, key: str) -> dict[str, bytes]:
        """The pieces kept of an unfinished evaluation, by name; a damaged one is left out, and removed."""
        found = {}
        for name in self._pieces(key):
            try:
                found[name.removeprefix(f"{key}-")] = self.read("pieces", name, PIECE)
            except DamagedCellError:
                self.discard("pieces", name)
        return found

    def drop_pieces(self, key: str) -> None:
        """Remove the pieces of an evaluation, once it is finished."""
        for name in self._pieces(key):
            self.discard("pieces", name)

    def _pieces(self, key: str) -> list[str]:
        return [name for name in self.place.names("pieces") if name.startswith(f"{key}-")]

    def fail(self, key: str, reason: str) -> None:
        """Note why a cell failed; writing the cell later takes the note away."""
        with self.place.errors():
            self.place.write(f"failures/{key}.json", to_json({"reason": reason}))

    def failure(self, key: str) -> str | None:
        """The reason why the cell failed last, or None."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(self.place.read(f"failures/{key}.json"))["reason"])
        return None

    def write_study(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a study's plan."""
        with self.place.errors():
            self.place.write(f"{name}/{PLAN}", to_json({"format": FORMAT, **content}))

    def studies(self) -> list[str]:
        """Sorted names of the studies whose plans are here."""
        return studies_at(self.out)

    def read_study(self, name: str) -> dict[str, Any]:
        """Read a study's plan.

        Raises:
            StoreError: there is none, it is damaged, or a newer version wrote it.
        """
        path = f"{name}/{PLAN}"
        if not self.place.exists(path):
            raise StoreError(f"{self.place.shown(path)}: not found; run that study first, with --out {self.out}")
        return _check_format(self.place, path, "run that study again, which writes it anew and keeps its cells")

    def former_study(self, name: str) -> dict[str, Any]:
        """The plan that a new one goes on from; {} where there is none, or a damaged one, which is written anew.

        Raises:
            StoreError: it is there and cannot be read now: who wrote over it would forget what it names.
        """
        path = f"{name}/{PLAN}"
        with self.place.errors():
            content = self.place.read(path) if self.place.exists(path) else b""
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(content)
            return found if isinstance(found, dict) else {}
        return {}

    def claim(self, key: str) -> AbstractContextManager[bool]:
        """Claim a cell for this process; False where another run is computing it. A killed process's claim ends."""
        return self.place.claim(f"claims/{key}")

    def claimed(self, key: str) -> bool:
        """Whether a run has claimed the cell now."""
        return self.place.claimed(f"claims/{key}")

    def name_worker(self, key: str, worker: str) -> None:
        """Say which process computes a cell that we have claimed, "host:pid"."""
        self.place.name_worker(f"claims/{key}", worker)

    def holder(self, key: str) -> Holder | None:
        """Who has claimed the cell now; None where nobody has."""
        return self.place.holder(f"claims/{key}")


def finished(root: Path | str, cells: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The keys of those cells, given as (kind, key), that are finished in a store; nothing is created or changed.

    Raises:
        StoreError: the store cannot be read, or was written by a newer version of assay.
    """
    place = place_at(root)
    with place.errors():
        if not place.exists(MARKER):
            return frozenset()
    store = Store(root, look=True)
    there = {kind: store.finished(kind) for kind in CELLS}
    return frozenset(key for kind, key in cells if key in there[kind])


def studies_at(root: Path | str) -> list[str]:
    """Sorted names of the studies whose plans are in a store, if there is one; nothing is created or changed.

    Raises:
        StoreError: the store cannot be read.
    """
    place = place_at(root)
    with place.errors():
        names = (name for name in place.names("") if name not in ROOMS and not name.startswith(TEMPORARY))
        return [name for name in names if place.exists(f"{name}/{PLAN}")]


def abandoned(place: Place, path: str) -> bool:
    """Whether a file or folder was written to so long ago that nobody does any more; never where no place tells."""
    age = place.age(path)
    return age is not None and age > ABANDONED


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_name(name: str) -> bool:
    """Whether a name is of a file in the cell's own folder, and leads nowhere else."""
    return "/" not in name and not name.startswith(".")


def _check_format(
    place: Place, path: str, remedy: str = "choose another folder with --out, or restore this file"
) -> dict[str, Any]:
    """The JSON of a file that says its format.

    Raises:
        StoreError: it is damaged, or of another format.
    """
    shown = place.shown(path)
    try:
        content: dict[str, Any] = json.loads(place.read(path))
        found = content["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(f"{shown}: is damaged; {remedy}") from error
    if found != FORMAT:
        raise StoreError(
            f"{shown}: has format {found}, written by a newer assay; this one reads format {FORMAT}: "
            "upgrade assay, or choose another folder with --out"
        )
    return content
