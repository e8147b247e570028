"""What is in a store: its studies, how far each is, and how much room everything takes. No file of a cell is read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from assay.places.base import TEMPORARY
from assay.store import CELLS, Store
from assay.upkeep.census import Folder, Named, census, studies_of, unnamed


class Amount(NamedTuple):
    """How many, and how many bytes."""

    number: int
    size: int


@dataclass(frozen=True, kw_only=True)
class StudyCount:
    """How far a study is: how many of the cells that it names are finished, have failed, or wait to be computed.

    Cells are counted once; studies that share cells both count them. `problem` says why the plan cannot be read, or "".
    """

    name: str
    finished: int = 0
    failed: int = 0
    waiting: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What is in a store.

    Attributes:
        studies: by name.
        amounts: of "models", "evaluations", "pieces" of unfinished evaluations, and "failures".
        unnamed: finished cells that no study names; they are among the models and evaluations too.
        unfinished: folders of what is being written now, or was when a run was killed.
    """

    studies: tuple[StudyCount, ...]
    amounts: dict[str, Amount]
    unnamed: Amount
    unfinished: Amount


def list_store(out: Path | str) -> Listing:
    """List a store; nothing is changed, and no checksum is verified.

    Args:
        out: the store's folder or address.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    store = Store(out, look=True)
    found, studies = census(store), studies_of(store)
    begun = [folder for kind in CELLS for folder in found[kind].values() if not folder.finished]
    return Listing(
        studies=tuple(_count(study, found) for study in studies),
        amounts={
            **{kind: _amount(folder for folder in found[kind].values() if folder.finished) for kind in CELLS},
            **{
                kind: _amount(folder for name, folder in found[kind].items() if not name.startswith(TEMPORARY))
                for kind in ("pieces", "failures")
            },
        },
        unnamed=_amount(found[kind][key] for kind, key in unnamed(store, found, studies)),
        unfinished=_amount(begun),
    )


def _amount(folders: Iterable[Folder]) -> Amount:
    sizes = [folder.size for folder in folders]
    return Amount(len(sizes), sum(sizes))


def _count(study: Named, found: dict[str, dict[str, Folder]]) -> StudyCount:
    states = Counter(_state(kind, key, found) for kind, key in study.cells)
    return StudyCount(name=study.study, problem=study.problem, **states)


def _state(kind: str, key: str, found: dict[str, dict[str, Folder]]) -> str:
    folder = found[kind].get(key)
    if folder is not None and folder.finished:
        return "finished"
    return "failed" if f"{key}.json" in found["failures"] else "waiting"
