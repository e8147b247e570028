"""The answer in two sentences and one card an axis: which recipe leads, and what it costs elsewhere.

A recipe that answers one class for every image has learned nothing and leads nowhere.

Nor does a recipe lead under attack where checks say that the attacks on it fail.

Only clear differences are claimed: those that summary.py judges better or worse. What leads, gains or loses on a test
whose like it has met in training is said to do so. Under attacks that no recipe withstands nobody leads, gains or
loses.
"""

from dataclasses import dataclass
from typing import NamedTuple

from assay.analysis.columns import AXES, Column
from assay.analysis.measures import Cell
from assay.report.explain import show, show_difference
from assay.report.findings import WHERE, largest_loss, loss_sentence, seen_beside_unseen, void
from assay.report.seen import MARK, how_far, tests_of
from assay.report.summary import Entry, Headline, Row, judge
from assay.report.text import listed

NUMBERS = 2  # a sentence holds so many losses with their numbers; of more it names the axes alone
NOTHING = "Only the baseline is measured yet, so there is nothing to compare."


class Cost(NamedTuple):
    """A clear loss in words, and what of its test training has met the like of, or ""."""

    column: Column
    difference: str
    seen: str


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
        costs: one for every other axis on which it is clearly worse than the baseline.
        void: that no recipe withstands the attack, so that the best value leads nowhere; or "".
    """

    column: Column
    recipe: str
    cell: Cell
    seen: str
    base: Cell | None
    clear: bool
    level: tuple[str, ...]
    costs: tuple[Cost, ...]
    void: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Two sentences, and the leaders behind them in the order of the axes.

    `more` are sentences on the largest loss, where the two do not name it, and on seen beside unseen outliers. `alone`
    says why nothing is held against the baseline, or is "".
    """

    sentences: tuple[str, str]
    leaders: tuple[Leader, ...]
    alone: str = ""
    more: tuple[str, ...] = ()

    @property
    def marked(self) -> bool:
        """Whether anything in it, the leaders' cards included, carries the mark of seen tests."""
        seen = any(item.seen or any(cost.seen for cost in item.costs) for item in self.leaders)
        return seen or any(MARK in text for text in (*self.sentences, *self.more))


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
            more=_doubts(table),
            sentences=(
                "Nothing is measured yet, so there is no answer.",
                "The last sections say what is missing, and why.",
            ),
            leaders=(),
        )
    why = _useless(table, row)
    if _alone(table):
        sentences = _one(leaders), _price(table, leaders, base, why) if base is None else NOTHING
    else:
        sentences = _who(leaders, base), _price(table, leaders, base, why)
    return Answer(sentences=sentences, leaders=leaders, alone=why, more=_more(table, leaders, base))


def _alone(table: Headline) -> bool:
    """Whether one recipe alone has values."""
    return sum(any(item.cell.value is not None for item in row.entries) for row in table.rows) == 1


def _more(table: Headline, leaders: tuple[Leader, ...], base: Row | None) -> tuple[str, ...]:
    loss = largest_loss(table) if base is not None else None
    paying = _paying(leaders)
    if loss is not None and _few(paying):
        named = any(cost.column is loss.column for cost in paying.get(loss.recipe, ()))
        loss = None if named else loss
    found = ("" if loss is None else loss_sentence(loss), seen_beside_unseen(table))
    return (*_doubts(table), *(text for text in found if text))


def _doubts(table: Headline) -> tuple[str, ...]:
    """A sentence for each recipe whose accuracy under attack its checks refute."""
    return tuple(
        f"Do not trust the accuracy of {row.recipe} under attack: it is too high, as "
        f"{'a check' if len(row.doubted) == 1 else f'{len(row.doubted)} checks'} for failing attacks found "
        f"({listed(row.doubted)}); see the signs to distrust."
        for row in table.rows
        if row.doubted
    )


def _useless(table: Headline, row: Row | None) -> str:
    """Why nothing can be held against the baseline, or ""."""
    if row is None:
        return "there is no baseline here"
    if row.unlearned:
        return "the baseline has learned nothing (it answers one class for every image)"
    measured = (item.cell.value for column, item in zip(table.columns, row.entries, strict=True) if column.primary)
    return "" if any(value is not None for value in measured) else "the baseline is not measured yet"


def _leader(table: Headline, place: int, base: Row | None) -> Leader | None:
    column = table.columns[place]
    measured = [row for row in table.rows if row.entries[place].cell.value is not None and not row.unlearned]
    if column.axis == "attack":
        measured = [row for row in measured if not row.doubted]
    if not measured:
        return None
    sign = -1 if column.measure.higher_is_better is False else 1
    best = max(measured, key=lambda row: sign * (row.entries[place].cell.value or 0.0))
    cell, none = best.entries[place].cell, void(table, place)
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
        clear=best.entries[place].verdict == "better" and not none,
        level=tuple(level),
        costs=() if none else _costs(table, best, column.axis),
        void=none,
    )


def _costs(table: Headline, row: Row, axis: str) -> tuple[Cost, ...]:
    """One loss for every other axis that has a clear one: its primary measure's, else the first column's that lost."""
    costs: dict[str, Cost] = {}
    for column, item in _judged(table, row):
        if column.axis != axis and item.verdict == "worse" and (column.primary or column.axis not in costs):
            difference = show_difference(column.measure.metric, item.difference, unit=True)
            costs[column.axis] = Cost(column, difference, item.seen)
    return tuple(costs.values())


