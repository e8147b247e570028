"""The headline: recipes x axes, and where recipes differ from the baseline beyond noise.

How better and worse are judged: as the analysis does, see `assay.report.judged`; a difference is then to the mean of
the baseline's trainings. Where the analysis has no verdict, as of results without draws, a recipe differs clearly from
the baseline where their 95 % intervals do not overlap, and otherwise is "within noise". This is conservative: two
independent 95 % intervals of equal width part by chance in about 0.6 % of comparisons rather than 5 %, and less where
both models meet the same images (Schenker and Gentleman 2001, "On judging the significance of differences by examining
the overlap between confidence intervals"). Where one of the two has no interval, the difference is shown and left
unjudged.

mCE is a ratio to the baseline of the same seed, so its difference is to 1. Its verdict is the analysis's like all
others, which takes the ratio to the mean of the baseline's trainings; where the two differ in sign there is none. Its
interval knows nothing of the noise of training, so it is held against 1 only where there is but one training.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from assay.analysis.columns import Column, choose
from assay.analysis.measures import Cell, Measure, collect
from assay.report.checks import overstated
from assay.report.doubts import EVENTS
from assay.report.judged import RELATIVE, Judged, key_of
from assay.report.seen import said, unseen_text
from assay.results import Results

Verdict = Literal["baseline", "better", "worse", "noise", "unjudged", "missing"]
SYMBOLS: dict[Verdict, str] = {
    "baseline": "", "better": "✓", "worse": "✗", "noise": "≈", "unjudged": "", "missing": "",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A cell beside the baseline's.

    `difference` is this value minus the baseline's, None where there is none; `seen` says what of its test the model
    has met the like of in training, and what is left without it, or is "".
    """

    cell: Cell
    difference: float | None
    verdict: Verdict
    seen: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recipe's entries, one a column; `unlearned` where it answers one class for every image.

    `doubted` names the raised flags that say that its accuracy under attack is too high.
    """

    recipe: str
    baseline: bool
    entries: tuple[Entry, ...]
    unlearned: bool = False
    doubted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The recipes x axes table."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @cached_property
    def highest(self) -> tuple[float | None, ...]:
        """For each column the highest value of a recipe that learned something; None where there is none."""
        each = (
            [row.entries[place].cell.value for row in self.rows if not row.unlearned]
            for place in range(len(self.columns))
        )
        return tuple(max((value for value in values if value is not None), default=None) for values in each)


def headline(results: Results, measures: list[Measure] | None = None, judged: Judged | None = None) -> Headline:
    """The table of recipes x axes; an axis without results keeps a column that says why."""
    found = collect(results, skip=EVENTS) if measures is None else measures
    columns, doubted = choose(results, found), overstated(results)
    rows = [
        Row(
            recipe=recipe,
            baseline=recipe == results.baseline,
            entries=tuple(entry(column.measure, recipe, results.baseline, judged) for column in columns),
            unlearned=recipe in results.unlearned,
            doubted=doubted.get(recipe, ()),
        )
        for recipe in results.recipes
    ]
    return Headline(columns=tuple(columns), rows=tuple(rows))


def entry(measure: Measure, recipe: str, baseline: str | None, judged: Judged | None = None) -> Entry:
    """A recipe's cell beside the baseline's, judged as the top of this file says."""
    seen = said(measure, measure.cells[recipe])
    unseen = judged.unseen.get(recipe) if judged is not None and measure.metric == "mean_accuracy" else None
    if seen and unseen is not None and measure.evaluation == "shift":
        seen = f"{seen}; {unseen_text(unseen)}"
    found = _beside(measure, recipe, baseline, judged)
    return replace(found, seen=seen) if seen else found


def _beside(measure: Measure, recipe: str, baseline: str | None, judged: Judged | None) -> Entry:
    cell = measure.cells[recipe]
    if cell.value is None:
        return Entry(cell=cell, difference=None, verdict="missing")
    if recipe == baseline:
        return Entry(cell=cell, difference=None, verdict="baseline")
    verdict = None if judged is None else judged.verdict(recipe, measure)
    if judged is not None and verdict is not None:
        difference = cell.value - judged.base[key_of(measure)]
        return Entry(cell=cell, difference=difference, verdict=_agreed(verdict, difference, measure))
    base = measure.cells.get(baseline) if baseline is not None else None
    if measure.metric in RELATIVE and baseline is not None:
        base = Cell(value=1.0, low=1.0, high=1.0)
    if base is None or base.value is None:
        return Entry(cell=cell, difference=None, verdict="unjudged")
    if measure.metric in RELATIVE and judged is not None and judged.trainings > 1:
        return Entry(cell=cell, difference=cell.value - base.value, verdict="unjudged")
    return Entry(cell=cell, difference=cell.value - base.value, verdict=judge(cell, base, measure.higher_is_better))


def _agreed(verdict: Verdict, difference: float, measure: Measure) -> Verdict:
    """The verdict, unless that on a ratio to another baseline says the opposite of this difference."""
    if measure.metric in RELATIVE and verdict in ("better", "worse"):
        gains = (difference > 0) == measure.higher_is_better
        return verdict if gains == (verdict == "better") else "unjudged"
    return verdict


def judge(cell: Cell, base: Cell, higher_is_better: bool | None) -> Verdict:
    """Whether a cell is better or worse than another beyond both intervals, within noise, or cannot be judged."""
    if higher_is_better is None or cell.low is None or cell.high is None or base.low is None or base.high is None:
        return "unjudged"
    if cell.low > base.high:
        return "better" if higher_is_better else "worse"
    if cell.high < base.low:
        return "worse" if higher_is_better else "better"
    return "noise"
