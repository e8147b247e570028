"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Folder with data sets: idx files, folders of pictures, .npz."),
]
Out = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="STORE",
        help="The store of cells and reports: a folder, or an address such as s3://bucket/folder.",
    ),
]
Slice = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="A slice of the study, such as laptop; see `assay list studies`."),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", help="At most N images in every set: a quick try, marked as limited."),
]

SliceOf = Annotated[str | None, typer.Option("--preset", metavar="NAME", help="That slice of the study.")]
LimitOf = Annotated[int | None, typer.Option("--limit", metavar="N", help="The limited run of that size.")]
