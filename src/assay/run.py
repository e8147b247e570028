"""Run a study: data, plan, cells, store, results, in one straight line."""

import re
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from assay import studies
from assay.again import OUT
from assay.clusters import connected
from assay.errors import BadValueError, nearest
from assay.execute import check_place, run
from assay.log import logged
from assay.plan import Plan, plan
from assay.plan_record import CHOSEN, CHOSEN_STARTS, FOLDER, carried_on, starts_of, summary
from assay.provenance import describe_run
from assay.results import Results
from assay.slices import choose, cut, part_of
from assay.state import State, Watch
from assay.store import Store, finished
from assay.stored_results import load_results
from assay.study import Study
from assay.workers import source_of


def find_study(name: str) -> Study:
    """The study of that name in the catalogue, or the part of one that its name names, such as "one_class-3".

    Raises:
        BadValueError: there is none (with the nearest names).
    """
    found = known_study(name)
    if found is None:
        raise BadValueError(f"{name}: no such study; {nearest(name, studies.__all__)}")
    return found


def known_study(name: str) -> Study | None:
    """The same, or None where there is none."""
    known: dict[str, Study] = {item: getattr(studies, item) for item in studies.__all__}
    whole, _, kept = name.rpartition("-")
    if whole in known and known[whole].each_class and re.fullmatch("[0-9]+", kept):
        return part_of(known[whole], int(kept))
    return known.get(name)


def ignore(state: State) -> None:
    """Watch nothing."""


def folder_of(study: str, limit: int | None, preset: str | None = None) -> str:
    """The folder of a study's report inside the store: a slice or a limited run never overwrites the whole."""
    return "-".join([study, *([preset] if preset else []), *([f"limit-{limit}"] if limit is not None else [])])


def _complete(planned: Plan, out: Path | str) -> bool:
    """Whether a store has every cell, as far as can be told without reading them."""
    cells = {(cell.kind, cell.key) for cell in planned.cells}
    return len(finished(out, cells)) == len(cells)


def run_study(
    study: Study | str,
    *,
    out: Path | str = OUT,
    preset: str | None = None,
    data: Path | str | None = None,
    seeds: tuple[int, ...] | None = None,
    recipes: str | None = None,
    jobs: int = 1,
    device: str = "cpu",
    ray: str | None = None,
    limit: int | None = None,
    watch: Watch = ignore,
    log: Path | str | None = None,
    command: str = "",
) -> Results:
    """Run what is missing of a study and return its results.

    Args:
        study: a study, or the name of one in the catalogue.
        out: the store; several studies and runs may share it.
        preset: a slice of the study, see `Study.presets`; None is the whole.
        data: a folder with data sets; else ASSAY_DATA, the cache, what the package brings.
        seeds: instead of the study's.
        recipes: compute only recipes whose label matches one of these shell patterns, separated by ";"; the results are
            of the whole study, with what is in the store of its other recipes.
        jobs: processes; 1 computes in this one. Not used with `ray`, where the cluster's cores decide.
        device: "cpu", "cuda", ...
        ray: compute on a Ray cluster: "local" starts one here and shuts it down at the end; "auto", "host:port" or
            "ray://host:port" use one that runs.
        limit: at most that many images in every set, for a quick try; such a run is marked as limited everywhere.
        watch: called with the state of the run several times a second.
        log: a file to which the run's events are appended, a line of JSON each, see `assay.log`.
        command: what the user typed, kept as provenance.

    Raises:
        AssayError: bad input, data that is missing or damaged, a store that cannot be used.
    """
    study = find_study(study) if isinstance(study, str) else study
    study = study if preset is None else cut(study, preset)
    if jobs < 1:
        raise BadValueError(f"jobs: expected a whole number >= 1, got {jobs}")
    check_place(device, ray)
    study = replace(study, seeds=study.seeds if seeds is None else seeds)
    chosen = choose(study, recipes)
    start = time.perf_counter()
    own = device if ray is None else "cpu"  # of this machine: it may have no GPU
    folder = None if data is None else Path(data)
    source = source_of(study, folder, limit)
    task = source.load()
    whole, planned = plan(study, task), plan(chosen, task)  # the report is of the whole study, whatever was chosen
    name = folder_of(study.name, limit, study.preset)
    # A cluster that does not answer is met before anything is written, and none is started where nothing is left to do.
    cluster = nullcontext() if ray is None or _complete(planned, out) else connected(ray)
    with cluster, logged(None if log is None else Path(log)) as tell:
        store = Store(out)
        labels = [recipe.label for recipe in chosen.recipes]
        told = {} if recipes is None else {CHOSEN: labels, CHOSEN_STARTS: starts_of(planned)}
        given = {} if folder is None else {FOLDER: str(folder.absolute())}
        kept = carried_on(summary(whole, command) | told | given, store.former_study(name))
        store.write_study(name, {**kept, "run": describe_run(own, 0.0)})
        state = run(planned, store, source, jobs=jobs, device=device, ray=ray, watch=watch, tell=tell)
    place = {"jobs": jobs} if ray is None else {"ray": ray}
    done = place | {"cells": len(planned.cells), "found": state.found, "mended": state.mended}
    store.write_study(name, {**kept, "run": describe_run(own, time.perf_counter() - start) | done})
    return load_results(store, name)
