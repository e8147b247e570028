"""How far a study is, told by its store alone: from another terminal or machine, while runs go on or after them.

A cell is finished where the store holds it; running where a run has claimed it; failed where its last attempt left a
reason; otherwise it waits. Of the cells that were written last their own record is read, which says when they were
computed, so that those that were copied from another store do not count for the pace; no others are read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from assay.each_class import folders_of
from assay.errors import StoreError
from assay.look import HOUR, Look
from assay.named import NamedCell, cells_of
from assay.places import Holder
from assay.plan_record import CHOSEN, CHOSEN_STARTS, COSTS, STARTS
from assay.run import folder_of, known_study
from assay.store import PLAN, Store
from assay.study import FULL, TRANSFER

STATES = ("finished", "running", "failed", "waiting")


@dataclass(frozen=True, kw_only=True)
class CellStatus:
    """How far a cell is.

    Attributes:
        key: in the store.
        recipe, seed: whose it is, see `NamedCell`.
        stage: "training", an evaluation's name, or "transfer".
        state: one of `STATES`.
        cost: a rough number of seconds on one core.
        age: seconds since it was computed; None where it is not, not known, or not of the last hour.
        left_out: whether it waits, and the last run was told to leave it out (`--recipes`).
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
    left_out: bool = False
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
    def left_out(self) -> int:
        """How many of the waiting cells the last run was told to leave out."""
        return sum(cell.left_out for cell in self.cells)

    @property
    def span(self) -> float | None:
        """The seconds in which `per_minute` counts: since the first that was computed in the last hour."""
        recent = self._recent
        return _age(recent[0]) if len(recent) > 1 else None

    @property
    def per_minute(self) -> float | None:
        """Cells computed in a minute of the `span`, without its first; None where there are none."""
        return None if self.span is None else 60 * (len(self._recent) - 1) / self.span

    @property
    def seconds_left(self) -> float | None:
        """Until running and waiting cells are finished, at the pace of the last hour; None where it is not known.

        The pace is of the cells' rough costs, so that an hour of short cells does not promise that long ones are soon
        finished; a running cell counts as half done, and what the last run left out not at all.
        """
        recent = self._recent
        done = sum(cell.cost for cell in recent[1:])
        if not self.count("running") or done <= 0:
            return None
        left = sum(cell.cost for cell in self.of("waiting") if not cell.left_out)
        left += sum(cell.cost for cell in self.of("running")) / 2
        return left * _age(recent[0]) / done

    @property
    def _recent(self) -> list[CellStatus]:
        """What was computed in the last hour, from the first to the last; a clock that was set back puts it later."""
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
    named: dict[str, _Asked] = {}
    for folder in folders:
        plan = store.read_study(folder)
        try:
            for cell in _asked(plan):
                named.setdefault(cell.named.key, cell)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            path = store.place.shown(f"{folder}/{PLAN}")
            raise StoreError(f"{path}: is damaged ({error!r}); run the study again, which keeps its cells") from error
    look = Look(store, [cell.named for cell in named.values()])
    return Status(study=study, cells=tuple(_status(look, cell) for cell in named.values()))


class _Asked(NamedTuple):
    """What the plan says of a cell: what it is, its rough cost, and whether the last run was to leave it out."""

    named: NamedCell
    cost: float
    left_out: bool


def _asked(plan: dict[str, Any]) -> Iterator[_Asked]:
    costs, cells = plan.get(COSTS, {}), cells_of(plan)
    needed = {cell.key for cell in cells}
    if CHOSEN in plan:
        chosen = [entry for entry in plan["models"] if entry["recipe"] in plan[CHOSEN]]
        starts = plan.get(CHOSEN_STARTS, [])
        needed = {cell.key for cell in cells_of({**plan, "models": chosen, STARTS: starts, TRANSFER: {}})}
    for cell in cells:
        yield _Asked(cell, float(costs.get(cell.key, 1.0)), cell.key not in needed)


def _status(look: Look, cell: _Asked) -> CellStatus:
    kind, key, *_ = cell.named
    state, holder, reason = "waiting", None, None
    if (kind, key) in look.finished:
        state = "finished"
    elif (holder := look.holders.get(key)) is not None:
        state = "running"
    elif (reason := look.failure(key)) is not None:
        state = "failed"
    return CellStatus(
        key=key,
        recipe=cell.named.recipe,
        seed=cell.named.seed,
        stage=cell.named.stage,
        state=state,
        cost=cell.cost,
        age=look.ages.get((kind, key)),
        left_out=cell.left_out and state == "waiting",
        holder=holder,
        reason=reason or "",
    )
