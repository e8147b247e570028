"""What a run would do, found out without running it: nothing is created or changed on the disk."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from assay.driver import KERNELS
from assay.errors import BadValueError
from assay.estimate import Estimate, estimate
from assay.plan import Plan, plan
from assay.probe import ignore, probe
from assay.slices import choose
from assay.store import finished
from assay.study import Study
from assay.workers import source_of


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, and the keys of those of its cells that are in the store already."""

    plan: Plan
    found: frozenset[str]


def plan_run(
    study: Study,
    *,
    out: Path | str,
    data: Path | str | None = None,
    seeds: tuple[int, ...] | None = None,
    recipes: str | None = None,
    limit: int | None = None,
) -> Planned:
    """Plan what `run_study` would compute with the same arguments.

    A cell counts as found where the store says that it is finished; whether its files are sound, a run checks.

    Args:
        study: the study, or a slice of it.
        out: the store; it need not be there.
        data: a folder with data sets; else ASSAY_DATA, the cache, what the package brings.
        seeds: instead of the study's.
        recipes: only recipes whose label matches one of these shell patterns, separated by ";".
        limit: at most that many images in every set.

    Raises:
        AssayError: bad input, data that is missing or damaged, a store of a newer version.
    """
    study = choose(replace(study, seeds=study.seeds if seeds is None else seeds), recipes)
    folder = None if data is None else Path(data)
    task = source_of(study, folder, limit).load()
    planned = plan(study, task)
    keys = [(cell.kind, cell.key) for cell in planned.cells]
    return Planned(plan=planned, found=finished(out, keys))


def estimate_run(planned: Planned, *, jobs: int, progress: Callable[[float, str], None] = ignore) -> Estimate:
    """Measure this machine for about half a minute, and estimate what is left of the plan on it.

    Raises:
        BadValueError: jobs is not >= 1.
    """
    if jobs < 1:
        raise BadValueError(f"jobs: expected a whole number >= 1, got {jobs}")
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)  # as a run does
    done = planned.found | planned.plan.unable
    return estimate(planned.plan, done, probe(planned.plan, done, progress=progress), jobs)
