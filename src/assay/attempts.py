"""Attempts at cells that were handed out together: what breaks one is told, and the others go on."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from assay.cells import Keep, Report, compute, compute_stack, forget
from assay.data import Task
from assay.driver import reason_of
from assay.plan import Cell, TrainCell

Show = Callable[[int, float, str], None]  # the place of a cell, the fraction done in [0, 1], and a few words
Outcome = dict[str, bytes] | str  # a cell's files by name, or why it failed


def attempt(
    cells: Sequence[Cell],
    task: Task,
    weights: Sequence[bytes],
    device: str,
    show: Show,
    *,
    pieces: Mapping[str, bytes] = MappingProxyType({}),
    keep: Keep = forget,
) -> list[Outcome]:
    """Compute a cell, or several trainings as a stack.

    A stack that breaks as a whole, as where a GPU lacks the memory for it, is computed cell by cell.

    Args:
        cells: one cell, or trainings that stack.
        task: the data.
        weights: of the models that the one cell needs.
        device: where to compute.
        show: called now and then.
        pieces: what an earlier run has kept of the one cell.
        keep: called with each new piece.

    Returns:
        What became of each cell. What breaks one that was handed out by itself is raised.
    """
    trainings = [cell for cell in cells if isinstance(cell, TrainCell)]
    if len(cells) == 1:
        return [compute(cells[0], task, weights, device, partial(show, 0), pieces=pieces, keep=keep)]
    try:
        found = compute_stack(trainings, task, device, show)
    except Exception as error:  # whatever breaks the stack, its cells may be fine
        reason = reason_of(error)
    else:
        return [reason_of(one) if isinstance(one, Exception) else one for one in found]
    for place in range(len(cells)):
        show(place, 0.0, f"alone, since the stack broke: {reason}")
    return [_alone(cell, task, device, partial(show, place)) for place, cell in enumerate(cells)]


def _alone(cell: Cell, task: Task, device: str, report: Report) -> Outcome:
    try:
        return compute(cell, task, (), device, report)
    except Exception as error:  # whatever breaks one cell, the others go on
        return reason_of(error)
