"""The command line. torch and what needs it are imported only by the commands that compute."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.again import OUT
from assay.collection import no_collection
from assay.data_commands import data_app
from assay.ending import end, end_each_class, folder_for, where
from assay.errors import AssayError, BadValueError, nearest
from assay.help_text import plain_help
from assay.interrupts import interruptible
from assay.options import LimitOf, Out, SliceOf
from assay.run_command import RunCommand, run
from assay.store_commands import store_app

if TYPE_CHECKING:
    from assay.results import Results

app = typer.Typer(
    name="assay",
    epilog="Start with: assay run quickstart",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(data_app, name="data")
app.add_typer(store_app, name="store")


def main() -> None:
    """Run the command line; what a user can mend is one sentence and exit status 2."""
    try:
        app(prog_name="assay")
    except AssayError as error:
        print(f"assay: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


def _show_version(wanted: bool) -> None:
    if wanted:
        from assay import __version__

        typer.echo(__version__)
        raise typer.Exit


app.command(
    cls=RunCommand,
    epilog='Example: assay run quickstart --seeds 0,1,2 --recipes "pgd*;baseline" --jobs 2\n\n'
    "On a Ray cluster: assay run quickstart --ray 10.0.0.1:6379",
)(run)


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """How safe is an image classifier, on every axis at once, and what does each safety technique cost elsewhere?"""


@app.command(epilog="Example: assay report quickstart --out results")
def report(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study that was run in this store, complete or in part.")
    ],
    preset: SliceOf = None,
    limit: LimitOf = None,
    out: Out = str(OUT),
) -> None:
    """Write the report of what the store has of a study; nothing is computed anew."""
    from rich.console import Console

    console = Console()
    with no_collection():
        from assay.each_class import load_each_class
        from assay.run import known_study

        whole = known_study(study)
    with interruptible(), no_collection():
        if whole is not None and whole.each_class:
            end_each_class(console, load_each_class(whole, out=out, preset=preset, limit=limit), out)
        else:
            end(console, _stored(study, preset, limit, out), out)


@app.command(epilog="Example: assay status tradeoffs --preset laptop --out results")
def status(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study that was run, or runs now, in this store.")],
    preset: SliceOf = None,
    limit: LimitOf = None,
    out: Out = str(OUT),
) -> None:
    """Tell how far a study is, from its store alone, while a run goes on or after it.

    Cells by stage and recipe, who computes which, what failed and why, cells per minute and time left.
    """
    from rich.console import Console

    from assay.asked import asked_folder
    from assay.run import known_study
    from assay.status import read_status
    from assay.status_text import show_status

    whole = known_study(study)
    if whole is None or not whole.each_class:
        asked_folder(study, preset=preset, limit=limit, out=out)
    show_status(Console(), read_status(study, out=out, preset=preset, limit=limit))


def _stored(study: str, preset: str | None, limit: int | None, out: str) -> "Results":
    """What the store has of a study; where it was never run there, one sentence with the command that does."""
    from assay.asked import asked_folder
    from assay.store import Store
    from assay.stored_results import load_results

    name = asked_folder(study, preset=preset, limit=limit, out=out)
    return load_results(Store(out), name)


@app.command(epilog="Example: assay claims tradeoffs --preset laptop")
def claims(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study that was run in this store, complete or in part.")
    ],
    preset: SliceOf = None,
    limit: LimitOf = None,
    out: Out = str(OUT),
) -> None:
    """Hold what a study's authors claim against what was measured: a verdict on each claim, with its numbers."""
    from rich.console import Console

    from assay.report import write_report
    from assay.report.claims import show_claims
    from assay.report.files import pages_at
    from assay.studies.claims import CLAIMED, claims_of

    console = Console()
    if not claims_of(study):
        raise BadValueError(f"{study}: no claims are known about it; {nearest(study, CLAIMED)}")
    results = _stored(study, preset, limit, out)
    with interruptible(), pages_at(out, folder_for(results)) as folder:
        if not (folder / "report.html").exists():
            write_report(results, folder)  # the pages that the page of claims links to
        page = show_claims(results, console, folder)
    console.print(f"Page: {where(out, folder_for(results), page)}", soft_wrap=True, markup=False)


@app.command(epilog="Example: assay score forecasts.csv --out my-scores")
def score(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A CSV with a header, one forecast a line, in UTF-8.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where to write; unless told, the file's name with -scores."),
    ] = None,
) -> None:
    """Score any probability forecasts: how good are they, and are they calibrated?

    The columns say what they are:

    probability,outcome: the probability of an event, and 1 where it happened, else 0.

    p_cat,p_dog,...,outcome: a probability for each class, and the class that came, such as cat.

    low,high,level,outcome: an interval, its level such as 0.9, and the number that came.

    Prints the scores against baselines, and writes a page with diagrams (forecasts.html), scores.csv and scores.json.
    """
    from rich.console import Console

    from assay.forecasts import score_forecasts, write_scores
    from assay.forecasts.terminal import print_scores

    folder = Path(f"{file.stem}-scores") if out is None else out
    if file.parent.resolve() == folder.resolve() and file.name in ("scores.csv", "scores.json"):
        raise BadValueError(f"{file}: would be overwritten by its scores; choose another folder with --out")
    console = Console()
    with interruptible():
        scores = score_forecasts(file)
        page = write_scores(scores, folder)
    print_scores(scores, console)
    console.print(f"Page: {page.resolve()}", soft_wrap=True, markup=False)


@app.command(name="list", epilog="Example: assay list attacks")
def list_(
    what: Annotated[
        str, typer.Argument(metavar="KIND", help="Which kind; leave it out to see what kinds there are.")
    ] = "",
) -> None:
    """List what there is: studies, recipes, attacks, corruptions, scores, ..."""
    from rich.console import Console

    with no_collection():
        from assay.catalogue import show

        show(Console(), what)


for each in (app, data_app, store_app):
    plain_help(each)
