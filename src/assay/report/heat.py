"""The recipes x corruptions table behind the heat map."""

from dataclasses import dataclass
from math import isnan

from assay.analysis.measures import Cell, Measure
from assay.analysis.unseen import UnseenMean
from assay.report.judged import Judged
from assay.report.seen import unseen_text
from assay.report.summary import Entry, Verdict, entry
from assay.results import Results

UNSEEN = "mean of unseen"
NOTHING = "needs accuracy under corruptions whose like training has not met; measure this recipe on all of them"


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    """One recipe's accuracy under each corruption, beside the baseline's."""

    recipe: str
    baseline: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Heat:
    """Accuracy by recipe and corruption; the first columns are the clean images and the mean, where measured.

    Where a recipe has met the like of some corruptions in training, the mean over the others follows.
    """

    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]


def heat(results: Results, measures: list[Measure], judged: Judged | None = None) -> Heat:
    """Accuracy of each recipe on the clean images, on the mean of all corruptions and on each one."""
    named: dict[str, Measure] = {}
    for measure in measures:
        if measure.evaluation == "shift" and measure.metric == "mean_accuracy":
            named.setdefault("mean", measure)
        if measure.evaluation == "shift" and measure.metric == "accuracy" and "corruption" in measure.setting:
            named[str(measure.setting["corruption"])] = measure
    wholes: list[str] = [name for name in ("clean", "mean") if name in named]
    order = wholes + [name for name in named if name not in wholes]
    unseen = judged.unseen if judged is not None and "mean" in named else {}
    rows = []
    for recipe in results.recipes:
        entries = [entry(named[name], recipe, results.baseline, judged) for name in order]
        if unseen:
            entries.insert(len(wholes), _without_seen(entries[len(wholes) - 1], unseen.get(recipe)))
        rows.append(HeatRow(recipe=recipe, baseline=recipe == results.baseline, entries=tuple(entries)))
    columns = [*wholes, *([UNSEEN] if unseen else []), *order[len(wholes) :]]
    return Heat(columns=tuple(name.replace("_", " ") for name in columns), rows=tuple(rows) if order else ())


def _without_seen(mean: Entry, own: UnseenMean | None) -> Entry:
    """The mean over what training has not met; of a recipe that has met none of it, the mean over all.

    It is judged by its own interval, which is not corrected for many comparisons.
    """
    if own is None:
        return (
            mean if not mean.seen else Entry(cell=Cell(value=None, reason=NOTHING), difference=None, verdict="missing")
        )
    cell = Cell(value=own.value, n=mean.cell.n, reason=unseen_text(own))
    difference = None if own.base is None else own.value - own.base
    verdict: Verdict = "unjudged"
    if own.effect is not None and not isnan(own.effect.low):
        verdict = "better" if own.effect.low > 0 else "worse" if own.effect.high < 0 else "noise"
    return Entry(cell=cell, difference=difference, verdict=verdict)
