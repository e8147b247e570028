"""The command line. torch and what needs it are imported only by the commands that compute."""

import contextlib
import gc
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from assay import forks
from assay.again import OUT
from assay.counting import number_of
from assay.errors import AssayError, BadValueError, nearest
from assay.help_text import reflow
from assay.interrupts import INTERRUPTED, interruptible, one_interrupt
from assay.store_commands import store_app

if TYPE_CHECKING:
    from rich.console import Console

    from assay.each_class import EachClass
    from assay.results import Results
    from assay.study import Study

app = typer.Typer(
    name="assay",
    epilog="Start with: assay run quickstart",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data_app = typer.Typer(help="Data sets: list what is here, fetch what is not, verify checksums.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(store_app, name="store")

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


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """How safe is an image classifier, on every axis at once, and what does each safety technique cost elsewhere?"""


class _Run(TyperCommand):
    """`--ray` may stand alone, for a cluster of this machine."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--ray" in args:
            after = args.index("--ray") + 1
            if after == len(args) or args[after].startswith("-"):
                args = [*args[:after], "local", *args[after:]]
        return super().parse_args(ctx, args)


@app.command(
    cls=_Run,
    epilog='Example: assay run quickstart --seeds 0,1,2 --recipes "pgd*;baseline" --jobs 2\n\n'
    "On a Ray cluster: assay run quickstart --ray 10.0.0.1:6379",
)
def run(
    study: Annotated[str, typer.Argument(help="A study's name; see `assay list studies`.")],
    preset: Slice = None,
    data: Folder = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="LIST", help="Train once with each seed, such as 0,1,2. Default: the study's.")
    ] = None,
    recipes: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help='Only these recipes: names or shell patterns, separated by ";".'),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", help="Processes, one thread each. Default: the number of cores.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu, cuda, cuda:0, ...")] = "cpu",
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS]",
            help="On Ray: HOST:PORT, ray://HOST:PORT, auto (that of this machine) or local (a new one; so alone).",
        ),
    ] = None,
    limit: Limit = None,
    out: Out = str(OUT),
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append what happens to this file, a line of JSON for each event."),
    ] = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", metavar="", help="Print recipes, cells, what is in the store and the time left; run nothing."
        ),
    ] = False,
) -> None:
    """Train and evaluate what is missing of a study, then write its report.

    Interrupt it at any time (Ctrl-C): finished cells stay, and the same command goes on where it was.
    """
    chosen = None if seeds is None else _seeds(seeds)
    if ray is not None and jobs is not None:
        raise BadValueError("jobs: is only for processes of this machine; leave it out with --ray")
    jobs = _cores() if jobs is None else jobs
    if jobs > 1 and ray is None and not plan:
        forks.warm_up(device)  # workers' imports take as long as those that follow
    from rich.console import Console

    with _no_collection():
        from assay.run import find_study

    console = Console()
    if plan:
        _plan(
            console,
            study,
            preset,
            out=out,
            data=data,
            seeds=chosen,
            recipes=recipes,
            limit=limit,
            jobs=jobs,
            device=device,
            ray=ray,
        )
        return

    options: dict[str, Any] = {
        "out": out,
        "preset": preset,
        "data": data,
        "seeds": chosen,
        "recipes": recipes,
        "jobs": jobs,
        "device": device,
        "ray": ray,
        "limit": limit,
        "log": log,
        "command": _command(),
    }
    found = find_study(study)
    try:
        with one_interrupt():
            failed = (_run_each_class if found.each_class else _run)(console, found, options)
    except KeyboardInterrupt:
        console.print("Interrupted. Finished cells are kept; run the same command again to go on.")
        raise typer.Exit(INTERRUPTED) from None
    if failed:
        raise typer.Exit(1)


def _run(console: "Console", study: "Study", options: dict[str, Any]) -> bool:
    """Run a study and write its report; whether a cell failed."""
    from assay.live import Watcher
    from assay.run import run_study

    with Watcher(console) as watcher:
        results = run_study(study, watch=watcher, **options)
    _write(console, results, options["out"])
    return bool(results.failures)


def _run_each_class(console: "Console", study: "Study", options: dict[str, Any]) -> bool:
    """Run the study of every class and write all their reports; whether a cell failed."""
    from assay.each_class import run_each_class
    from assay.live import Watcher

    def watching(title: str) -> Watcher:
        console.print(title, highlight=False, markup=False)
        return Watcher(console)

    found = run_each_class(study, watching=watching, **options)
    _write_each_class(console, found, options["out"])
    return bool(found.failures)


@app.command(epilog="Example: assay report quickstart --out results")
def report(
    study: Annotated[str, typer.Argument(help="A study that was run in this store, complete or in part.")],
    preset: SliceOf = None,
    limit: LimitOf = None,
    out: Out = str(OUT),
) -> None:
    """Write the report of what the store has of a study; nothing is computed anew."""
    from rich.console import Console

    console = Console()
    with _no_collection():
        from assay.each_class import load_each_class
        from assay.run import known_study

        whole = known_study(study)
    with interruptible(), _no_collection():
        if whole is not None and whole.each_class:
            _write_each_class(console, load_each_class(whole, out=out, preset=preset, limit=limit), out)
        else:
            _write(console, _stored(study, preset, limit, out), out)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Look for no cycles of garbage: imports and a large study's rows have few, and to go through them takes long."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@app.command(epilog="Example: assay status tradeoffs --preset laptop --out results")
def status(
    study: Annotated[str, typer.Argument(help="A study that was run, or runs now, in this store.")],
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
    from assay.results import load_results
    from assay.store import Store

    name = asked_folder(study, preset=preset, limit=limit, out=out)
    return load_results(Store(out), name)


@app.command(epilog="Example: assay claims tradeoffs --preset laptop")
def claims(
    study: Annotated[str, typer.Argument(help="A study that was run in this store, complete or in part.")],
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
    with pages_at(out, _folder(results)) as folder:
        if not (folder / "report.html").exists():
            write_report(results, folder)  # the pages that the page of claims links to
        page = show_claims(results, console, folder)
    console.print(f"Page: {_where(out, _folder(results), page)}", soft_wrap=True, markup=False)


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
    scores = score_forecasts(file)
    page = write_scores(scores, folder)
    print_scores(scores, console)
    console.print(f"Page: {page.resolve()}", soft_wrap=True, markup=False)


@app.command(name="list", epilog="Example: assay list attacks")
def list_(
    what: Annotated[str, typer.Argument(help="A kind of things; leave it out to see which there are.")] = "",
) -> None:
    """List what there is: studies, recipes, attacks, corruptions, scores, ..."""
    from rich.console import Console

    with _no_collection():
        from assay.catalogue import show

        show(Console(), what)


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
    name: Annotated[str, typer.Argument(help="fractals (generated pictures), or a data set; see `assay data list`.")],
    split: Annotated[str | None, typer.Option(help="test (unless told), train or outliers; of a data set.")] = None,
    count: Annotated[int, typer.Option(metavar="N", help="How many pictures.")] = 96,
    seed: Annotated[int, typer.Option(metavar="N", help="Other pictures, or another sample of the data set.")] = 0,
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Side of a generated picture; 32 unless told.")
    ] = None,
    colour: Annotated[
        bool | None,
        typer.Option("--colour/--grey", metavar="", help="Generated pictures in colour, or in grey, as unless told."),
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
    contact_sheet.write(sheet.x, path)
    typer.echo(f"{path.resolve()}: {sheet.text}")


@data_app.command(epilog="Example: assay data fetch kmnist")
def fetch(name: Annotated[str, typer.Argument(help="A data set's name, such as kmnist.")]) -> None:
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


def _plan(
    console: "Console",
    study: str,
    preset: str | None,
    *,
    out: str,
    data: Path | None,
    seeds: tuple[int, ...] | None,
    recipes: str | None,
    limit: int | None,
    jobs: int,
    device: str,
    ray: str | None,
) -> None:
    from rich.progress import Progress

    from assay.plan_text import show_plan
    from assay.planning import estimate_run, plan_run
    from assay.run import find_study
    from assay.study import cut

    chosen = cut(find_study(study), preset) if preset is not None else find_study(study)
    if chosen.each_class:
        from assay.each_class import classes_of
        from assay.study import part_of

        names = classes_of(chosen, data)
        first, *others = names
        console.print(
            f"A study of each class. This is the plan of class {names[first]}; "
            f"{len(others)} more are like it and come on top: {', '.join(names[kept] for kept in others)}.",
            highlight=False,
            markup=False,
        )
        chosen = part_of(chosen, first)
    planned = plan_run(chosen, out=out, data=data, seeds=seeds, recipes=recipes, limit=limit)
    if device != "cpu" or ray is not None:
        show_plan(console, planned, None)
        other = device if ray is None else "a cluster"
        line = f"--plan measures this machine's CPU alone; how long {other} takes is not measured."
        console.print(line, markup=False)
        return
    if not console.is_terminal:
        console.print("Measuring how fast this machine is: about half a minute, and more for large studies.")
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("measuring this machine", total=1.0)

        def report(fraction: float, text: str) -> None:
            progress.update(task, completed=fraction, description=f"measuring this machine: {text}")

        estimate = estimate_run(planned, jobs=min(jobs, _cores()), progress=report)
    show_plan(console, planned, estimate)


def _only_for(what: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise BadValueError(f"{name}: is only for {what}; leave it out")


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(item) for item in text.split(","))
    except ValueError:
        raise BadValueError(f"seeds: expected whole numbers separated by commas, such as 0,1,2, got {text!r}") from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _command() -> str:
    return shlex.join(["assay", *sys.argv[1:]])


def _folder(results: "Results") -> str:
    from assay.run import folder_of

    return folder_of(results.study, results.limit, results.preset)


def _where(out: str, folder: str, page: Path) -> str:
    """Where a page of the store is, for people to open."""
    from assay.places import is_local, place_at

    return str(page.resolve()) if is_local(out) else place_at(out).shown(f"{folder}/{page.name}")


def _write(console: "Console", results: "Results", out: str) -> None:
    from assay.report import print_headline, write_report
    from assay.report.files import pages_at

    with pages_at(out, _folder(results)) as folder:
        page = write_report(results, folder)
        monitoring = page.with_name("monitoring.html")
        monitored = monitoring.exists()
    print_headline(results, console)
    for failure in results.failures:
        console.print(f"failed: {failure.recipe}, seed {failure.seed}, {failure.stage}: {failure.reason}", style="red")
    for reason in results.missing.values():
        console.print(f"not measured: {reason}", style="yellow")
    if results.pending:
        waiting = len(results.pending)
        line = f"{number_of(waiting, 'cell')} waiting; `{results.again}` computes {'it' if waiting == 1 else 'them'}"
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    console.print(f"Report: {_where(out, _folder(results), page)}", soft_wrap=True, markup=False)
    if monitored:
        where = _where(out, _folder(results), monitoring)
        console.print(f"Scores, thresholds, calibrators: {where}", soft_wrap=True, markup=False)


def _write_each_class(console: "Console", found: "EachClass", out: str) -> None:
    """Write the reports of the classes' studies and that of all, and print the latter."""
    from assay.report import print_each_class, write_each_class, write_report
    from assay.report.files import pages_at

    for results in found.results.values():
        with pages_at(out, _folder(results)) as folder:
            write_report(results, folder)
    with pages_at(out, found.folder) as folder:
        page = write_each_class(found, folder)
    print_each_class(found, console)
    for name, failure in found.failures:
        text = f"failed: class {name}, {failure.recipe}, seed {failure.seed}, {failure.stage}: {failure.reason}"
        console.print(text, style="red", soft_wrap=True, markup=False)
    if found.pending:
        waiting = number_of(len(found.pending), "cell or class", "cells or classes")
        line = f"{waiting} waiting; `{found.again}` computes what is"
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    console.print(f"Report: {_where(out, found.folder, page)}", soft_wrap=True, markup=False)


for each in (app, data_app, store_app):
    reflow(each)
