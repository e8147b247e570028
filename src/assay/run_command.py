"""`assay run`: what is missing of a study is computed, and its report written; or it is planned alone."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay import forks
from assay.again import OUT
from assay.collection import no_collection
from assay.ending import end, end_each_class
from assay.errors import BadValueError
from assay.help_text import PlainCommand
from assay.interrupts import INTERRUPTED, one_interrupt
from assay.options import Folder, Limit, Out, Slice

if TYPE_CHECKING:
    from rich.console import Console

    from assay.study import Study


class RunCommand(PlainCommand):
    """`--ray` may stand alone, for a cluster of this machine."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer does, with the address that was left out."""
        if "--ray" in args:
            after = args.index("--ray") + 1
            if after == len(args) or args[after].startswith("-"):
                args = [*args[:after], "local", *args[after:]]
        return super().parse_args(ctx, args)


def run(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study's name; see `assay list studies`.")],
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
            help="On Ray: HOST:PORT, ray://HOST:PORT, auto (that of this machine) "
            "or local (a new one, as without ADDRESS).",
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

    with no_collection():
        from assay.run import find_study

    console, found = Console(), find_study(study)
    what: dict[str, Any] = {
        "out": out,
        "preset": preset,
        "data": data,
        "seeds": chosen,
        "recipes": recipes,
        "limit": limit,
    }
    if plan:
        _plan(console, found, jobs=jobs, device=device, ray=ray, **what)
        return
    options = what | {"jobs": jobs, "device": device, "ray": ray, "log": log, "command": _command()}
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
    end(console, results, options["out"])
    return bool(results.failures)


def _run_each_class(console: "Console", study: "Study", options: dict[str, Any]) -> bool:
    """Run the study of every class and write all their reports; whether a cell failed."""
    from assay.each_class import run_each_class
    from assay.live import Watcher

    def watching(title: str) -> Watcher:
        console.print(title, highlight=False, markup=False)
        return Watcher(console)

    found = run_each_class(study, watching=watching, **options)
    end_each_class(console, found, options["out"])
    return bool(found.failures)


def _plan(
    console: "Console", study: "Study", *, preset: str | None, jobs: int, device: str, ray: str | None, **what: Any
) -> None:
    """Print what a run would compute, and how long it would take here; `what` is given to `plan_run`."""
    from rich.progress import Progress

    from assay.plan_text import show_plan
    from assay.planning import estimate_run, plan_run
    from assay.slices import cut

    study = study if preset is None else cut(study, preset)
    if study.each_class:
        from assay.each_class import classes_of
        from assay.slices import part_of

        names = classes_of(study, what["data"])
        first, *others = names
        console.print(
            f"A study of each class. This is the plan of class {names[first]}; "
            f"{len(others)} more are like it and come on top: {', '.join(names[kept] for kept in others)}.",
            highlight=False,
            markup=False,
        )
        study = part_of(study, first)
    planned = plan_run(study, **what)
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


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(item) for item in text.split(","))
    except ValueError:
        raise BadValueError(f"seeds: expected whole numbers separated by commas, such as 0,1,2, got {text!r}") from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _command() -> str:
    return shlex.join(["assay", *sys.argv[1:]])
