"""The answer in two sentences and one card an axis: which recipe leads, and what it costs elsewhere.

A recipe that answers one class for every image has learned nothing and leads nowhere.

Only clear differences are claimed: those that summary.py judges better or worse. What leads or gains on a test whose
like it has met in training is said to do so.
"""

from dataclasses import dataclass

from assay.analysis.columns import AXES, Column
from assay.analysis.measures import Cell
from assay.report.explain import show, show_difference
from assay.report.seen import how_far, tests_of
from assay.report.summary import Entry, Headline, Row, judge
from assay.report.text import listed

WHERE = {
    "clean": "on clean images",
    "attack": "under attack",
    "shift": "under corruption",
    "anomaly": "at telling anomalies apart",
    "calibration": "in calibration",
}

NUMBERS = 2  # a sentence holds so many losses with their numbers; of more it names the axes alone


@dataclass(frozen=True, kw_only=True)
class Leader:
    """The best recipe of one axis by its primary measure.

    Attributes:
        column: the axis's primary column.
        recipe: the label of the recipe with the best value.
        cell: its value.
        seen: what of its test the recipe has met the like of in training, or "".
        base: the baseline's cell, or None.
        clear: whether it is clearly better than the baseline.
        level: the recipes that its interval does not part it from.
        costs: (column, difference in words) for every other axis on which it is clearly worse than the baseline.
    """

    column: Column
    recipe: str
    cell: Cell
    seen: str
    base: Cell | None
    clear: bool
    level: tuple[str, ...]
    costs: tuple[tuple[Column, str], ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Two sentences, and the leaders behind them in the order of the axes.

    `alone` says why nothing is held against the baseline, or is "".
    """

    sentences: tuple[str, str]
    leaders: tuple[Leader, ...]
    alone: str = ""


def answer(table: Headline) -> Answer:
    """Draw the answer from the headline's numbers."""
    row = next((row for row in table.rows if row.baseline), None)
    base = None if _useless(table, row) else row
    leaders = tuple(
        leader
        for place, column in enumerate(table.columns)
        if column.primary and column.axis != "clean" and (leader := _leader(table, place, base)) is not None
    )
    if not leaders:
        return Answer(
            sentences=(
                "Nothing is measured yet, so there is no answer.",
                "The last sections say what is missing, and why.",
            ),
            leaders=(),
        )
    why = _useless(table, row)
    return Answer(sentences=(_who(leaders, base), _price(table, leaders, base, why)), leaders=leaders, alone=why)


def _useless(table: Headline, row: Row | None) -> str:
    """Why nothing can be held against the baseline, or ""."""
    if row is None:
        return "the study has no baseline here"
    if row.unlearned:
        return "the baseline has learned nothing (it answers one class for every image)"
    measured = (item.cell.value for column, item in zip(table.columns, row.entries, strict=True) if column.primary)
    return "" if any(value is not None for value in measured) else "the baseline is not measured yet"


def _leader(table: Headline, place: int, base: Row | None) -> Leader | None:
    column = table.columns[place]
    measured = [row for row in table.rows if row.entries[place].cell.value is not None and not row.unlearned]
    if not measured:
        return None
    sign = -1 if column.measure.higher_is_better is False else 1
    best = max(measured, key=lambda row: sign * (row.entries[place].cell.value or 0.0))
    cell = best.entries[place].cell
    level = [
        row.recipe
        for row in measured
        if row is not best and judge(cell, row.entries[place].cell, column.measure.higher_is_better) != "better"
    ]
    return Leader(
        column=column,
        recipe=best.recipe,
        cell=cell,
        seen=best.entries[place].seen,
        base=base.entries[place].cell if base is not None else None,
        clear=best.entries[place].verdict == "better",
        level=tuple(level),
        costs=_costs(table, best, column.axis),
    )


def _costs(table: Headline, row: Row, axis: str) -> tuple[tuple[Column, str], ...]:
    """One loss for every other axis that has a clear one: its primary measure's, else the first column's that lost."""
    costs: dict[str, tuple[Column, str]] = {}
    for column, item in zip(table.columns, row.entries, strict=True):
        if column.axis != axis and item.verdict == "worse" and (column.primary or column.axis not in costs):
            costs[column.axis] = column, show_difference(column.measure.metric, item.difference, unit=True)
    return tuple(costs.values())


def _who(leaders: tuple[Leader, ...], base: Row | None) -> str:
    if base is None:
        claims = [f"{item.recipe} {_where(item)}" for item in leaders]
        return f"Best values: {listed(claims)}."
    clear = [item for item in leaders if item.clear]
    flat = [WHERE[item.column.axis] for item in leaders if not item.clear and _known(item)]
    open_ = [WHERE[item.column.axis] for item in leaders if not _known(item)]
    unknown = f" The baseline is not measured {listed(open_, 'or')}." if open_ else ""
    if not clear:
        return f"No recipe is clearly better than the baseline {listed(flat, 'or')}.{unknown}"
    names = list(dict.fromkeys(item.recipe for item in clear))
    claims = [
        f"{name}{'' if place else ' leads'} {listed([_where(item) for item in clear if item.recipe == name])}"
        for place, name in enumerate(names)
    ]
    opening = "" if len(names) == 1 else "No single recipe is best at everything: "
    tail = f"; {listed(flat, 'or')} none is clearly better than the baseline" if flat else ""
    return f"{opening}{listed(claims)}{tail}.{unknown}"


def _known(item: Leader) -> bool:
    return item.base is not None and item.base.value is not None


def _where(item: Leader) -> str:
    asides = [text for text in (_level(item), _met(item)) if text]
    return WHERE[item.column.axis] + (f" ({'; '.join(asides)})" if asides else "")


def _level(item: Leader) -> str:
    """Whom the leader is not clearly ahead of; the name where it is one, else how many."""
    if not item.level:
        return ""
    return f"level with {item.level[0]}" if len(item.level) == 1 else f"level with {len(item.level)} others"


def _met(item: Leader) -> str:
    """What of the test the leader has met the like of in training."""
    return f"its training met the like of {listed(tests_of(item.cell))}" if item.seen else ""


def _price(table: Headline, leaders: tuple[Leader, ...], base: Row | None, why: str) -> str:
    if base is None:
        return f"{why[0].upper()}{why[1:]}, so nothing says what a recipe gains or costs."
    paying = {item.recipe: item.costs for item in leaders if item.clear and item.costs}
    free = [row.recipe + _by_seen(table, row) for row in table.rows if _free(table, row)]
    if paying:
        few = sum(map(len, paying.values())) <= NUMBERS
        bills = [f"{recipe} pays {_bill(costs, few)}" for recipe, costs in paying.items()]
        price = f"Against the baseline {'; '.join(bills)}"
    else:
        price = "No leader is clearly worse than the baseline on another axis"
    if not free:
        return f"{price}; no recipe gains without a clear loss somewhere else."
    verb = "gains" if len(free) == 1 else "gain"
    names = listed(free) if len(free) <= 3 else f"{len(free)} recipes{_some_by_seen(table)}"
    return f"{price}, while {names} {verb} without a clear loss anywhere."


def _free(table: Headline, row: Row) -> bool:
    """Whether a recipe is better by an axis's primary measure, and worse by none."""
    return bool(_gains(table, row)) and not row.unlearned and all(item.verdict != "worse" for item in row.entries)


def _gains(table: Headline, row: Row) -> list[tuple[Column, Entry]]:
    pairs = zip(table.columns, row.entries, strict=True)
    return [(column, item) for column, item in pairs if column.primary and item.verdict == "better"]


def _seen_gains(table: Headline, row: Row) -> list[Column]:
    """What a recipe gains on where its training met the like of each of it, wholly or in part; else nothing."""
    gains = _gains(table, row)
    return [column for column, _ in gains] if all(item.seen for _, item in gains) else []


def _by_seen(table: Headline, row: Row) -> str:
    """That a recipe gains on tests alone whose like its training met, or on means that partly rest on such, or ""."""
    columns = _seen_gains(table, row)
    how = how_far(column.measure.setting for column in columns)
    return f" ({how} on tests like those it was trained on)" if columns else ""


def _some_by_seen(table: Headline) -> str:
    found = [columns for row in table.rows if _free(table, row) and (columns := _seen_gains(table, row))]
    how = how_far(column.measure.setting for columns in found for column in columns)
    return f" ({len(found)} of them {how} on tests like those they were trained on)" if found else ""


def _bill(costs: tuple[tuple[Column, str], ...], numbers: bool) -> str:
    return listed(
        [WHERE[column.axis] + (f" ({column.label} {difference})" if numbers else "") for column, difference in costs]
    )


def axis_title(column: Column) -> str:
    """The axis and what stands for it, such as "Attack: worst case, ε = 0.3"."""
    return f"{AXES[column.axis]}: {column.label}"


def value_text(column: Column, cell: Cell | None) -> str:
    """A cell of that column as people read it."""
    return show(column.measure.metric, cell.value if cell is not None else None)
