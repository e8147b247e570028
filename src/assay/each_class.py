"""Studies of each class: one class after the other is trained on alone, and the results of all stand together.

Each class is a study of its own, with its own data, models and report: their test sets differ, so that they are no
recipes of one study, which compares on the same images. The store and its cells are shared.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from assay.again import OUT
from assay.again import command as command_of
from assay.asked import not_run
from assay.clusters import connected
from assay.data import load, one_class
from assay.errors import BadValueError
from assay.plan_record import KEPT
from assay.results import Failure, Results
from assay.run import find_study, folder_of, ignore, run_study
from assay.slices import part_of
from assay.state import Watch
from assay.store import Store
from assay.stored_results import load_results
from assay.study import FULL, Study
from assay.workers import source_of

Watching = Callable[[str], AbstractContextManager[Watch]]  # given a title, opens what watches the run of one class


@dataclass(frozen=True, kw_only=True)
class EachClass:
    """What is known of a study of each class.

    Attributes:
        study: its name, such as "one_class".
        title: for people.
        question: what it answers.
        preset, limit: as those of `Results`.
        classes: the classes' names, by their numbers.
        results: by the class's number, of those that have begun.
    """

    study: str
    title: str
    question: str
    preset: str | None
    limit: int | None
    classes: dict[int, str]
    results: dict[int, Results]

    @property
    def again(self) -> str:
        """The command that computes what is missing; "" where nothing has begun."""
        own = next(iter(self.results.values()), None)
        return (
            ""
            if own is None or own.out is None
            else command_of(
                self.study, preset=self.preset, limit=self.limit, seeds=own.seeds, data=own.data, out=own.out
            )
        )

    @property
    def folder(self) -> str:
        """The folder of the report inside the store."""
        return folder_of(self.study, self.limit, self.preset)

    @property
    def slice(self) -> str:
        """What the slice holds, in a sentence or two."""
        return next((found.slice for found in self.results.values()), "")

    @property
    def limited(self) -> bool:
        """Whether any number comes from fewer images than it is meant for."""
        return any(found.limited for found in self.results.values())

    @property
    def recipes(self) -> tuple[str, ...]:
        """Labels of all recipes, in the study's order."""
        return tuple(dict.fromkeys(label for found in self.results.values() for label in found.recipes))

    @property
    def failures(self) -> list[tuple[str, Failure]]:
        """Cells that failed, each with its class."""
        return [(self.classes[kept], item) for kept, found in self.results.items() for item in found.failures]

    @property
    def waiting(self) -> list[str]:
        """What has not run yet: cells, and whole classes."""
        return list(self._waiting())

    def _waiting(self) -> Iterator[str]:
        for kept, name in self.classes.items():
            if kept not in self.results:
                yield f"class {name}"
            else:
                yield from (f"class {name}, {text}" for text in self.results[kept].waiting)

    @property
    def unlearned(self) -> tuple[str, ...]:
        """Models that answer one rotation for every image."""
        return tuple(
            f"{label} (class {self.classes[k]})" for k, found in self.results.items() for label in found.unlearned
        )


def unwatched(title: str) -> AbstractContextManager[Watch]:  # noqa: ARG001
    """Watch nothing."""
    return nullcontext(ignore)


def run_each_class(
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
    watching: Watching = unwatched,
    log: Path | str | None = None,
    command: str = "",
) -> EachClass:
    """Run what is missing of every class's study, one after the other, and return the results of all.

    The classes are those that occur in the test set. Arguments are those of `run_study`; `watching` opens what watches
    the run of each class.

    Raises:
        BadValueError: the study is not one of each class; or a class makes no task, such as one that a limit leaves
            without images, before any class is run.
        AssayError: as `run_study`.
    """
    study, preset = _whole(study), None if preset == FULL else preset
    folder = None if data is None else Path(data)
    classes = classes_of(study, folder)
    task = source_of(replace(study, each_class=False), folder, limit).load()
    for kept in classes:
        one_class(task, kept)  # what it refuses is known before hours of training
    results = {}
    with nullcontext() if ray is None else connected(ray):  # one cluster for all classes
        for place, (kept, name) in enumerate(classes.items(), start=1):
            with watching(f"class {name}, {place} of {len(classes)}") as watch:
                results[kept] = run_study(
                    part_of(study, kept),
                    out=out,
                    preset=preset,
                    data=data,
                    seeds=seeds,
                    recipes=recipes,
                    jobs=jobs,
                    device=device,
                    ray=ray,
                    limit=limit,
                    watch=watch,
                    log=log,
                    command=command,
                )
    return _each(study, preset, limit, classes, results)


def classes_of(study: Study, folder: Path | None) -> dict[int, str]:
    """The names, by their numbers, of the classes that occur in the test set."""
    test = load(study.data, "test", folder=folder)
    return {kept: test.classes[kept] for kept in sorted(set(test.y.tolist()))}


def load_each_class(
    study: Study | str, *, out: Path | str = OUT, preset: str | None = None, limit: int | None = None
) -> EachClass:
    """Read what the store has of every class's study, complete or in part; nothing is computed.

    Raises:
        BadValueError: the study is not one of each class, or no class of it was run in this store.
        StoreError: a file is damaged.
    """
    study, store, preset = _whole(study), Store(out, look=True), None if preset == FULL else preset
    names = folders_of(study, store, preset, limit)
    own = [store.read_study(name) for name in names.values()]
    every = {int(kept): name for plan in own for kept, name in plan[KEPT]["classes"].items()}
    classes = dict(sorted(every.items()))
    results = {kept: load_results(store, name) for kept, name in names.items()}
    return _each(study, preset, limit, classes, results)


def folders_of(study: Study, store: Store, preset: str | None, limit: int | None) -> dict[int, str]:
    """The folders of the classes of a study of each class that have begun, by their numbers.

    Raises:
        BadValueError: no class of it was run in this store.
        StoreError: a plan is damaged.
    """
    pattern = folder_of(f"{study.name}-*", limit, preset)
    plans = [store.read_study(name) for name in store.studies() if fnmatchcase(name, pattern)]
    own = sorted((plan for plan in plans if _same(plan, study, preset, limit)), key=lambda plan: plan[KEPT]["class"])
    if not own:
        raise not_run(study.name, preset=preset, limit=limit, out=store.out)
    return {plan[KEPT]["class"]: folder_of(plan["study"], limit, preset) for plan in own}


def _same(plan: dict[str, object], study: Study, preset: str | None, limit: int | None) -> bool:
    """Whether a plan of the store is of a class of this study: "one_class-*" also finds "one_class-3-laptop"."""
    kept = plan.get(KEPT)
    if not isinstance(kept, dict):
        return False
    mine = part_of(study, kept["class"]).name
    return (plan["study"], plan["preset"], plan["limit"]) == (mine, preset, limit)


def _whole(study: Study | str) -> Study:
    study = find_study(study) if isinstance(study, str) else study
    if not study.each_class:
        raise BadValueError(f"{study.name}: is no study of each class; use run_study")
    return study


def _each(
    study: Study, preset: str | None, limit: int | None, classes: dict[int, str], results: dict[int, Results]
) -> EachClass:
    return EachClass(
        study=study.name,
        title=study.title,
        question=study.question,
        preset=preset,
        limit=limit,
        classes=classes,
        results=results,
    )
