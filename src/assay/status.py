"""How far a study is, told by its store alone: from another terminal or machine, while runs go on or after them.

A cell is finished where the store holds it; running where a run has claimed it; failed where its last attempt left a
reason; otherwise it waits. No cell is read: when one was finished is the age of its checksums, so that cells that were
copied by `assay store merge` count as finished then.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.each_class import folders_of
from assay.errors import StoreError
from assay.named import NamedCell, cells_of
from assay.places import Holder
from assay.places.base import TEMPORARY
from assay.run import folder_of, known_study
from assay.store import CELLS, CHECKSUMS, PLAN, Store
from assay.study import COSTS, FULL

STATES = ("finished", "running", "failed", "waiting")
HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class CellStatus:
    """How far a cell is.

    Attributes:
        key: in the store.
        recipe, seed: whose it is, see `NamedCell`.
        stage: "training", an evaluation's name, or "transfer".
        state: one of `STATES`.
        cost: a rough number of seconds on one core.
        age: seconds since it was finished; None where it is not, or the place does not tell.
        holder: who computes it, of a running one.
        reason: why it has failed, of a failed one.
    """

    key: str
    recipe: str
    seed: int | None
    stage: str
    state: str
    cost: float
    age: float | None = None
    holder: Holder | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far a study is, or of a study of each class, all its classes that have begun.

    Attributes:
        study: its name.
        cells: all, each once.
    """

    study: str
    cells: tuple[CellStatus, ...]

    def count(self, state: str) -> int:
        """How many cells are in a state."""
        return sum(cell.state == state for cell in self.cells)

    def of(self, state: str) -> list[CellStatus]:
        """The cells in a state."""
        return [cell for cell in self.cells if cell.state == state]

    @property
    def per_minute(self) -> float | None:
        """Cells finished in a minute: since the first that was finished in the last hour, and without that one."""
        recent = self._recent
        return 60 * (len(recent) - 1) / _age(recent[0]) if len(recent) > 1 else None

    @property
    def seconds_left(self) -> float | None:
        """Until running and waiting cells are finished, at the pace of the last hour; None where it is not known.

        The pace is of the cells' rough costs, so that an hour of short cells does not promise that long ones are soon
        finished; a running cell counts as half done.
        """
        recent = self._recent
        done = sum(cell.cost for cell in recent[1:])
        if not self.count("running") or done <= 0:
            return None
        left = sum(cell.cost for cell in self.of("waiting")) + sum(cell.cost for cell in self.of("running")) / 2
        return left * _age(recent[0]) / done

    @property
    def _recent(self) -> list[CellStatus]:
        """What was finished in the last hour, from the first to the last; a clock that was set back puts it later."""
        known = [cell for cell in self.cells if cell.age is not None and cell.age < HOUR]
        return sorted(known, key=lambda cell: -_age(cell))


def _age(cell: CellStatus) -> float:
    return max(cell.age or 0.0, 1.0)


def read_status(study: str, *, out: Path | str, preset: str | None = None, limit: int | None = None) -> Status:
    """Read how far a study is; nothing is created or changed, and no data set is loaded.

    Args:
        study: its name, also that of a study of each class.
        out: the store's folder or address.
        preset: a slice of the study.
        limit: of the limited run of that size.

    Raises:
        StoreError: there is no store or no such study in it, or its plan is damaged.
    """
    store, preset = Store(out, look=True), None if preset == FULL else preset
    whole = known_study(study)
    if whole is not None and whole.each_class:
        folders = list(folders_of(whole, store, preset, limit).values())
    else:
        folders = [folder_of(study, limit, preset)]
    cells: dict[str, CellStatus] = {}
    look = _Look(store)
    for folder in folders:
        plan = store.read_study(folder)
        try:
            costs = plan.get(COSTS, {})
            for cell in cells_of(plan):
                if cell.key not in cells:
                    cells[cell.key] = look.at(cell, float(costs.get(cell.key, 1.0)))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            path = store.place.shown(f"{folder}/{PLAN}")
            raise StoreError(f"{path}: is damaged ({error!r}); run the study again, which keeps its cells") from error
    return Status(study=study, cells=tuple(cells.values()))


class _Look:
    """One look at a store: what is finished, claimed and noted as failed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ages: dict[tuple[str, str], float | None] = {}
        with store.place.errors():
            # Claims first: what is finished between the two looks is finished, and neither running nor waiting.
            self.holders = {key: store.holder(key) for key in store.place.names("claims")}
            self.failures = {name.removesuffix(".json") for name in store.place.names("failures")}
            for kind in CELLS:
                for file in store.place.files(kind):
                    _, key, *rest = file.path.split("/")
                    if rest == [CHECKSUMS] and not key.startswith(TEMPORARY):
                        self.ages[kind, key] = file.age

    def at(self, cell: NamedCell, cost: float) -> CellStatus:
        """How far a cell is."""
        known: dict[str, Any] = {**cell._asdict(), "cost": cost}
        del known["kind"]
        if (cell.kind, cell.key) in self.ages:
            return CellStatus(**known, state="finished", age=self.ages[cell.kind, cell.key])
        holder = self.holders.get(cell.key)
        if holder is not None:
            return CellStatus(**known, state="running", holder=holder)
        reason = self.store.failure(cell.key) if cell.key in self.failures else None
        return CellStatus(**known, state="waiting" if reason is None else "failed", reason=reason or "")
