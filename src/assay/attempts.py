"""Attempts at cells that were handed out together: what breaks one is told, and the others go on."""

from collections.abc import Callable, Sequence
from functools import partial

from assay.cells import Given, compute, compute_stack
from assay.data import Task
from assay.errors import StoreError
from assay.fit import DivergedError
from assay.plan import Cell
from assay.reasons import reason_of

Show = Callable[[int, float, str], None]  # the place of a cell, the fraction done in [0, 1], and a few words
Keep = Callable[[int, str, bytes], None]  # the place of a cell, and a finished piece of it with its name
Outcome = dict[str, bytes] | str  # a cell's files by name, or why it failed


def attempt(
    cells: Sequence[Cell], task: Task, given: Sequence[Given], device: str, show: Show, keep: Keep
) -> list[Outcome]:
    """Compute a cell, or several as a stack.

    A stack that breaks as a whole, as where a GPU lacks the memory for it, is computed cell by cell, and so is an
    evaluation that breaks in one.

    Args:
        cells: one cell, or several that stack.
        task: the data.
        given: what each is given.
        device: where to compute.
        show: called now and then.
        keep: called with each new piece of an evaluation.

    Returns:
        What became of each cell. What breaks one that was handed out by itself is raised.
    """
    kept: list[dict[str, bytes]] = [{**one.pieces} for one in given]

    def keep_too(place: int, name: str, content: bytes) -> None:
        kept[place][name] = content
        keep(place, name, content)

    def alone(place: int) -> dict[str, bytes]:
        weights, show_one, keep_one = given[place].weights, partial(show, place), partial(keep, place)
        return compute(cells[place], task, weights, device, show_one, pieces=kept[place], keep=keep_one)

    if len(cells) == 1:
        return [alone(0)]
    outcomes, again = _outcomes(cells, task, given, device, show, keep_too)
    for place in again:
        show(place, 0.0, f"alone, since it broke in its stack: {outcomes[place]}")
    for place in again:
        try:
            outcomes[place] = alone(place)
        except StoreError:  # the disk is full, say: so it would be for every other cell
            raise
        except Exception as error:  # whatever breaks one cell, the others go on
            outcomes[place] = reason_of(error)
    return outcomes


def _outcomes(
    cells: Sequence[Cell], task: Task, given: Sequence[Given], device: str, show: Show, keep: Keep
) -> tuple[list[Outcome], list[int]]:
    """What became of the cells of a stack, and the places of those that may be fine by themselves.

    No error leaves this function: it would hold what was computed as it was raised, and with it the memory.
    """
    found: list[dict[str, bytes] | Exception]
    try:
        found = compute_stack(cells, task, given, device, show, keep)
    except Exception as error:  # whatever breaks the stack, its cells may be fine
        found = [error] * len(cells)
    # A training that diverges would do so by itself.
    again = [place for place, one in enumerate(found) if not isinstance(one, dict | DivergedError)]
    return [one if isinstance(one, dict) else reason_of(one) for one in found], again
