"""Cells: plain data in, the files of a finished cell out. Nothing here knows the store or where it runs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from assay.architectures import Ensemble
from assay.classifier import Classifier
from assay.data import Images, Task, sample
from assay.errors import MissingDataError
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Observations, Shift
from assay.evaluations.base import Pieces, Piecewise
from assay.evaluations.draws import draws
from assay.evaluations.transfer_matrix import judged_by, made_on
from assay.fit import DivergedError, Fitted, Step, build, fit
from assay.parts import describe
from assay.plan import EVALUATION_SEED, Cell, EvaluateCell, TrainCell, TransferCell
from assay.provenance import describe_run, forget_peak
from assay.recipe import Recipe
from assay.stacks import fit_stack
from assay.store import key_of, pack, pack_weights, to_json, unpack_weights

Report = Callable[[float, str], None]  # the fraction done in [0, 1], and a few words
SECONDS = "seconds"  # what a piece took, kept among its tensors
Keep = Callable[[str, bytes], None]  # a finished piece of an evaluation, by name


def forget(name: str, content: bytes) -> None:
    """Keep no piece."""


def compute(
    cell: Cell,
    task: Task,
    weights: Sequence[bytes],
    device: str,
    report: Report,
    *,
    pieces: Mapping[str, bytes] = MappingProxyType({}),
    keep: Keep = forget,
) -> dict[str, bytes]:
    """Compute a cell: its files by name.

    Args:
        cell: what to compute.
        task: the data; it must be what the cell's key was made from.
        weights: the safetensors of `cell.models`, in that order.
        device: where to compute.
        report: called now and then.
        pieces: what an earlier run has kept of the cell.
        keep: called with each new piece, so that a later run need not compute it.
    """
    forget_peak()
    if isinstance(cell, TrainCell):
        return _train(cell, task, weights, device, report)
    if isinstance(cell, TransferCell):
        return _transfer(cell, task, weights, device, report)

    spent = 0.0  # seconds of earlier runs

    def piece(name: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        nonlocal spent
        stamped = f"{name}-{_stamp(device)}"
        if stamped in pieces:
            tensors = unpack_weights(pieces[stamped])
            spent += float(tensors.pop(SECONDS))
            return tensors
        start = time.perf_counter()
        tensors = make()
        seconds = torch.tensor(time.perf_counter() - start, dtype=torch.float64)
        keep(stamped, pack_weights(tensors | {SECONDS: seconds}))
        return tensors

    return _evaluate(cell, task, weights, device, report, piece, lambda: spent)


def _stamp(device: str) -> str:
    """What a piece depends on beside its cell's key: software and device; a piece of others is computed anew."""
    where = describe_run(device, 0)
    return key_of([where["software"], where["device"]])[:8]


def _train(cell: TrainCell, task: Task, weights: Sequence[bytes], device: str, report: Report) -> dict[str, bytes]:
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


def compute_stack(
    cells: Sequence[TrainCell], task: Task, device: str, report: Callable[[int, float, str], None]
) -> list[dict[str, bytes] | DivergedError]:
    """Train cells whose recipes stack: the files of each, or why its training diverged.

    They are the files that `compute` gives, but for the rounding of the weights and the provenance: the seconds of a
    cell are its share of the stack's, and `stack` is how many were trained together.

    Args:
        cells: whose recipes are of one family, see `assay.stacks`.
        task: the data.
        device: where to train.
        report: called now and then with the place of a cell, and what `compute` reports of it.
    """
    forget_peak()
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


def _evaluate(
    cell: EvaluateCell,
    task: Task,
    weights: Sequence[bytes],
    device: str,
    report: Report,
    pieces: Pieces,
    earlier: Callable[[], float],
) -> dict[str, bytes]:
    start = time.perf_counter()
    model = assemble(cell.recipe, task, weights).to(device)
    observe = cell.evaluation.observe
    if isinstance(cell.evaluation, Piecewise):
        observe = partial(cell.evaluation.observe, pieces=pieces)
    observations = observe(model, task, EVALUATION_SEED, lambda fraction: report(fraction, ""))
    report(1.0, "measuring")
    measurements = cell.evaluation.measure(observations)
    files = {
        "observations.safetensors": pack(observations),
        "draws.safetensors": pack_weights(_draws(cell.evaluation, observations)),
        "measurements.json": to_json([asdict(measurement) for measurement in measurements]),
    }
    record = {
        "recipe": cell.recipe.name,
        "seed": cell.seed,
        "evaluation": describe(cell.evaluation),
        "provenance": describe_run(device, time.perf_counter() - start + earlier()),  # last: its seconds hold all
    }
    return files | {"cell.json": to_json(record)}


def _transfer(
    cell: TransferCell, task: Task, weights: Sequence[bytes], device: str, report: Report
) -> dict[str, bytes]:
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


def _draws(evaluation: Evaluation, observations: Observations) -> dict[str, Tensor]:
    """Bootstrap draws of what the evaluation measures; none of an evaluation that is not assay's own."""
    if isinstance(evaluation, Calibration):
        return draws(observations, bins=evaluation.bins)
    return draws(observations) if isinstance(evaluation, Adversarial | Shift | Anomaly) else {}


def assemble(recipe: Recipe, task: Task, weights: Sequence[bytes]) -> Classifier:
    """Build the recipe's classifier from stored weights: one model, or an ensemble of several; then its `posthoc`.

    Raises:
        BadValueError: the recipe's `posthoc` does not suit its model.
        MissingDataError: the recipe's `posthoc` needs validation images, and the task has none.
    """
    images = task.test if task.train is None else task.train
    members: list[Classifier] = []
    for content in weights:
        member = build(recipe, images.shape, images.n_classes, seed=0)
        member.load_state_dict(unpack_weights(content))
        members.append(member.eval())
    model: Classifier = Ensemble(members).eval() if recipe.members > 1 else members[0]
    if recipe.posthoc is None:
        return model
    if task.validation is None and recipe.posthoc.needs_validation:
        raise MissingDataError(f"{task.name}: has no validation images to fit {describe(recipe.posthoc)} on")
    return recipe.posthoc.fit(model, images if task.validation is None else task.validation)
