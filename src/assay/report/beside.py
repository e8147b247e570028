"""A published table beside ours: what the study printed, what was measured here, and how far apart the two are."""

from collections.abc import Mapping
from dataclasses import dataclass

from assay.analysis.columns import set_name
from assay.analysis.measures import Cell, Measure, absences
from assay.analysis.zoo import Key
from assay.published import PublishedNumber
from assay.report.explain import MINUS, PERCENT, metric_of, title_of
from assay.report.judged import key_of
from assay.report.seen import said
from assay.results import Results

SLACK = 1e-12  # of sums in floating point
DIGITS = 3  # most decimals that are shown of a published number; what rounding leaves beyond them is no digit of it


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One number twice, as texts: "" where one is missing, with the reason for ours.

    Attributes:
        published: such as "99.71 %", in as many decimals as any number of its row needs.
        ours: in as many decimals, or those of our other tables where they are more.
        interval: ours, such as "99.65-99.80".
        difference: ours - published, such as "+0.12" points of per cent, in as many decimals as its row was published.
        within: whether our interval meets what the published number may have been before it was rounded.
        n: images behind ours.
        seen: what of the test the model has met the like of in training, or "".
        reason: why there is none of ours.
    """

    published: str = ""
    ours: str = ""
    interval: str = ""
    difference: str = ""
    within: bool = False
    n: int = 0
    seen: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The two tables as one: a row a measure, such as ("AUROC, KMNIST, msp", its pairs), a column a recipe."""

    recipes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Pair, ...]], ...]

    @property
    def seen(self) -> bool:
        """Whether any of our numbers rests on a test whose like the model has met in training."""
        return any(pair.seen for _, pairs in self.rows for pair in pairs)


def beside(results: Results, measures: list[Measure]) -> Beside | None:
    """The study's published table beside ours, in its order; None where it has published none."""
    if results.published is None or not results.published.numbers:
        return None
    published: dict[Key, dict[str, PublishedNumber]] = {}
    for item in results.published.numbers:
        published.setdefault(_key(item), {})[item.recipe] = item
    ours = {key_of(measure): measure for measure in measures}
    labels = {item.recipe for item in results.published.numbers}
    recipes = [label for label in results.recipes if label in labels]
    recipes += [
        label for label in dict.fromkeys(item.recipe for item in results.published.numbers) if label not in recipes
    ]
    rows = [_row(results, key, found, ours.get(key), recipes) for key, found in published.items()]
    return Beside(recipes=tuple(recipes), rows=tuple(rows))


def _key(item: PublishedNumber) -> Key:
    return Key(item.evaluation, item.metric, tuple(sorted(item.setting.items())))


def _row(
    results: Results, key: Key, published: Mapping[str, PublishedNumber], measure: Measure | None, recipes: list[str]
) -> tuple[str, tuple[Pair, ...]]:
    why = absences(results)
    empty = Measure(
        evaluation=key.evaluation, metric=key.metric, setting=dict(key.setting), higher_is_better=None,
        cells={label: Cell(value=None, reason=why(label, key.evaluation)) for label in results.recipes},
    )  # fmt: skip
    known = measure or empty
    digits = max(_decimals(key.metric, item.value) for item in published.values())
    absent = Cell(value=None, reason="this recipe is not in this run")
    pairs = [_pair(known, published.get(label), known.cells.get(label, absent), digits) for label in recipes]
    return row_title(known), tuple(pairs)


def _pair(measure: Measure, theirs: PublishedNumber | None, cell: Cell, decimals: int) -> Pair:
    metric, value = measure.metric, cell.value
    digits = max(decimals, metric_of(metric).digits)
    printed = "" if theirs is None else _show(metric, theirs.value, decimals) + _unit(metric)
    if value is None:
        return Pair(published=printed, reason=cell.reason)
    ends = cell.low is not None and cell.high is not None
    return Pair(
        published=printed,
        ours=_show(metric, value, digits) + _unit(metric),
        interval=f"{_show(metric, cell.low or 0.0, digits)}–{_show(metric, cell.high or 0.0, digits)}" if ends else "",
        difference="" if theirs is None else _difference(metric, value - theirs.value, decimals),
        within=theirs is not None and _meets(cell, theirs.value, 0.5 / (10**decimals * _scale(metric))),
        n=cell.n,
        seen=said(measure, cell),
    )


def _meets(cell: Cell, published: float, rounded: float) -> bool:
    """Whether our interval meets the published value -+ half a unit of its last decimal, as 94.5 to 95.5 for 95."""
    if cell.low is None or cell.high is None:
        return False
    return cell.low <= published + rounded + SLACK and published - rounded - SLACK <= cell.high


def row_title(measure: Measure) -> str:
    """A measure as the published table names it: "clean accuracy", "mean accuracy, corrupted", "AUROC, KMNIST, msp"."""
    setting = measure.setting
    if measure.metric == "accuracy" and dict(setting) == {"corruption": "clean"}:
        return "clean accuracy"
    if measure.evaluation == "shift" and measure.metric == "mean_accuracy":
        return "mean accuracy, corrupted"
    if "outliers" in setting:
        score = str(setting.get("score", "")).replace("_", " ")
        return ", ".join(
            text for text in (metric_of(measure.metric).label, set_name(str(setting["outliers"])), score) if text
        )
    return title_of(measure)


def _scale(metric: str) -> int:
    return 100 if metric_of(metric).unit == PERCENT else 1


def _unit(metric: str) -> str:
    return " %" if metric_of(metric).unit == PERCENT else ""


def _decimals(metric: str, value: float) -> int:
    """How many decimals the number needs in print."""
    text = f"{abs(value) * _scale(metric):.{DIGITS}f}".rstrip("0")
    return len(text.partition(".")[2])


def _show(metric: str, value: float, digits: int) -> str:
    return f"{value * _scale(metric):.{digits}f}".replace("-", MINUS)


def _difference(metric: str, value: float, digits: int) -> str:
    text = f"{abs(value) * _scale(metric):.{digits}f}"
    return ("±" if float(text) == 0 else "+" if value > 0 else MINUS) + text
