"""Whether every file of a store is as it was written: each is held against its checksum."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.places.base import TEMPORARY
from assay.store import CELLS, Store
from assay.upkeep.census import Named, Progress, census, ignore, studies_of
from assay.upkeep.claims import ended

KINDS = (*CELLS, "pieces")


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A cell that is no more as it was written.

    Attributes:
        kind: "models", "evaluations", "pieces", or "study" for a study's plan.
        key: the cell's, or the study's name.
        what: "damaged", "half-written", or the sentence about a plan.
        whose: the studies that name it, and what it is in the first of them; "" where none is known.
    """

    kind: str
    key: str
    what: str
    whose: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What verifying a store has found.

    Attributes:
        checked: how many cells and pieces were held against their checksums.
        damage: what is damaged or half-written among them.
        unfinished: how many more are being written, or were when a run was killed; nobody takes them for cells.
    """

    checked: int
    damage: tuple[Damage, ...]
    unfinished: int = 0


def verify(out: Path | str, *, progress: Progress = ignore) -> Verdict:
    """Hold every file of every cell and piece against its checksum; nothing is changed.

    A cell without checksums is half-written, unless a run has claimed it: then it is being written.

    Args:
        out: the store's folder or address.
        progress: called with the number of checked cells and of all.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    store = Store(out, look=True)
    found, studies = census(store), studies_of(store)
    folders = [
        (kind, name, folder.finished)
        for kind in KINDS
        for name, folder in sorted(found[kind].items())
        if not name.startswith(TEMPORARY)
    ]
    damage = [Damage(kind="study", key=study.study, what=study.problem, whose="") for study in studies if study.problem]
    for done, (kind, name, finished) in enumerate(folders):
        progress(done, len(folders))
        what = _what(store, kind, name, finished=finished)
        if what:
            damage.append(Damage(kind=kind, key=name, what=what, whose=whose(studies, kind, name)))
    progress(len(folders), len(folders))
    unfinished = sum(name.startswith(TEMPORARY) for kind in KINDS for name in found[kind])
    return Verdict(checked=len(folders), damage=tuple(damage), unfinished=unfinished)


def _what(store: Store, kind: str, name: str, *, finished: bool) -> str:
    if finished:
        if not store.damaged(kind, name) or not store.has(kind, name):  # what is gone by now was removed, not damaged
            return ""
        return "damaged"
    return "" if store.claimed(_owner(name)) or store.has(kind, name) else "half-written"


def _owner(name: str) -> str:
    """The key under which a cell or a piece is claimed."""
    return name.split("-")[0]


def whose(studies: Sequence[Named], kind: str, name: str) -> str:
    """Which studies name a cell, and what it is: "quickstart: baseline, seed 0, training"."""
    cell = ("evaluations", _owner(name)) if kind == "pieces" else (kind, name)
    naming = [study for study in studies if cell in study.cells or cell in study.earlier]
    if not naming:
        return ""
    others = f" (and in {', '.join(study.study for study in naming[1:])})" if naming[1:] else ""
    return f"{naming[0].study}: {(naming[0].earlier | naming[0].cells)[cell]}{others}"


def repair(out: Path | str, verdict: Verdict) -> tuple[Damage, ...]:
    """Discard what is damaged, so that the next run computes it anew; return what was discarded.

    What a running driver has claimed stays, and so do plans, which the next run of their studies writes anew.

    Raises:
        StoreError: the store cannot be written.
    """
    store = Store(out)
    discarded = []
    for item in verdict.damage:
        if item.kind == "study":
            continue
        with store.claim(_owner(item.key)) as mine:
            free = mine or ended(store, _owner(item.key))
            if free and store.damaged(item.kind, item.key):  # a run may have mended it meanwhile
                store.discard(item.kind, item.key)
                discarded.append(item)
    return tuple(discarded)
