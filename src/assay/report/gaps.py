"""What was not measured, and why: one list of every gap in a study."""

from dataclasses import dataclass

from assay.analysis.measures import Measure, setting_of
from assay.report.explain import metric_of
from assay.results import Results
from assay.study import TRANSFER

CROWD = 60  # of more failures or waiting cells, those alike are one gap

EVALUATIONS = {
    "adversarial": "robustness to attacks",
    "shift": "robustness to corruption",
    "anomaly": "anomaly detection",
    "calibration": "calibration",
}


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Something that is missing.

    Attributes:
        kind: "failed", "waiting", "no data", "not measured" or "not asked for".
        what: what is missing.
        recipes: the recipes concerned; empty where it concerns all.
        reason: the sentence that says why, with the remedy.
    """

    kind: str
    what: str
    recipes: tuple[str, ...]
    reason: str


def gaps(results: Results, measures: list[Measure], notes: dict[str, dict[str, str]]) -> list[Gap]:
    """Every gap, the gravest first; measures that lack values for the same reason and recipes are one gap."""
    found = _failed(results) + _waiting(results)
    found += [Gap(kind="no data", what=name, recipes=(), reason=reason) for name, reason in results.missing.items()]
    if results.no_transfer:
        found.append(Gap(kind="not measured", what="transfer", recipes=(), reason=results.no_transfer))
    found += _empty_cells(results, measures)
    known = {gap.reason for gap in found}
    found += [gap for gap in _noted(results, notes) if gap.reason not in known]
    return found + _not_asked(results, measures)


def _failed(results: Results) -> list[Gap]:
    """One gap a failure; of many, those of a stage with the same reason are one."""
    groups: dict[tuple[str, str, int], list[str]] = {}
    crowd = len(results.failures) > CROWD
    for place, failure in enumerate(results.failures):
        key = failure.stage, failure.reason, 0 if crowd else place
        groups.setdefault(key, []).append(f"{failure.recipe} (seed {failure.seed})")
    return [
        Gap(kind="failed", what=stage, recipes=tuple(names), reason=reason)
        for (stage, reason, _), names in groups.items()
    ]


def _waiting(results: Results) -> list[Gap]:
    """One gap a cell; of many, those of a stage are one."""
    reason = "it has not run yet; a run of the whole study does it"
    waiting = [text for text in results.waiting if not (results.no_transfer and text.endswith(f": {TRANSFER}"))]
    if len(waiting) <= CROWD:
        return [Gap(kind="waiting", what=text, recipes=(), reason=reason) for text in waiting]
    groups: dict[str, list[str]] = {}
    for text in waiting:
        model, _, stage = text.rpartition(": ")
        groups.setdefault(stage, []).append(model)
    return [Gap(kind="waiting", what=stage, recipes=tuple(models), reason=reason) for stage, models in groups.items()]


def _empty_cells(results: Results, measures: list[Measure]) -> list[Gap]:
    groups: dict[tuple[str, str], list[tuple[Measure, str]]] = {}
    for measure in measures:
        for recipe, cell in measure.cells.items():
            if cell.value is None:
                groups.setdefault((measure.evaluation, cell.reason), []).append((measure, recipe))
    covered = {failure.reason for failure in results.failures} | set(results.missing.values())
    return [
        Gap(
            kind="not measured",
            what=f"{evaluation}: {_numbers([measure for measure, _ in cells])}",
            recipes=_recipes(results, {recipe for _, recipe in cells}),
            reason=reason,
        )
        for (evaluation, reason), cells in groups.items()
        if not any(reason.endswith(text) for text in covered)
    ]


def _numbers(measures: list[Measure]) -> str:
    """Metrics by setting, such as "AUROC, AUPR (score=vim)"; of many settings the first two and how many more."""
    settings: dict[str, dict[str, None]] = {}
    for measure in measures:
        settings.setdefault(setting_of(measure), {})[metric_of(measure.metric).label] = None
    texts = [", ".join(labels) + (f" ({setting})" if setting else "") for setting, labels in settings.items()]
    return "; ".join(texts) if len(texts) <= 3 else f"{'; '.join(texts[:2])} and {len(texts) - 2} more settings"


def _recipes(results: Results, recipes: set[str]) -> tuple[str, ...]:
    return () if recipes == set(results.recipes) else tuple(name for name in results.recipes if name in recipes)


def _noted(results: Results, notes: dict[str, dict[str, str]]) -> list[Gap]:
    found = []
    for name, texts in notes.items():
        if name.startswith("not measured/"):
            for text in dict.fromkeys(texts.values()):
                recipes = {recipe for recipe, own in texts.items() if own == text}
                what = name.removeprefix("not measured/").replace("_", " ")
                found.append(Gap(kind="not measured", what=what, recipes=_recipes(results, recipes), reason=text))
    return found


def _not_asked(results: Results, measures: list[Measure]) -> list[Gap]:
    present = {measure.evaluation for measure in measures} | {failure.stage for failure in results.failures}
    waiting = " ".join(results.waiting)
    return [
        Gap(
            kind="not asked for",
            what=what,
            recipes=(),
            reason=f"there are no {name} results; add the evaluation, and measure again",
        )
        for name, what in EVALUATIONS.items()
        if name not in present and name not in waiting
    ]
