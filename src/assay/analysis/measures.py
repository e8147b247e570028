"""Every number of a study, by what was measured and for which recipe; what is missing carries its reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd

from assay.analysis.zoo import Key
from assay.results import COLUMNS, Results, setting_text

MEAN = "mean"  # the seed of rows that average over several seeds


Columns = Mapping[str, list[Any]]  # of the table: what its rows hold, by name


class Keys:
    """The keys of rows: of many rows with the same one it is made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Key] = {}

    def __call__(self, evaluation: str, metric: str, setting: Mapping[str, str | float]) -> Key:
        """The key of a row of the table."""
        given = (evaluation, metric, *setting.items())
        if given not in self._known:
            self._known[given] = Key(evaluation, metric, tuple(sorted(setting.items())))
        return self._known[given]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number of one recipe: a value with its 95 % interval, or None; `reason` says why one of them is missing.

    `seen` names, by commas, the corruptions and outlier sets behind it whose like the model met in training.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    interval: str = ""
    reason: str = ""
    seen: str = ""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What was measured, and its cell for every recipe of the study (by label, in the study's order)."""

    evaluation: str
    metric: str
    setting: Mapping[str, str | float]
    higher_is_better: bool | None
    cells: Mapping[str, Cell]

    @property
    def measured(self) -> bool:
        """Whether any recipe has a value."""
        return any(cell.value is not None for cell in self.cells.values())


def collect(results: Results, skip: tuple[str, ...] = ()) -> list[Measure]:
    """All measures of a study in their order of appearance.

    With several seeds a cell is the row whose seed is "mean" where there is one, else the row of the first seed asked
    for that has one.

    Args:
        results: of the study.
        skip: metrics that are no measures.
    """
    order = {MEAN: 0} | {str(seed): place + 1 for place, seed in enumerate(results.seeds)}
    last = len(order)
    rows: dict[Key, dict[str, int]] = {}
    ran: set[tuple[str, str]] = set()
    columns = {name: results.table[name].tolist() for name in COLUMNS}
    known, seeds = Keys(), columns["seed"]
    named = zip(*(columns[name] for name in ("recipe", "seed", "evaluation", "metric", "setting")), strict=True)
    for place, (recipe, seed, evaluation, metric, setting) in enumerate(named):
        ran.add((recipe, evaluation))
        if metric in skip:
            continue
        cells = rows.setdefault(known(evaluation, metric, setting), {})
        before = cells.get(recipe)
        if before is None or order.get(seed, last) < order.get(seeds[before], last):
            cells[recipe] = place
    why = absences(results)
    return [_measure(results, columns, key, cells, ran, why) for key, cells in rows.items()]


def without(measures: Sequence[Measure], skip: tuple[str, ...]) -> list[Measure]:
    """The measures of other metrics than these: what `collect` gives with that `skip`."""
    return [measure for measure in measures if measure.metric not in skip]


def find(measures: list[Measure], evaluation: str, metric: str, **setting: str | float) -> Measure | None:
    """The measure of that evaluation and metric whose setting has at least these entries, or None."""
    for measure in measures:
        same = measure.evaluation == evaluation and measure.metric == metric
        if same and all(measure.setting.get(key) == value for key, value in setting.items()):
            return measure
    return None


def absences(results: Results) -> Callable[[str, str], str]:
    """A function of a recipe and an evaluation: why the store holds nothing of the two, in one sentence."""
    failed: dict[tuple[str, str], str] = {}
    for failure in results.failures:
        if failure.seed not in results.seeds:
            continue  # a replicate's
        failed.setdefault((failure.recipe, failure.stage), f"{failure.stage} failed: {failure.reason}")
    awaited = {_recipe_and_stage(text) for text in results.waiting}

    def why(recipe: str, evaluation: str) -> str:
        stages = ((recipe, evaluation), (recipe, "training"))
        for stage in stages:
            if stage in failed:
                return failed[stage]
        if any(stage in awaited for stage in stages):
            return "it has not run yet; run the study again, which does only what is missing"
        return (
            f"no {evaluation} results are stored for this recipe; run the study again, which does only what is missing"
        )

    return why


def _recipe_and_stage(text: str) -> tuple[str, str]:
    """The recipe and the stage of a waiting cell's text, such as "baseline, seed 0: shift"."""
    model, _, stage = text.rpartition(": ")
    return model.rpartition(", seed ")[0], stage


def absent(results: Results, recipe: str, evaluation: str) -> str:
    """Why the store holds nothing of that recipe's evaluation; of many recipes, `absences` is quicker."""
    return absences(results)(recipe, evaluation)


def setting_of(measure: Measure) -> str:
    """The measure's setting as people read it, such as "attack=fgsm, eps=0.3"."""
    return setting_text(measure.setting)


def number(value: object) -> float | None:
    """A table's cell as a finite number, or None where it holds none."""
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _measure(
    results: Results,
    columns: Columns,
    key: Key,
    cells: dict[str, int],
    ran: set[tuple[str, str]],
    why: Callable[[str, str], str],
) -> Measure:
    evaluation, metric, _ = key
    directions = (columns["higher_is_better"][row] for row in cells.values())
    direction = next((bool(value) for value in directions if not pd.isna(value)), None)

    def cell(recipe: str) -> Cell:
        if recipe in cells:
            return _cell(columns, cells[recipe])
        if (recipe, evaluation) in ran:
            return Cell(value=None, reason=f"the {evaluation} evaluation of this recipe gave no such number")
        return Cell(value=None, reason=why(recipe, evaluation))

    return Measure(
        evaluation=evaluation,
        metric=metric,
        setting=dict(columns["setting"][next(iter(cells.values()))]),
        higher_is_better=direction,
        cells={recipe: cell(recipe) for recipe in results.recipes},
    )


def _cell(columns: Columns, row: int) -> Cell:
    value = number(columns["value"][row])
    reason = columns["reason"][row] or ""
    return Cell(
        value=value,
        low=number(columns["low"][row]) if value is not None else None,
        high=number(columns["high"][row]) if value is not None else None,
        n=int(number(columns["n"][row]) or 0),
        interval=columns["interval"][row] or "",
        reason=reason or ("the store gives no reason" if value is None else ""),
        seen=columns["seen"][row] or "",
    )
