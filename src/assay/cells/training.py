"""Cells that train a model, or several models as a stack."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from assay.cells.base import Report
from assay.data import Images, Task
from assay.errors import MissingDataError
from assay.fit import DivergedError, Fitted, Step, fit
from assay.packing import pack_weights, to_json, unpack_weights
from assay.plan import TrainCell
from assay.provenance import describe_run
from assay.stacks import fit_stack


def train(cell: TrainCell, task: Task, weights: Sequence[bytes], device: str, report: Report) -> dict[str, bytes]:
    """The files of a cell; arguments as for `assay.cells.compute`."""
    images = _trained_on(task)
    for name in cell.recipe.last.exposure:
        if name in task.unexposed:
            raise MissingDataError(task.unexposed[name])
    start = time.perf_counter()
    fitted = fit(
        cell.recipe,
        images,
        seed=cell.seed,
        validation=task.validation,
        outliers=task.exposure,
        start=unpack_weights(weights[0]) if weights else None,
        device=device,
        progress=lambda step: report(*_shown(step, start)),
    )
    return _trained(fitted, _training_record(cell, fitted, device, time.perf_counter() - start))


def train_together(
    cells: Sequence[TrainCell], task: Task, device: str, report: Callable[[int, float, str], None]
) -> list[dict[str, bytes] | DivergedError]:
    """The files of each cell, or why its training diverged; arguments as for `assay.cells.compute_stack`."""
    images, start = _trained_on(task), time.perf_counter()
    found = fit_stack(
        [cell.recipe for cell in cells],
        images,
        seeds=[cell.seed for cell in cells],
        validation=task.validation,
        device=device,
        progress=lambda place, step: report(place, *_shown(step, start)),
    )
    seconds = (time.perf_counter() - start) / len(cells)
    return [
        fitted
        if isinstance(fitted, DivergedError)
        else _trained(fitted, _training_record(cell, fitted, device, seconds) | {"stack": len(cells)})
        for cell, fitted in zip(cells, found, strict=True)
    ]


def _trained_on(task: Task) -> Images:
    if task.train is None:
        raise MissingDataError(f"{task.name}: has no training images")
    return task.train


def _shown(step: Step, start: float) -> tuple[float, str]:
    """How far a training is that began at `start`, for a report."""
    rate = step.seen / max(time.perf_counter() - start, 1e-9)
    text = f"epoch {step.epoch}/{step.epochs}  loss {step.loss:.3f}  accuracy {step.accuracy:.1%}"
    return step.seen / step.total, f"{text}  {rate:,.0f} images/s"


def _trained(fitted: Fitted, record: dict[str, Any]) -> dict[str, bytes]:
    return {"model.safetensors": pack_weights(fitted.model.state_dict()), "cell.json": to_json(record)}


def _training_record(cell: TrainCell, fitted: Fitted, device: str, seconds: float) -> dict[str, Any]:
    return {
        "recipe": cell.recipe.name,
        "seed": cell.seed,
        "start": list(cell.models),
        "parameters": sum(weight.numel() for weight in fitted.model.parameters()),
        "history": [epoch._asdict() for epoch in fitted.history],
        "provenance": describe_run(device, seconds),
    }
