"""What verifying and merging stores has found, for a terminal."""

from collections.abc import Iterable, Iterator
from functools import partial

from rich.console import Console

from assay.counting import number_of
from assay.upkeep import Damage, Merged, Verdict

cells = partial(number_of, one="cell")


def show_verdict(console: Console, verdict: Verdict) -> None:
    """Print what is damaged, and how many cells and pieces were checked."""
    _print(console, _damage(verdict.damage))
    checked = number_of(verdict.checked, "cell or piece", "cells and pieces")
    _print(console, [f"{checked} checked, {len(verdict.damage):,} damaged."])
    if verdict.unfinished:
        kind = number_of(verdict.unfinished, "more is", "more are")
        _print(console, [f"{kind} being written, or half-written since a kill; `assay store gc` finds the latter."])


def show_merged(console: Console, merged: Merged, other: str) -> None:
    """Print what was copied, left out and kept, and the commands that show it."""
    plans = number_of(len(merged.studies), "study", "studies")
    studies = f"; plans of {plans}: {', '.join(merged.studies)}" if merged.studies else ""
    was = "was" if merged.shared == 1 else "were"
    _print(console, [f"{cells(merged.copied)} copied, {merged.shared:,} {was} here{studies}."])
    _print(console, _left_out(merged, other))
    for name in merged.kept:
        _print(console, [f"{name} has other cells in {other}; they are here now, and the plan here stays."])
    if merged.commands:
        runs = any(line.startswith(("assay run", "assay.run_study")) for line in merged.commands)
        also = " (a run first computes what of it is in neither store)" if runs else ""
        _print(console, [f"To see what is here now{also}:", *(f"  {line}" for line in merged.commands)])


def _left_out(merged: Merged, other: str) -> Iterator[str]:
    if merged.damaged:
        yield f"{cells(len(merged.damaged))} damaged in one of the stores and left out; a run computes what is missing:"
        yield from _damage(merged.damaged)
    if merged.half:
        yield f"{cells(merged.half)} half-written in {other} and left out: a run was killed there, or writes them now."
    if merged.differing:
        has = "has" if len(merged.differing) == 1 else "have"
        yield f"{cells(len(merged.differing))} {has} other numbers in {other}; those here stay:"
        yield from _damage(merged.differing)


def _damage(damage: Iterable[Damage]) -> Iterator[str]:
    for item in damage:
        whose = f"  ({item.whose})" if item.whose else ""
        yield item.what if item.kind == "study" else f"{item.what}  {item.kind}/{item.key}{whose}"


def _print(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
