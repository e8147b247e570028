"""Which few measures stand for each axis in the headline."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay.analysis.measures import Cell, Measure, absences, find
from assay.results import Results

BUDGETS = (0.2, 0.3)  # the budgets that stand for adversarial robustness where they were measured
AXES = {
    "clean": "Clean",
    "attack": "Attack",
    "shift": "Shift",
    "anomaly": "Anomaly",
    "calibration": "Calibration",
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A measure that stands for an axis.

    Attributes:
        axis: "clean", "attack", "shift", "anomaly" or "calibration".
        label: its short name in a table, such as "worst case, ε = 0.3".
        primary: whether it alone stands for its axis where only one number fits.
        measure: what was measured.
    """

    axis: str
    label: str
    primary: bool
    measure: Measure


def choose(results: Results, measures: list[Measure]) -> list[Column]:
    """The headline's columns, by axis; an axis without results keeps an empty column that says why."""
    columns = _clean(measures) + _attack(measures) + _shift(measures) + _anomaly(measures) + _calibration(measures)
    present = {column.axis for column in columns}
    columns += [_empty(results, axis) for axis in AXES if axis not in present]
    return sorted(columns, key=lambda column: list(AXES).index(column.axis))


def _clean(measures: list[Measure]) -> list[Column]:
    candidates = [
        find(measures, "calibration", "accuracy"),
        find(measures, "shift", "accuracy", corruption="clean"),
        find(measures, "adversarial", "accuracy", eps=0.0),
    ]
    known = [measure for measure in candidates if measure is not None]
    best = max(known, key=lambda measure: sum(cell.value is not None for cell in measure.cells.values()), default=None)
    return [] if best is None else [Column(axis="clean", label="accuracy", primary=True, measure=best)]


def _attack(measures: list[Measure]) -> list[Column]:
    worst = {
        float(measure.setting["eps"]): measure
        for measure in measures
        if measure.evaluation == "adversarial"
        and measure.metric == "accuracy"
        and measure.setting.get("attack") == "worst_case"
        and "eps" in measure.setting
    }
    budgets = [eps for eps in BUDGETS if eps in worst] or sorted(worst)[:2]
    return [
        Column(axis="attack", label=f"worst case, ε = {eps:g}", primary=eps == budgets[-1], measure=worst[eps])
        for eps in budgets
    ]


def _shift(measures: list[Measure]) -> list[Column]:
    mean, mce = find(measures, "shift", "mean_accuracy"), find(measures, "shift", "mce")
    columns = []
    if mean is not None:
        columns.append(Column(axis="shift", label="mean accuracy, corrupted", primary=True, measure=mean))
    if mce is not None:
        columns.append(Column(axis="shift", label="mCE", primary=mean is None, measure=mce))
    return columns


def _anomaly(measures: list[Measure]) -> list[Column]:
    aurocs = [measure for measure in measures if measure.evaluation == "anomaly" and "outliers" in measure.setting]
    names = list(dict.fromkeys(str(measure.setting["outliers"]) for measure in aurocs))
    columns = []
    for name in names:
        own = [measure for measure in aurocs if measure.setting["outliers"] == name]
        chosen = find(own, "anomaly", "auroc", score="msp") or find(own, "anomaly", "auroc")
        if chosen is not None:
            score = str(chosen.setting.get("score", ""))
            label = f"AUROC, {set_name(name)}" + (f" ({score})" if score else "")
            columns.append(Column(axis="anomaly", label=label, primary=False, measure=chosen))
    return _with_hardest(columns)


def _with_hardest(columns: list[Column]) -> list[Column]:
    """Mark as primary the outlier set on which the recipes' mean is lowest: the others leave less to tell apart.

    A set of a family that any recipe has met in training stands behind those that none has: it would compare models
    that have seen the test with models that have not.
    """
    if not columns:
        return columns
    hardest = min(range(len(columns)), key=lambda place: _hardness(columns[place].measure))
    return [
        Column(axis=column.axis, label=column.label, primary=place == hardest, measure=column.measure)
        for place, column in enumerate(columns)
    ]


def _hardness(measure: Measure) -> tuple[bool, bool, float]:
    """Sets without a value come last, before them those that a recipe has seen; within these the lowest mean first."""
    values = [cell.value for cell in measure.cells.values() if cell.value is not None]
    seen = any(cell.seen for cell in measure.cells.values())
    return not values, seen, sum(values) / len(values) if values else 0.0


def why_primary(columns: Sequence[Column]) -> str:
    """Which of several outlier sets stands for the anomaly axis and why, in a sentence or two; "" of fewer than two."""
    sets = [column for column in columns if column.axis == "anomaly" and column.measure.measured]
    chosen = next((column for column in sets if column.primary), None)
    if len(sets) < 2 or chosen is None:
        return ""
    met = [column for column in sets if _hardness(column.measure)[1]]
    if not met:
        reason = "it is the hardest, with the lowest mean over the recipes"
    elif chosen in met:
        reason = "it is the hardest, and some recipe has met outliers of the family of each set in training"
    else:
        others = " and ".join(_outliers(column) for column in met)
        reason = f"no recipe has met outliers of its family in training, as some have of {others}"
    return (
        f"Where one number stands for the anomaly axis it is the AUROC on {_outliers(chosen)}: {reason}. "
        "Which set it is depends on the recipes shown."
    )


def _outliers(column: Column) -> str:
    return set_name(str(column.measure.setting.get("outliers", "")))


def _calibration(measures: list[Measure]) -> list[Column]:
    ece = find(measures, "calibration", "ece", bins=15) or find(measures, "calibration", "ece")
    nll = find(measures, "calibration", "nll") or find(measures, "calibration", "brier")
    columns = []
    if ece is not None:
        columns.append(Column(axis="calibration", label="ECE", primary=True, measure=ece))
    if nll is not None:
        label = "NLL" if nll.metric == "nll" else "Brier score"
        columns.append(Column(axis="calibration", label=label, primary=ece is None, measure=nll))
    return columns


_EMPTY = {
    "clean": ("calibration", "accuracy", "accuracy"),
    "attack": ("adversarial", "accuracy", "worst case"),
    "shift": ("shift", "mean_accuracy", "mean accuracy, corrupted"),
    "anomaly": ("anomaly", "auroc", "AUROC"),
    "calibration": ("calibration", "ece", "ECE"),
}


def _empty(results: Results, axis: str) -> Column:
    evaluation, metric, label = _EMPTY[axis]
    why = absences(results)
    cells = {recipe: Cell(value=None, reason=why(recipe, evaluation)) for recipe in results.recipes}
    measure = Measure(
        evaluation=evaluation, metric=metric, setting={}, higher_is_better=metric != "ece", cells=cells
    )  # fmt: skip
    return Column(axis=axis, label=label, primary=True, measure=measure)


_SETS = {
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "mnist": "MNIST",
    "emnist": "EMNIST",
    "omniglot": "Omniglot",
}


def set_name(name: str) -> str:
    """A data set's name for people."""
    return _SETS.get(name, name.replace("_", " "))
