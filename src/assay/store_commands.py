"""`assay store`: what is in a store, whether it is sound, what nobody needs, and joining it with another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from assay.again import OUT
from assay.counting import number_of
from assay.interrupts import interruptible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from assay.upkeep import Garbage, Listing

SHOWN = 40  # lines of a list at most, where it is not what was asked for

store_app = typer.Typer(
    help="The store: list what is in it, verify it, remove what nobody needs, merge another into it.",
    epilog="Example: assay store ls --out results",
    no_args_is_help=True,
)

StoreAt = Annotated[str, typer.Option("--out", metavar="STORE", help="The store: a folder, or another address.")]


@store_app.command(epilog="Example: assay store ls --out results")
def ls(out: StoreAt = str(OUT)) -> None:
    """List studies with their cells finished, failed and waiting, and what takes how much room.

    No checksum is verified: see `assay store verify`.
    """
    from rich.console import Console

    from assay.upkeep import list_store

    console, listing = Console(), list_store(out)
    if listing.studies:
        console.print(_studies(listing))
        console.print()
    for study in listing.studies:
        if study.problem:
            console.print(f"{study.name}: {study.problem}", style="red", soft_wrap=True, markup=False)
    console.print(_amounts(listing))
    if listing.unnamed.number or listing.unfinished.number:
        console.print("`assay store gc` lists what nobody needs any more.", markup=False)


def _studies(listing: "Listing") -> "Table":
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("study", overflow="fold")
    for heading in ("cells", "finished", "failed", "waiting"):
        table.add_column(heading, justify="right")
    for study in listing.studies:
        numbers = (study.finished, study.failed, study.waiting)
        cells = [f"{number:,}" for number in (sum(numbers), *numbers)]
        table.add_row(study.name, *(["?"] * 4 if study.problem else cells))
    return table


def _amounts(listing: "Listing") -> "Table":
    from rich.table import Table

    from assay.plan_text import byte_text

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("in the store")
    for heading in ("number", "size"):
        table.add_column(heading, justify="right")
    rows = {**listing.amounts, "that no study names": listing.unnamed, "being written, or cut": listing.unfinished}
    for what, amount in rows.items():
        table.add_row(what, f"{amount.number:,}", byte_text(amount.size))
    return table


@store_app.command(epilog="Example: assay store verify --repair")
def verify(
    out: StoreAt = str(OUT),
    repair: Annotated[
        bool,
        typer.Option("--repair", metavar="", help="Discard what is damaged, so that the next run computes it anew."),
    ] = False,
) -> None:
    """Hold every file against its checksum, and list what is damaged or half-written.

    The exit status is 1 where something is.
    """
    from rich.console import Console

    from assay.store_text import show_verdict
    from assay.upkeep import repair as mend
    from assay.upkeep import verify as verify_store

    console = Console()
    with _progress(console, "verifying") as progress:
        verdict = verify_store(out, progress=progress)
    show_verdict(console, verdict)
    if not verdict.damage:
        return
    if repair:
        gone = number_of(len(mend(out, verdict)), "cell or piece", "cells and pieces")
        console.print(f"{gone} discarded, which the next run computes anew.", highlight=False)
    else:
        console.print("--repair discards what is damaged, so that the next run computes it anew.", markup=False)
    raise typer.Exit(1)


@store_app.command(epilog="Example: assay store gc --out results --yes")
def gc(
    out: StoreAt = str(OUT),
    yes: Annotated[bool, typer.Option("--yes", metavar="", help="Remove it; without this it is only listed.")] = False,
) -> None:
    """List, or with --yes remove, what nobody needs any more.

    These are cells that no study of the store names, what was begun and never finished, and notes, pieces and claims
    that outlived their cells. What a running driver computes stays.
    """
    from rich.console import Console

    from assay.plan_text import byte_text
    from assay.upkeep import collect, find_garbage

    console = Console()
    if yes:
        with _progress(console, "removing") as progress:
            found = collect(out, progress=progress)
    else:
        found = find_garbage(out)
    _list_garbage(console, found)
    size = byte_text(sum(item.size for item in found))
    if not found:
        console.print("Nothing to remove.")
    elif yes:
        console.print(f"{len(found):,} removed, {size}.", highlight=False)
    else:
        console.print(f"{len(found):,} to remove, {size}; nothing was: add --yes to remove them.", highlight=False)


@store_app.command(epilog="Example: assay store merge results results-of-another-machine")
def merge(
    into: Annotated[str, typer.Argument(metavar="A", help="The store that gains; made where there is none.")],
    other: Annotated[str, typer.Argument(metavar="B", help="The store that is copied from; nothing in it changes.")],
) -> None:
    """Copy the finished cells and studies that store A lacks from store B.

    Each cell is held against its checksums first; damaged ones are left out and named. Of a cell that both have, A's
    stays. An interrupted merge can be repeated.
    """
    from rich.console import Console

    from assay.store_text import show_merged
    from assay.upkeep import merge as merge_stores

    console = Console()
    with _progress(console, "merging") as progress:
        merged = merge_stores(into, other, progress=progress)
    show_merged(console, merged, other)


def _list_garbage(console: "Console", found: tuple["Garbage", ...]) -> None:
    from assay.plan_text import byte_text

    for item in found[:SHOWN]:
        line = f"{byte_text(item.size):>8}  {item.path}  ({item.why})"
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if len(found) > SHOWN:
        console.print(f"... and {len(found) - SHOWN:,} more")


@contextmanager
def _progress(console: "Console", what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with interruptible("Interrupted. What was done stays; the same command does the rest."), bar as progress:
        task = progress.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield show
