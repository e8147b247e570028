"""The commands that show what stores hold once they are merged."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.again import command
from assay.plan_record import CHOSEN, EARLIER


def alone(plan: Mapping[str, Any], out: Path | str) -> Iterator[str]:
    """The command that reports a plan; none of one that does not say what it is."""
    if "study" in plan:
        yield command(plan["study"], preset=plan.get("preset"), limit=plan.get("limit"), out=out, does="report")


def together(both: Mapping[str, Any], other: Mapping[str, Any], out: Path | str) -> Iterator[str]:
    """The command that shows a plan and another with other seeds as one study; none where their seeds are the same.

    It is a run, which finds by their keys what both have computed, and leaves out what was computed of other data or by
    another version; so it asks for no recipe that neither was told to compute.

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
    yield command(
        both["study"], preset=both.get("preset"), limit=both.get("limit"), seeds=seeds, recipes=recipes, out=out
    )
