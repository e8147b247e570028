"""What a store keeps of a plan: enough to find every cell and to write the report without the data."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from assay.data import Images, Task
from assay.data.one_class import REST
from assay.parts import describe
from assay.plan import Plan
from assay.study import MOST

KEPT = "kept"  # of a study of one class: which it is, and what classes there are
CHOSEN = "chosen"  # in a plan, the recipes that its last run was told to compute alone; else it computes all
CHOSEN_STARTS = "chosen_starts"  # and the starts among them
COSTS = "costs"  # in a plan, the rough cost of each cell by its key, for the time left
FOLDER = "folder"  # in a plan, the folder with data sets that its last run was given, where it was
EARLIER = "earlier"  # in a plan, models that former runs of the study named, and this one does not
STARTS = "starts"  # in a plan, the keys of trainings that are no recipe's own, but others go on from


def summary(plan: Plan, command: str) -> dict[str, Any]:
    """What the store keeps of a plan: enough to find every cell and to write the report without the data."""
    study, task = plan.study, plan.task
    return {
        "study": study.name,
        "preset": study.preset,
        "slice": study.slice,
        "title": study.title,
        "question": study.question,
        "baseline": study.baseline,
        "recipes": [recipe.label for recipe in study.recipes],
        "seeds": list(study.seeds),
        "evaluations": {evaluation.name: describe(evaluation) for evaluation in study.evaluations},
        "limit": task.limit,
        "missing": dict(task.missing),
        "published": None if study.published is None else asdict(study.published),
        "data": {
            "name": task.name,
            "images": {name: len(images) for name, images in _sets(task).items()},
            "fingerprints": {name: images.fingerprint for name, images in _sets(task).items()},
        },
        "command": command,
        "models": _models(plan),
        COSTS: {cell.key: float(f"{cell.cost:.3g}") for cell in plan.cells},
        **({STARTS: starts} if (starts := starts_of(plan)) else {}),
        **({"transfer": found} if (found := _transfer(plan)) else {}),
        **({} if study.kept is None else {KEPT: _kept(study.kept, task)}),
    }


def carried_on(kept: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A plan's summary with the models of a former one that it does not have, as of other seeds: they stay named.

    A model of both is named as now alone: what it was with other settings is not needed any more.
    """
    now = {(entry["recipe"], entry["seed"]) for entry in kept["models"]}
    others = [*_sound(before.get("models")), *_sound(before.get(EARLIER)), *kept.get(EARLIER, [])]
    earlier: dict[tuple[str, int], Any] = {}
    for entry in others:  # from the latest to the first
        earlier.setdefault((entry["recipe"], entry["seed"]), entry)
    left = [entry for name, entry in earlier.items() if name not in now]
    return {**kept, **({EARLIER: left} if left else {})}


def _sound(entries: Any) -> list[dict[str, Any]]:
    """Those of a plan's models that are as a plan has them: it is read from a disk."""
    kinds = {"recipe": str, "seed": int, "models": list, "evaluations": dict}
    return [
        entry
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in kinds.items())
    ]


def _kept(kept: int, task: Task) -> dict[str, Any]:
    """The class that is trained on alone, and the names of all that occur in the test set, by their numbers."""
    rest = task.outliers[REST]
    present = sorted({kept, *rest.y.tolist()})
    return {"class": kept, "classes": {str(number): rest.classes[number] for number in present}}


def _transfer(plan: Plan) -> dict[str, Any] | None:
    """Where the transfer is found, or why a study that asks for it has none; None where nothing is to be said."""
    cell, count = plan.transfer, len(plan.study.recipes)
    if cell is not None:
        return {
            "key": cell.key,
            "recipes": [recipe.label for recipe in cell.recipes],
            "seed": cell.seed,
            "attack": describe(cell.transferred.attack),
        }
    if plan.study.transfer is None or count <= MOST:
        return None
    slices = [f"--preset {preset.name}" for preset in plan.study.presets if len(preset.recipes) <= MOST]
    remedy = f"; run a slice of the study: {' or '.join(slices)}" if slices else ""
    return {"reason": f"it is measured between at most {MOST} recipes, and there are {count} here{remedy}"}


def starts_of(plan: Plan) -> list[str]:
    """The keys of trainings that are no recipe's own, but others go on from."""
    own = {key for cell in plan.evaluating for key in cell.models}
    return [cell.key for cell in plan.training if cell.key not in own]


def _sets(task: Task) -> dict[str, Images]:
    named = {"train": task.train, "validation": task.validation, "test": task.test, "inside": task.inside}
    exposed = {images.name: images for images in task.exposure.values()}
    return {name: images for name, images in named.items() if images is not None} | task.outliers | exposed


def _models(plan: Plan) -> list[dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for cell in plan.evaluating:
        entry = found.setdefault(
            (cell.recipe.label, cell.seed),
            {
                "recipe": cell.recipe.label,
                "name": cell.recipe.name,
                "seed": cell.seed,
                "replicate": cell.seed not in plan.study.seeds,
                "seen": list(cell.recipe.seen),
                "models": list(cell.models),
            },
        )
        entry.setdefault("evaluations", {})[cell.evaluation.name] = cell.key
    return list(found.values())
