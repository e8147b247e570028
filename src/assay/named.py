"""The cells that a study's plan names, as the store keeps it: one walk for all who ask what belongs to a study."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from assay.plan_record import EARLIER, STARTS
from assay.study import TRANSFER

ALL, FIRST = "all recipes", "starts of tunings"  # what stands in a recipe's place where a cell is of no single one


class NamedCell(NamedTuple):
    """A cell that a plan names.

    Attributes:
        kind: "models" or "evaluations".
        key: in the store.
        recipe: the label of the recipe that it belongs to, `ALL` or `FIRST`.
        seed: of the training; None where the plan does not tell.
        stage: "training", an evaluation's name, or "transfer".
    """

    kind: str
    key: str
    recipe: str
    seed: int | None
    stage: str

    @property
    def title(self) -> str:
        """Such as "pgd(eps=0.3, steps=40), seed 0, training"."""
        return title_of(self.recipe, self.seed, self.stage)


def title_of(recipe: str, seed: int | None, stage: str) -> str:
    """A cell in words."""
    return ", ".join([recipe, *([] if seed is None else [f"seed {seed}"]), stage])


def cells_of(plan: Mapping[str, Any]) -> tuple[NamedCell, ...]:
    """All cells of a plan, each once.

    A model that several recipes share belongs to the one with the fewest models: its own, and no ensemble of it.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: the plan is damaged.
    """
    return _once(_cells(plan))


def earlier_cells_of(plan: Mapping[str, Any]) -> tuple[NamedCell, ...]:
    """The cells that former runs with other options named, such as of other seeds; errors as `cells_of`."""
    return _once(_of_models(plan.get(EARLIER, [])))


def _once(cells: Iterator[NamedCell]) -> tuple[NamedCell, ...]:
    found: dict[tuple[str, str], NamedCell] = {}
    for cell in cells:
        found.setdefault((cell.kind, cell.key), cell)
    return tuple(found.values())


def _cells(plan: Mapping[str, Any]) -> Iterator[NamedCell]:
    for key in plan.get(STARTS, []):
        yield NamedCell("models", key, FIRST, None, "training")
    yield from _of_models(plan["models"])
    transfer = plan.get(TRANSFER, {})
    if "key" in transfer:
        yield NamedCell("evaluations", transfer["key"], ALL, transfer.get("seed"), TRANSFER)


def _of_models(entries: list[dict[str, Any]]) -> Iterator[NamedCell]:
    for entry in sorted(entries, key=lambda entry: len(entry["models"])):
        for key in entry["models"]:
            yield NamedCell("models", key, entry["recipe"], entry["seed"], "training")
        for evaluation, key in entry["evaluations"].items():
            yield NamedCell("evaluations", key, entry["recipe"], entry["seed"], evaluation)
