"""One look at all that a store holds, without reading the cells, and what its studies name."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from assay.errors import DamagedCellError, StoreError
from assay.named import NamedCell, cells_of, earlier_cells_of
from assay.places.base import TEMPORARY
from assay.store import CELLS, CHECKSUMS, ROOMS, Store

Progress = Callable[[int, int], None]  # done, of how many
Cell = tuple[str, str]  # kind and key


def ignore(done: int, total: int) -> None:
    """Show no progress."""


@dataclass(kw_only=True)
class Folder:
    """What stands under one name in a room: a cell's folder, or a note."""

    size: int = 0
    finished: bool = False


@dataclass(frozen=True, kw_only=True)
class Named:
    """What one study names.

    Attributes:
        study: the study's folder in the store.
        cells: its cells with what they are, such as ("pgd(eps=0.3, steps=40), seed 0, training").
        earlier: cells that former runs with other options named, such as of other seeds.
        problem: why the plan cannot be read, in a sentence, or "".
    """

    study: str
    cells: dict[Cell, str] = field(default_factory=dict)
    earlier: dict[Cell, str] = field(default_factory=dict)
    problem: str = ""


def census(store: Store, rooms: Iterable[str] = ROOMS) -> dict[str, dict[str, Folder]]:
    """All that stands in the rooms of a store, by room and name, in one pass."""
    found: dict[str, dict[str, Folder]] = {room: {} for room in rooms}
    for room, folders in found.items():
        with store.place.errors():
            for file in store.place.files(room):
                _, name, *rest = file.path.split("/")
                folder = folders.setdefault(name, Folder())
                folder.size += file.size
                folder.finished |= rest == [CHECKSUMS] and not name.startswith(TEMPORARY)
    return found


def studies_of(store: Store) -> list[Named]:
    """What every study of a store names; a plan that cannot be read has its problem instead."""
    return [_named(store, name) for name in store.studies()]


def _named(store: Store, name: str) -> Named:
    try:
        plan = store.read_study(name)
        return Named(study=name, cells=_titles(cells_of(plan)), earlier=_titles(earlier_cells_of(plan)))
    except StoreError as error:
        return Named(study=name, problem=str(error))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        path = store.place.shown(f"{name}/study.json")
        return Named(study=name, problem=f"{path}: is damaged ({error!r}); run the study again, which keeps its cells")


def _titles(cells: Iterable[NamedCell]) -> dict[Cell, str]:
    return {(cell.kind, cell.key): cell.title for cell in cells}


def unnamed(store: Store, found: dict[str, dict[str, Folder]], studies: list[Named]) -> list[Cell]:
    """Finished cells that no study names, nor a named model's training starts from."""
    named = {cell for study in studies for cell in study.cells.keys() | study.earlier.keys()}
    there = {(kind, key) for kind in CELLS for key, folder in found[kind].items() if folder.finished}
    left = there - named
    if any(kind == "models" for kind, _ in left):  # plans of older versions do not name what a tuning starts from
        left -= _starts(store, {key for kind, key in there & named if kind == "models"})
    return sorted(left)


def _starts(store: Store, models: set[str]) -> set[Cell]:
    """The models that the trainings of these models start from, and those that they start from in turn."""
    todo, seen = list(models), set(models)
    while todo:
        with contextlib.suppress(DamagedCellError):  # it is computed anew, and so is its start where that is gone
            more = set(store.read_json("models", todo.pop(), "cell.json").get("start", [])) - seen
            todo += more
            seen |= more
    return {("models", key) for key in seen - models}


def refuse_unreadable(store: Store, studies: list[Named]) -> None:
    """Refuse to go on where a plan cannot be read: what it names would be taken for what nobody needs.

    Raises:
        StoreError: so it is.
    """
    for study in studies:
        if study.problem:
            raise StoreError(
                f"{store.out}: what {study.study} names cannot be told ({study.problem}); "
                "mend or remove that study first"
            )
