"""The commands that show what stores hold once they are merged."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.again import command
from assay.plan_record import CHOSEN, EARLIER, FOLDER
from assay.run import known_study


def alone(plan: Mapping[str, Any], out: Path | str) -> Iterator[str]:
    """The command that reports a plan; none of one that does not say what it is."""
    if "study" in plan:
        yield command(plan["study"], preset=plan.get("preset"), limit=plan.get("limit"), out=out, does="report")


def together(both: Mapping[str, Any], other: Mapping[str, Any], out: Path | str) -> Iterator[str]:
    """The command that shows a plan and another with other seeds as one study; none where their seeds are the same.

    It is a run, which finds by their keys what both have computed, and leaves out what was computed of other data or by
    another version; so it asks for no recipe that neither was told to compute, and for the data of the first. A study
    that is not in the catalogue is run from Python, as it was before.

    Args:
        both: the plan, which names the other's models among its earlier ones.
        other: the other plan.
        out: the store.
    """
    earlier = [entry["seed"] for entry in both.get(EARLIER, []) if not entry.get("replicate")]
    seeds = sorted({*both.get("seeds", []), *earlier})
    if not both.get("seeds") or seeds == sorted(both["seeds"]):
        return
    recipes = None
    if CHOSEN in both and CHOSEN in other:
        recipes = ";".join(dict.fromkeys([*both[CHOSEN], *other[CHOSEN]]))
    preset, limit, data = both.get("preset"), both.get("limit"), both.get(FOLDER)
    if known_study(both["study"]) is not None:
        yield command(both["study"], preset=preset, limit=limit, seeds=seeds, recipes=recipes, data=data, out=out)
        return
    given = {"preset": preset, "limit": limit, "seeds": tuple(seeds), "recipes": recipes, "data": data, "out": str(out)}
    said = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
    yield f"assay.run_study(study, {said})  # your study {both['study']}"