def _judged(table: Headline, row: Row) -> list[tuple[Column, Entry]]:
    """A recipe's entries with their columns, but for attacks that no recipe withstands or that fail on it."""
    return [
        (column, item)
        for place, (column, item) in enumerate(zip(table.columns, row.entries, strict=True))
        if not void(table, place) and not (row.doubted and column.axis == "attack")
    ]


def _one(leaders: tuple[Leader, ...]) -> str:
    """The values of the only model: it leads nobody."""
    claims = [f"{value_text(i.column, i.cell)} {WHERE[i.column.axis]} ({i.column.label})" for i in leaders]
    return f"{leaders[0].recipe} reaches {listed(claims)}."


def _who(leaders: tuple[Leader, ...], base: Row | None) -> str:
    beaten = " ".join(f"{WHERE[item.column.axis].capitalize()} {item.void}." for item in leaders if item.void)
    leaders = tuple(item for item in leaders if not item.void)
    return f"{_ahead(leaders, base)} {beaten}".strip()


def _ahead(leaders: tuple[Leader, ...], base: Row | None) -> str:
    if not leaders:
        return ""
    if base is None:
        claims = [f"{item.recipe} {_where(item)}" for item in leaders]
        return f"Best values: {listed(claims)}."
    clear = [item for item in leaders if item.clear]
    flat = [WHERE[item.column.axis] for item in leaders if not item.clear and _known(item)]
    open_ = [WHERE[item.column.axis] for item in leaders if not _known(item)]
    unknown = f" The baseline is not measured {listed(open_, 'or')}." if open_ else ""
    if not clear:
        none = f"No recipe is clearly better than the baseline {listed(flat, 'or')}." if flat else ""
        return f"{none}{unknown}".strip()
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
    if not any(_gains(table, row) for row in table.rows if not row.unlearned):
        return _nothing_gained(table)
    paying = _paying(leaders)
    free = [row.recipe + _by_seen(table, row) for row in table.rows if _free(table, row)]
    if paying:
        bills = [f"{recipe} pays {_bill(costs, _few(paying))}" for recipe, costs in paying.items()]
        price = f"Against the baseline {'; '.join(bills)}"
    else:
        price = "No leader is clearly worse than the baseline on another axis"
    if not free:
        return f"{price}; no recipe gains without a clear loss somewhere else."
    verb = "gains" if len(free) == 1 else "gain"
    names = listed(free) if len(free) <= 3 else f"{len(free)} recipes{_some_by_seen(table)}"
    return f"{price}, while {names} {verb} without a clear loss anywhere."


def _paying(leaders: tuple[Leader, ...]) -> dict[str, tuple[Cost, ...]]:
    """What every recipe pays that leads clearly somewhere."""
    return {item.recipe: item.costs for item in leaders if item.clear and item.costs}


def _few(paying: dict[str, tuple[Cost, ...]]) -> bool:
    return sum(map(len, paying.values())) <= NUMBERS


def _nothing_gained(table: Headline) -> str:
    """That no recipe gains by an axis's primary measure, and how many lose."""
    rows = [row for row in table.rows if not row.baseline and not row.unlearned]
    verdicts = [{item.verdict for _, item in _judged(table, row)} for row in rows]
    found = set[str]().union(*verdicts)
    if not found & {"better", "worse", "noise"}:
        return "No difference to the baseline could be judged, so nothing says what a recipe gains or costs."
    losing = sum("worse" in own for own in verdicts)
    what = "by a measure that stands for its axis" if "better" in found else "on any axis"
    rest = f"{losing} {'loses' if losing == 1 else 'lose'} on some" if losing else "none loses"
    return f"No recipe gains beyond noise {what}, and {rest}."


def _free(table: Headline, row: Row) -> bool:
    """Whether a recipe is better by an axis's primary measure, and worse by none."""
    lost = any(item.verdict == "worse" for _, item in _judged(table, row))
    return bool(_gains(table, row)) and not row.unlearned and not lost


def _gains(table: Headline, row: Row) -> list[Entry]:
    return [item for column, item in _judged(table, row) if column.primary and item.verdict == "better"]


def _by_seen(table: Headline, row: Row) -> str:
    """That a recipe gains only or in part on tests whose like its training met, or ""."""
    gained = [(column, item) for column, item in _judged(table, row) if item.verdict == "better"]
    met = [column.measure.setting for column, item in gained if item.seen]
    part = how_far(met) if len(met) == len(gained) else "in part"
    return f" ({part} on tests like those it was trained on)" if met else ""


def _some_by_seen(table: Headline) -> str:
    asides = [_by_seen(table, row) for row in table.rows if _free(table, row)]
    counts = {part: sum(f"({part} " in text for text in asides) for part in ("only", "in part")}
    parts = [f"{count} of them {part}" for part, count in counts.items() if count]
    return f" ({listed(parts)} on tests like those they were trained on)" if parts else ""


def _bill(costs: tuple[Cost, ...], numbers: bool) -> str:
    def text(cost: Cost) -> str:
        mark = f" {MARK}" if cost.seen else ""
        where = WHERE[cost.column.axis]
        return f"{where} ({cost.column.label} {cost.difference}{mark})" if numbers else f"{where}{mark}"

    return listed([text(cost) for cost in costs])


def axis_title(column: Column) -> str:
    """The axis and what stands for it, such as "Attack: worst case, ε = 0.3"."""
    return f"{AXES[column.axis]}: {column.label}"


def value_text(column: Column, cell: Cell | None) -> str:
    """A cell of that column as people read it."""
    return show(column.measure.metric, cell.value if cell is not None else None)
