"""Cells that evaluate a model, or several models at once."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial

import torch
from torch import Tensor

from assay.cells.base import Given, Keep, Report
from assay.cells.models import assemble, joined, networks
from assay.classifier import Classifier
from assay.data import Task
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Observations, Shift
from assay.evaluations.base import Piecewise
from assay.evaluations.draws import draws
from assay.packing import pack, pack_weights, to_json, unpack_weights
from assay.parts import describe
from assay.plan import EVALUATION_SEED, EvaluateCell
from assay.provenance import describe_run
from assay.stacks import together
from assay.store import key_of

SECONDS = "seconds"  # what a piece took, kept among its tensors


def evaluate(cell: EvaluateCell, task: Task, given: Given, device: str, report: Report, keep: Keep) -> dict[str, bytes]:
    """The files of a cell; arguments as for `assay.cells.compute`."""
    start = time.perf_counter()
    pieces = _Pieces(given.pieces, keep, device)
    model = assemble(cell.recipe, task, given.weights).to(device)
    files = _measured(cell, _observe(cell, model, task, report, pieces), report)
    seconds = time.perf_counter() - start + pieces.earlier  # last: they hold all
    return files | {"cell.json": _record(cell, device, seconds)}


def evaluate_together(
    cells: Sequence[EvaluateCell],
    task: Task,
    given: Sequence[Given],
    device: str,
    report: Callable[[int, float, str], None],
    keep: Callable[[int, str, bytes], None],
) -> list[dict[str, bytes] | Exception]:
    """The files of each cell, or what broke it; arguments as for `assay.cells.compute_stack`."""
    start, count = time.perf_counter(), len(cells)
    pieces = [_Pieces(one.pieces, partial(keep, place), device, share=1 / count) for place, one in enumerate(given)]
    groups = [
        [network.to(device) for network in networks(cell.recipe, task, one.weights)]
        for cell, one in zip(cells, given, strict=True)
    ]

    def work(place: int, stand_ins: Sequence[Classifier]) -> Observations:
        cell = cells[place]
        return _observe(cell, joined(cell.recipe, stand_ins), task, partial(report, place), pieces[place])

    found = [
        one if isinstance(one, Exception) else _measured(cells[place], one, partial(report, place))
        for place, one in enumerate(together(groups, work))
    ]
    seconds = (time.perf_counter() - start) / count
    return [
        files
        if isinstance(files, Exception)
        else files | {"cell.json": _record(cell, device, seconds + own.earlier, stack=count)}
        for cell, files, own in zip(cells, found, pieces, strict=True)
    ]


class _Pieces:
    """What earlier runs have kept of an evaluation is taken, and what is new is kept.

    Attributes:
        earlier: seconds that the pieces took which were taken.
    """

    def __init__(self, there: Mapping[str, bytes], keep: Keep, device: str, share: float = 1.0) -> None:
        """`share` is which part of the time that passes is this evaluation's."""
        self.there, self.keep, self.share = there, keep, share
        where = describe_run(device, 0)
        # What a piece depends on beside its cell's key: one of other software or another device is computed anew.
        self.stamp = key_of([where["software"], where["device"]])[:8]
        self.earlier = 0.0

    def __call__(self, name: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        stamped = f"{name}-{self.stamp}"
        if stamped in self.there:
            tensors = unpack_weights(self.there[stamped])
            self.earlier += float(tensors.pop(SECONDS))
            return tensors
        start = time.perf_counter()
        tensors = make()
        seconds = torch.tensor((time.perf_counter() - start) * self.share, dtype=torch.float64)
        self.keep(stamped, pack_weights(tensors | {SECONDS: seconds}))
        return tensors


def _observe(cell: EvaluateCell, model: Classifier, task: Task, report: Report, pieces: _Pieces) -> Observations:
    observe = cell.evaluation.observe
    if isinstance(cell.evaluation, Piecewise):
        observe = partial(cell.evaluation.observe, pieces=pieces)
    return observe(model, task, EVALUATION_SEED, lambda fraction: report(fraction, ""))


def _measured(cell: EvaluateCell, observations: Observations, report: Report) -> dict[str, bytes]:
    """All files but the record."""
    report(1.0, "measuring")
    measurements = cell.evaluation.measure(observations)
    return {
        "observations.safetensors": pack(observations),
        "draws.safetensors": pack_weights(_draws(cell.evaluation, observations)),
        "measurements.json": to_json([asdict(measurement) for measurement in measurements]),
    }


def _record(cell: EvaluateCell, device: str, seconds: float, **more: int) -> bytes:
    record = {
        "recipe": cell.recipe.name,
        "seed": cell.seed,
        "evaluation": describe(cell.evaluation),
        "provenance": describe_run(device, seconds),
    }
    return to_json(record | more)


def _draws(evaluation: Evaluation, observations: Observations) -> dict[str, Tensor]:
    """Bootstrap draws of what the evaluation measures; none of an evaluation that is not assay's own."""
    if isinstance(evaluation, Calibration):
        return draws(observations, bins=evaluation.bins)
    return draws(observations) if isinstance(evaluation, Adversarial | Shift | Anomaly) else {}
