"""The cell that attacks every model of a zoo, and lets all of them judge the points."""

import time
from collections.abc import Sequence

import torch

from assay.cells.base import Report
from assay.cells.models import assemble
from assay.data import Task, sample
from assay.evaluations import Observations
from assay.evaluations.transfer_matrix import judged_by, made_on
from assay.packing import pack, to_json
from assay.parts import describe
from assay.plan import EVALUATION_SEED, TransferCell
from assay.provenance import describe_run


def transfer(cell: TransferCell, task: Task, weights: Sequence[bytes], device: str, report: Report) -> dict[str, bytes]:
    """Where models are right, as `transfer_rates` takes it: on the images, and on each other's points."""
    start = time.perf_counter()
    own, count = cell.transferred, len(cell.recipes)
    images, left = sample(task.test, own.images), iter(weights)
    models = [assemble(recipe, task, [next(left) for _ in range(recipe.members)]).to(device) for recipe in cell.recipes]
    made = []
    for place, (recipe, model) in enumerate(zip(cell.recipes, models, strict=True)):
        report(place / count, f"on {recipe.label}")
        made.append(made_on(model, images, own.attack, EVALUATION_SEED))
    report(1.0, "judging")
    verdicts = [judged_by(model, images, made) for model in models]
    observations = Observations(
        tensors={
            "clean": torch.stack([clean for clean, _ in verdicts]),
            "attacked": torch.stack([attacked for _, attacked in verdicts], dim=1),
        }
    )
    record = {
        "recipes": [recipe.name for recipe in cell.recipes],
        "seed": cell.seed,
        "attack": describe(own.attack),
        "provenance": describe_run(device, time.perf_counter() - start),
    }
    return {"observations.safetensors": pack(observations), "cell.json": to_json(record)}
