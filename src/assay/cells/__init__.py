"""Cells: plain data in, the files of a finished cell out. Nothing here knows the store or where it runs."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from assay.cells.base import Given, Keep, Report, forget
from assay.cells.evaluation import evaluate, evaluate_together
from assay.cells.models import assemble
from assay.cells.training import train, train_together
from assay.cells.transfer import transfer
from assay.data import Task
from assay.errors import BadValueError
from assay.plan import Cell, EvaluateCell, TrainCell
from assay.provenance import forget_peak

__all__ = ["Given", "Keep", "Report", "assemble", "compute", "compute_stack", "forget"]


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
        return train(cell, task, weights, device, report)
    if isinstance(cell, EvaluateCell):
        return evaluate(cell, task, Given(weights, pieces), device, report, keep)
    return transfer(cell, task, weights, device, report)


def compute_stack(
    cells: Sequence[Cell],
    task: Task,
    given: Sequence[Given],
    device: str,
    report: Callable[[int, float, str], None],
    keep: Callable[[int, str, bytes], None],
) -> list[dict[str, bytes] | Exception]:
    """Compute cells together: the files of each, or what broke it.

    They are the files that `compute` gives, but for rounding and the provenance: the seconds of a cell are its share of
    the stack's, and `stack` is how many were computed together.

    Args:
        cells: trainings whose recipes are of one family, or evaluations that are, see `assay.stacks`.
        task: the data.
        given: what each is given.
        device: where to compute.
        report: called now and then with the place of a cell, and what `compute` reports of it.
        keep: called with the place of a cell and each new piece of it.

    Raises:
        BadValueError: the cells are neither trainings nor evaluations, or some are the ones and some the others.
    """
    forget_peak()
    training = [cell for cell in cells if isinstance(cell, TrainCell)]
    evaluating = [cell for cell in cells if isinstance(cell, EvaluateCell)]
    if len(training) == len(cells):
        return list(train_together(training, task, device, report))
    if len(evaluating) == len(cells):
        return evaluate_together(evaluating, task, given, device, report, keep)
    raise BadValueError("cells: expected trainings, or evaluations, to compute together; compute each by itself")
