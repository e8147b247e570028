"""Which run of a store is asked for; where it is not there, one sentence with what is, and the command that runs it."""

import contextlib
from pathlib import Path
from typing import Any

from assay.again import command
from assay.errors import BadValueError, StoreError
from assay.places import place_at
from assay.plan_record import KEPT
from assay.run import find_study, folder_of
from assay.slices import cut
from assay.store import MARKER, PLAN, Store
from assay.study import FULL

SHOWN = 6  # other runs that are named at most


def asked_folder(study: str, *, preset: str | None, limit: int | None, out: Path | str) -> str:
    """The folder of that run inside the store.

    Raises:
        BadValueError: it is not there, or there is no such study or preset.
        StoreError: the store cannot be read.
    """
    preset = None if preset == FULL else preset
    name = folder_of(study, limit, preset)
    if not place_at(out).exists(f"{name}/{PLAN}"):
        cut(find_study(study), FULL if preset is None else preset)  # a misspelt name is answered with the nearest
        raise not_run(study, preset=preset, limit=limit, out=out)
    return name


def not_run(study: str, *, preset: str | None, limit: int | None, out: Path | str) -> BadValueError:
    """That a study was not run in a store, or only with other options; errors as `asked_folder`."""
    first = f"run `{command(study, preset=preset, limit=limit, out=out)}` first"
    if not place_at(out).exists(MARKER):
        return BadValueError(f"{out}: there is no store here; name one with --out, or {first}")
    plans = _plans(Store(out, look=True))
    own = dict.fromkeys(_options(plan) or "no options" for plan in plans if _name(plan) == study)
    if own:
        return BadValueError(f"{out}: {study} was run here only with {_some(list(own))}; ask for that, or {first}")
    others = dict.fromkeys(f"{_name(plan)} {_options(plan)}".strip() for plan in plans)
    has = f" (this store has {_some(list(others))})" if others else ""
    return BadValueError(f"{out}: {study} was not run here{has}; {first}")


def _plans(store: Store) -> list[dict[str, Any]]:
    """All plans of a store but damaged ones, which are told where they are asked for."""
    found = []
    for name in store.studies():
        with contextlib.suppress(StoreError):
            found.append(store.read_study(name))
    return found


def _name(plan: dict[str, Any]) -> str:
    """What one types for a plan: of a class of a study of each class, the whole study."""
    study = str(plan.get("study"))
    return study.rpartition("-")[0] if KEPT in plan else study


def _options(plan: dict[str, Any]) -> str:
    """The options that a plan's run was given, such as "--preset laptop --limit 60"."""
    given = (f"--{name} {plan[name]}" for name in ("preset", "limit") if plan.get(name) is not None)
    return " ".join(given)


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", or ".join(names) if more <= 0 else f"{', or '.join(names[:SHOWN])}, or {more} more"
