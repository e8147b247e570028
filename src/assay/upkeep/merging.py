"""Joining two stores: what one lacks is copied from the other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import BadValueError, DamagedCellError
from assay.places import Local, place_at
from assay.plan_record import carried_on
from assay.store import CELLS, Store
from assay.upkeep.census import Progress, census, ignore, studies_of
from assay.upkeep.showing import alone, together
from assay.upkeep.verifying import Damage, whose

OWN = "cell.json"  # tells when and where a cell was computed, and how long it took


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What merging a store into another did.

    Attributes:
        copied: how many cells were copied.
        shared: how many both had already.
        damaged: cells that are damaged in the other store, and were left out, or whose checksums are in the first.
        differing: cells that both have with other numbers, as machines that round otherwise give; the first's stay.
        half: how many cells the other store has half-written, as after a kill or while a run writes them: left out.
        studies: studies whose plans were copied.
        kept: studies that both have, the other with more cells; the first's plans stay, and name those too.
        commands: what to type to see what was merged: of each copied study its report; of each kept one whose seeds
            differ, a run with the seeds of both, which finds the cells of both and computes only what neither has.
    """

    copied: int
    shared: int
    damaged: tuple[Damage, ...]
    differing: tuple[Damage, ...]
    half: int
    studies: tuple[str, ...]
    kept: tuple[str, ...]
    commands: tuple[str, ...]


def merge(into: Path | str, other: Path | str, *, progress: Progress = ignore) -> Merged:
    """Copy the finished cells and the plans of studies that a store lacks from another, in which nothing changes.

    Each cell is held against its checksums before it is copied, and appears whole or not at all: a merge that was
    interrupted can be repeated. One that is damaged in the first store is replaced. Reports are not copied; `assay
    report` writes them.

    Args:
        into: the store that gains; it is made where there is none.
        other: the store that is copied from.
        progress: called with the number of cells that were looked at and of all.

    Raises:
        BadValueError: both are the same.
        StoreError: `other` is no store, either was written by a newer version, or `into` cannot be written.
    """
    theirs = Store(other, look=True)
    if _same(into, other):
        raise BadValueError(f"{into}: expected two different stores, got the same twice")
    ours = Store(into)
    studies = studies_of(theirs)
    there = {kind: ours.finished(kind) for kind in CELLS}
    found = census(theirs, CELLS)
    cells = [(kind, key) for kind in CELLS for key, folder in sorted(found[kind].items()) if folder.finished]
    damaged, differing, copied = [], [], 0
    for done, (kind, key) in enumerate(cells):
        progress(done, len(cells))
        try:
            if key not in there[kind] or ours.damaged(kind, key):
                files = theirs.contents(kind, key)
                with ours.claim(key) as mine:  # so that nobody takes a cell in the midst of being written for abandoned
                    if mine and ours.has(kind, key) and ours.damaged(kind, key):
                        ours.discard(kind, key)
                    ours.write(kind, key, files)
                copied += 1
            elif _numbers(ours, kind, key) != _numbers(theirs, kind, key):
                differing.append(Damage(kind=kind, key=key, what="differs", whose=whose(studies, kind, key)))
        except DamagedCellError:
            damaged.append(Damage(kind=kind, key=key, what="damaged", whose=whose(studies, kind, key)))
    progress(len(cells), len(cells))
    plans, kept, commands = _copy_plans(ours, theirs)
    return Merged(
        copied=copied,
        shared=len(cells) - copied - len(damaged),
        damaged=tuple(damaged),
        differing=tuple(differing),
        half=sum(len(folders) for folders in found.values()) - len(cells),
        studies=plans,
        kept=kept,
        commands=commands,
    )


def _same(one: Path | str, other: Path | str) -> bool:
    first, second = place_at(one), place_at(other)
    if isinstance(first, Local) and isinstance(second, Local):
        return first.root.resolve() == second.root.resolve()
    return first.address == second.address


def _numbers(store: Store, kind: str, key: str) -> dict[str, str]:
    """The checksums of what a cell holds beside its own record."""
    return {name: checksum for name, checksum in store.checksums(kind, key).items() if name != OWN}


def _copy_plans(ours: Store, theirs: Store) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names of the plans that were copied, and that were kept, and the commands of `Merged`."""
    here = {study.study: study for study in studies_of(ours)}
    copied: list[str] = []
    kept: list[str] = []
    commands: list[str] = []
    for study in studies_of(theirs):
        if study.study in here:
            if not study.cells.keys() <= here[study.study].cells.keys() or here[study.study].problem:
                kept.append(study.study)
                if here[study.study].problem:
                    continue  # the next run of that study writes its plan anew
                plan, other = _plan(ours, study.study), theirs.former_study(study.study)
                both = carried_on(plan, other)
                ours.write_study(study.study, both)
                commands += together(both, other, ours.out)
        elif not study.problem:
            plan = _plan(theirs, study.study)
            ours.write_study(study.study, plan)
            copied.append(study.study)
            commands += alone(plan, ours.out)
    return tuple(copied), tuple(kept), tuple(commands)


def _plan(store: Store, name: str) -> dict[str, Any]:
    return {key: value for key, value in store.read_study(name).items() if key != "format"}
