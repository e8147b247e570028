"""Findings that belong into every answer: a budget that nobody withstands, the largest loss, and seen beside unseen."""

from collections.abc import Iterable
from typing import NamedTuple

from assay.analysis.columns import Column, set_name
from assay.report.explain import PERCENT, metric_of, show, show_difference
from assay.report.seen import MARK
from assay.report.summary import Entry, Headline, Row
from assay.report.text import listed

WHERE = {
    "clean": "on clean images",
    "attack": "under attack",
    "shift": "under corruption",
    "anomaly": "at telling anomalies apart",
    "calibration": "in calibration",
}
WITHSTOOD = 0.1  # accuracy of ten classes by guessing: whoever has less under attack withstands nothing


class Loss(NamedTuple):
    """A clear loss: whose, by which measure, and how much."""

    recipe: str
    column: Column
    item: Entry


def void(table: Headline, place: int) -> str:
    """That nobody withstands a column's attack, such as "no recipe withstands ε = 0.3 (at most 4.9 %)"; else ""."""
    column = table.columns[place]
    if column.axis != "attack":
        return ""
    best = table.highest[place]
    budget = column.measure.setting.get("eps")
    return beaten(column.axis, column.measure.metric, budget, () if best is None else (best,))


def beaten(axis: str, metric: str, budget: str | float | None, values: Iterable[float]) -> str:
    """The same of the values of an axis, by the metric and the budget that stand for it."""
    best = max(values, default=1.0)
    if axis != "attack" or metric != "accuracy" or best >= WITHSTOOD:
        return ""
    what = "these attacks" if budget is None else f"ε = {budget:g}" if isinstance(budget, float | int) else budget
    return f"no recipe withstands {what} (at most {show(metric, best)})"


def largest_loss(table: Headline) -> Loss | None:
    """The largest clear loss of any recipe that learned something, on any axis.

    Accuracies, AUROC and ECE are shares, so their differences compare; other measures, whose units do not, count only
    where none of these is lost.
    """
    places = [place for place in range(len(table.columns)) if not void(table, place)]
    found = [
        Loss(row.recipe, table.columns[place], row.entries[place])
        for row in table.rows
        if not row.unlearned
        for place in places
        if row.entries[place].verdict == "worse"
    ]
    return max(found, key=lambda loss: (_is_share(loss.column), abs(loss.item.difference or 0.0)), default=None)


def _is_share(column: Column) -> bool:
    return metric_of(column.measure.metric).unit == PERCENT or column.measure.metric == "ece"


def loss_sentence(loss: Loss) -> str:
    """The loss in a sentence, with the value that is left."""
    metric = loss.column.measure.metric
    change = f"{loss.column.label} {show_difference(metric, loss.item.difference, unit=True)}"
    mark = f" {MARK}" if loss.item.seen else ""
    left = show(metric, loss.item.cell.value)
    return f"The largest clear loss is that of {loss.recipe} {WHERE[loss.column.axis]}: {change}, to {left}{mark}."


def seen_beside_unseen(table: Headline) -> str:
    """AUROC on the outlier sets whose like training has shown, and on the others; "" where no recipe has both.

    Of recipes that have met different sets it speaks of the largest group.
    """
    groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Row]] = {}
    for row in table.rows:
        met, new = _split(table, row)
        if met and new and not row.baseline and not row.unlearned:
            groups.setdefault((met, new), []).append(row)
    if not groups:
        return ""
    (met, new), own = max(groups.items(), key=lambda group: len(group[1]))
    return (
        f"{_with([row.recipe for row in own])} AUROC is {_on(table, own, met)}, whose like training has shown, "
        f"and {_on(table, own, new)}, whose like it has not{_of_baseline(table, (*met, *new))}."
    )


def _with(recipes: list[str]) -> str:
    """Whom the sentence is about: a recipe, or of several the step that they share, such as outlier exposure."""
    if len(recipes) == 1:
        return f"With {recipes[0]}"
    shared = [step for step in recipes[0].split(" > ") if all(step in label.split(" > ") for label in recipes)]
    return f"With {listed(shared)} ({len(recipes)} recipes)" if shared else f"With {len(recipes)} recipes"


def _split(table: Headline, row: Row) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The places of the outlier sets' columns whose like the recipe has met in training, and of the others."""
    there = [
        place
        for place, (column, item) in enumerate(zip(table.columns, row.entries, strict=True))
        if column.measure.metric == "auroc" and "outliers" in column.measure.setting and item.cell.value is not None
    ]
    met = tuple(place for place in there if row.entries[place].seen)
    return met, tuple(place for place in there if place not in met)


def _on(table: Headline, rows: list[Row], places: tuple[int, ...]) -> str:
    texts = []
    for place in places:
        values = sorted(row.entries[place].cell.value or 0.0 for row in rows)
        low, high = show("auroc", values[0], unit=False), show("auroc", values[-1])
        text = high if high.startswith(low) else f"{low} to {high}"
        texts.append(f"{text} on {set_name(str(table.columns[place].measure.setting['outliers']))}")
    return listed(texts)


def _of_baseline(table: Headline, places: tuple[int, ...]) -> str:
    row = next((row for row in table.rows if row.baseline), None)
    if row is None or row.unlearned or any(row.entries[place].cell.value is None for place in places):
        return ""
    return f" (baseline {listed([show('auroc', row.entries[place].cell.value) for place in places])})"
