"""The recipes x corruptions table behind the heat map."""

from dataclasses import dataclass

from assay.analysis.measures import Measure
from assay.report.judged import Judged
from assay.report.summary import Entry, entry
from assay.results import Results


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    """One recipe's accuracy under each corruption, beside the baseline's."""

    recipe: str
    baseline: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Heat:
    """Accuracy by recipe and corruption; the first columns are the clean images and the mean, where measured."""

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
    order: list[str] = [name for name in ("clean", "mean") if name in named]
    order += [name for name in named if name not in order]
    rows = [
        HeatRow(
            recipe=recipe,
            baseline=recipe == results.baseline,
            entries=tuple(entry(named[name], recipe, results.baseline, judged) for name in order),
        )
        for recipe in results.recipes
    ]
    return Heat(columns=tuple(name.replace("_", " ") for name in order), rows=tuple(rows) if order else ())
