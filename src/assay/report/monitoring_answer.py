"""The monitoring page's answer: which score finds what, what calibration gives and costs, which threshold to take."""

from collections.abc import Sequence

from assay import posthoc
from assay.analysis.measures import Cell
from assay.data.known import FAR, NEAR
from assay.recipe import BASELINE, part_classes
from assay.report import explain
from assay.report.monitoring import Alarm, Grid

CALIBRATORS = tuple(name for name, kind in part_classes(posthoc).items() if hasattr(kind, "fit_logits"))
MSP_COLUMN = "AUROC of msp, "  # how the table of calibrators names its columns of detection


def sentences(scores: Sequence[Grid], calibrators: Grid, alarms: Sequence[Alarm]) -> list[str]:
    """What the page's tables say, in a few sentences; nothing of what was not measured.

    Leaders are by value: neighbours may lie within each other's intervals, which the tables show.
    """
    found = [_detection(scores), *_calibration(calibrators), _deployment(alarms)]
    return [sentence for sentence in found if sentence]


def _detection(scores: Sequence[Grid]) -> str:
    """The best score on near and on far sets, with the set that is hardest for it, of the baseline if there is one."""
    table = next((grid for grid in scores if grid.title == BASELINE), scores[0] if scores else None)
    if table is None or len(table.rows) < 2:
        return ""
    leaders = [text for kind in (NEAR, FAR) if (text := _leader(table, kind))]
    return f"Of the scores of {table.title}, {'; '.join(leaders)}." if leaders else ""


def _leader(table: Grid, kind: str) -> str:
    places = [k for k, name in enumerate(table.columns) if name.startswith(f"{kind}: ")]
    sets = [k for k in places if table.columns[k] != f"{kind}: mean"]
    if not sets:
        return ""
    values = {row: [_value(table.cells[r][k]) for k in sets] for r, row in enumerate(table.rows)}
    whole = {row: [v for v in own if v is not None] for row, own in values.items() if None not in own}
    if len(whole) < 2:
        return ""
    best = max(whole, key=lambda row: sum(whole[row]))
    mean = explain.show("auroc", sum(whole[best]) / len(sets))
    lead = f"{_words(best)} finds {kind} outliers best: AUROC {mean}"
    if len(sets) == 1:
        return f"{lead} on {_words(table.columns[sets[0]].removeprefix(f'{kind}: '))}"
    worst = min(range(len(sets)), key=lambda k: whole[best][k])
    hardest = _words(table.columns[sets[worst]].removeprefix(f"{kind}: "))
    return f"{lead} in the mean, {explain.show('auroc', whole[best][worst])} on its hardest set, {hardest}"


def _calibration(table: Grid) -> list[str]:
    """The lowest NLL, and for each recipe that was calibrated what that did to its NLL and to the AUROC of MSP."""
    if "nll" not in table.columns:
        return []
    nll = {row: _value(table.cells[r][table.columns.index("nll")]) for r, row in enumerate(table.rows)}
    known = {row: value for row, value in nll.items() if value is not None}
    if len(known) < 2:
        return []
    first = min(known, key=lambda row: known[row])
    found = [f"{first} has the lowest NLL, {explain.show('nll', known[first])}."]
    sets = [k for k, name in enumerate(table.columns) if name.startswith(MSP_COLUMN)]
    found += [text for row in table.rows if (text := _cost(table, row, sets))]
    return found


def _cost(table: Grid, row: str, sets: Sequence[int]) -> str:
    """What calibration does to the recipe's detection by MSP: the calibrators after which it is worst and best."""
    before = "" if row == BASELINE else f"{row} > "
    after = [name for name in table.rows if name.startswith(before) and _calibrates(name.removeprefix(before))]
    own = _mean(table, row, sets)
    means = {name: mean for name in after if (mean := _mean(table, name, sets)) is not None}
    if own is None or not means:
        return ""
    ends = dict.fromkeys((min(means, key=lambda name: means[name]), max(means, key=lambda name: means[name])))
    told = [f"{explain.show('auroc', means[name])} after {name.removeprefix(before)}" for name in ends]
    many = "its outlier set" if len(sets) == 1 else f"{len(sets)} outlier sets"
    return f"MSP of {row} has an AUROC of {explain.show('auroc', own)} on {many}, {' and '.join(told)}."


def _calibrates(label: str) -> bool:
    """Whether a recipe's label is that of a calibrator alone."""
    return label.partition("(")[0] in CALIBRATORS and " > " not in label


def _mean(table: Grid, row: str, sets: Sequence[int]) -> float | None:
    values = [_value(table.cells[table.rows.index(row)][k]) for k in sets]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _deployment(alarms: Sequence[Alarm]) -> str:
    """Of the largest wanted rate, the threshold that catches most of the outlier sets, and what it costs."""
    rate = max((alarm.wanted for alarm in alarms), default=None)
    own = [(caught, alarm) for alarm in alarms if alarm.wanted == rate and (caught := _caught(alarm)) is not None]
    if not own:
        return ""
    caught, best = max(own, key=lambda pair: pair[0])
    name, least = min(
        ((name, cell.value) for name, cell in best.caught if cell.value is not None), key=lambda pair: pair[1]
    )
    assert best.found.value is not None, "a threshold is measured together with what it flags"
    wanted, found = (explain.show("false_positive_rate", rate) for rate in (best.wanted, best.found.value))
    mean, lowest = (explain.show("caught", share) for share in (caught, least))
    return (
        f"Of the thresholds that are to flag {wanted} of ordinary images, that of {_words(best.score)} on "
        f"{best.recipe} catches most: {mean} of an outlier set in the mean, {lowest} of {_words(name)}, while it flags "
        f"{found} of the test images. Outliers that you will meet may be others."
    )


def _caught(alarm: Alarm) -> float | None:
    values = [cell.value for _, cell in alarm.caught]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _value(cell: Cell | None) -> float | None:
    return None if cell is None else cell.value


def _words(name: str) -> str:
    return name.replace("_", " ")
