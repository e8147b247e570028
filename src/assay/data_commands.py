"""`assay data`: which data sets are here, how they look, fetching and verifying them."""

from pathlib import Path
from typing import Annotated

import typer

from assay.errors import BadValueError
from assay.interrupts import interruptible
from assay.options import Folder

data_app = typer.Typer(help="Data sets: list what is here, fetch what is not, verify checksums.", no_args_is_help=True)


@data_app.command(name="list", epilog="Example: assay data list --data my-data")
def data_list(data: Folder = None) -> None:
    """List the data sets and where each comes from."""
    from rich.console import Console
    from rich.table import Table

    from assay.data import status

    table = Table("data set", "split", "images", "where", box=None)
    for item in status(data):
        count = "-" if item.images is None else f"{item.images:,}"
        table.add_row(item.name, item.split, count, item.source or item.reason)
    Console().print(table)


@data_app.command(epilog="Example: assay data show fashion_mnist --split outliers --count 150")
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="fractals (generated pictures), or a data set; see `assay data list`."),
    ],
    split: Annotated[
        str | None, typer.Option(metavar="SPLIT", help="Of a data set: test (unless told), train or outliers.")
    ] = None,
    count: Annotated[int, typer.Option(metavar="N", help="How many pictures.")] = 96,
    seed: Annotated[int, typer.Option(metavar="N", help="Other pictures, or another sample of the data set.")] = 0,
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Side of a generated picture; 32 unless told.")
    ] = None,
    colour: Annotated[
        bool | None,
        typer.Option("--colour/--grey", metavar="", help="Generated pictures in colour or, unless told, in grey."),
    ] = None,
    data: Folder = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The PNG; unless told, named after what it shows.")
    ] = None,
) -> None:
    """Look at a data set, or at generated pictures: write a sheet of many as one PNG."""
    from assay import contact_sheet

    if name == contact_sheet.FRACTALS:
        _only_for("a data set", split=split, data=data)
        side = contact_sheet.SIDE if size is None else size
        sheet = contact_sheet.fractals(count, size=side, seed=seed, colour=bool(colour))
        path = Path(f"{name}.png")
    else:
        _only_for("fractals", size=size, colour=colour)
        sheet = contact_sheet.data_set(name, split or "test", count, seed=seed, folder=data)
        path = Path(f"{name.replace('/', '-')}-{split or 'test'}.png")
    path = path if out is None else out
    with interruptible():
        contact_sheet.write(sheet.x, path)
    typer.echo(f"{path.resolve()}: {sheet.text}")


@data_app.command(epilog="Example: assay data fetch kmnist")
def fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="A data set's name, such as kmnist.")]) -> None:
    """Download a data set to the cache, checked against its checksum."""
    from assay.data import fetch as fetch_data

    with interruptible():
        for path in fetch_data(name):
            typer.echo(path)


@data_app.command(epilog="Example: assay data verify")
def verify(data: Folder = None) -> None:
    """Check every file that is here against its checksum; exit status 2 if one is damaged."""
    from assay.data import verify as verify_data

    damaged = 0
    for item in verify_data(data):
        damaged += not item.ok
        typer.echo(f"{'ok     ' if item.ok else 'DAMAGED'}  {item.path}{'' if item.ok else ': ' + item.problem}")
    if damaged:
        raise typer.Exit(2)


def _only_for(what: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise BadValueError(f"{name}: is only for {what}; leave it out")
