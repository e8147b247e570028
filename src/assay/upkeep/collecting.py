"""What nobody needs any more in a store, and removing it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.places.base import TEMPORARY
from assay.store import CELLS, CHECKSUMS, MARKER, ROOMS, Store, abandoned
from assay.upkeep.census import Folder, Named, Progress, census, ignore, refuse_unreadable, studies_of, unnamed
from assay.upkeep.claims import ended

Found = dict[str, dict[str, Folder]]
UNFINISHED = "begun and never finished"


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """Something that nobody needs any more.

    Attributes:
        path: where it is in the store, such as "models/KEY".
        why: in a few words.
        size: bytes.
        key: the cell that it belongs to, which nobody may have claimed where it is removed; "" of temporaries.
    """

    path: str
    why: str
    size: int
    key: str = ""


def find_garbage(out: Path | str) -> tuple[Garbage, ...]:
    """Find what nobody needs any more; nothing is changed.

    These are finished cells that no study of this store names; cells, pieces and temporary files that were begun over
    an hour ago and never finished; pieces of finished evaluations, and of such as no study names; notes about failures
    of finished cells, and of such as no study names; claims that have ended. What a running driver has claimed is not
    among them.

    Raises:
        StoreError: there is no store, it cannot be read, or a study's plan cannot, so that it is unknown what it names.
    """
    store = Store(out, look=True)
    return tuple(_needless(store))


def collect(out: Path | str, *, progress: Progress = ignore) -> tuple[Garbage, ...]:
    """Remove what `find_garbage` finds now, and return what was removed.

    Each cell is claimed while it is removed; a claim elsewhere that a killed run left counts as ended after an hour.
    Do it while no run begins: one that has just found a cell, and whose study is not named yet, would compute it anew.

    Raises:
        StoreError: as `find_garbage`, or the store cannot be written.
    """
    garbage, store, removed = find_garbage(out), Store(out), []
    for done, item in enumerate(garbage):
        progress(done, len(garbage))
        if item.key:
            with store.claim(item.key) as mine:
                if not mine and not ended(store, item.key):
                    continue
                if item.why == UNFINISHED and store.place.exists(f"{item.path}/{CHECKSUMS}"):
                    continue  # a run has finished it meanwhile
                if not (mine and item.path == f"claims/{item.key}"):  # which goes as it is let go
                    _remove(store, item.path)
        else:
            _remove(store, item.path)
        removed.append(item)
    progress(len(garbage), len(garbage))
    return tuple(removed)


def _remove(store: Store, path: str) -> None:
    kind, _, name = path.partition("/")
    with store.place.errors():
        if kind in ROOMS and store.place.exists(f"{path}/{CHECKSUMS}"):
            store.discard(kind, name)
        else:
            store.place.remove(path)


def _needless(store: Store) -> Iterator[Garbage]:
    found, studies = census(store), studies_of(store)
    refuse_unreadable(store, studies)
    for kind, key in unnamed(store, found, studies):
        if not store.claimed(key):
            yield Garbage(path=f"{kind}/{key}", why="no study names it", size=found[kind][key].size, key=key)
    yield from _begun(store, found)
    yield from _pieces(store, found, studies)
    yield from _notes(store, found, studies)
    for key, folder in found["claims"].items():
        if not store.claimed(key):
            yield Garbage(path=f"claims/{key}", why="a claim that has ended", size=folder.size, key=key)
    yield from _temporaries(store, studies)


def _begun(store: Store, found: Found) -> Iterator[Garbage]:
    for kind in (*CELLS, "pieces", "failures"):
        for name, folder in found[kind].items():
            if folder.finished or (kind == "failures" and not name.startswith(TEMPORARY)):
                continue
            key = "" if name.startswith(TEMPORARY) else name.split("-")[0]
            path = f"{kind}/{name}"
            if abandoned(store.place, path) and not (key and store.claimed(key)):
                yield Garbage(path=path, why=UNFINISHED, size=folder.size, key=key)


def _pieces(store: Store, found: Found, studies: list[Named]) -> Iterator[Garbage]:
    named = {key for study in studies for _, key in study.cells.keys() | study.earlier.keys()}
    for name, folder in found["pieces"].items():
        key = name.split("-")[0]
        done = key in found["evaluations"] and found["evaluations"][key].finished
        if folder.finished and (done or key not in named) and not store.claimed(key):
            why = "its evaluation is finished" if done else "no study names it"
            yield Garbage(path=f"pieces/{name}", why=why, size=folder.size, key=key)


def _notes(store: Store, found: Found, studies: list[Named]) -> Iterator[Garbage]:
    named = {key for study in studies for _, key in study.cells.keys() | study.earlier.keys()}
    for name, folder in found["failures"].items():
        key = name.removesuffix(".json")
        if name.startswith(TEMPORARY):
            continue
        done = any(key in found[kind] and found[kind][key].finished for kind in CELLS)
        if (done or key not in named) and not store.claimed(key):
            why = "its cell is finished" if done else "no study names it"
            yield Garbage(path=f"failures/{name}", why=why, size=folder.size, key=key)


def _temporaries(store: Store, studies: list[Named]) -> Iterator[Garbage]:
    """Of the store's marker, plans and pages."""
    for name in store.place.names(""):
        if name.startswith(f"{TEMPORARY}{MARKER}") and abandoned(store.place, name):
            yield Garbage(path=name, why=UNFINISHED, size=0)
    for study in studies:
        for file in store.place.files(study.study):
            name = file.path.split("/", 1)[1]
            if name.startswith(TEMPORARY) and abandoned(store.place, file.path):
                yield Garbage(path=file.path, why=UNFINISHED, size=file.size)
