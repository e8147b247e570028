"""What the monitoring page shows, as plain data: scores by outlier set, calibrators by metric, thresholds, decay."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assay.analysis.measures import Cell, Measure
from assay.data.kinds import kind_of
from assay.data.known import FAR, NEAR
from assay.results import Results

CALIBRATION = (
    "accuracy",
    "nll",
    "brier",
    "ece",
    "smooth_ece",
    "classwise_ece",
    "adaptive_ece",
    "rms_calibration_error",
)
EVALUATIONS = ("rejection", "decay")  # a study that asks for one of them has the page


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of cells: `cells[row][column]`; None where nothing of that kind was asked for.

    Attributes:
        title: what the table is about.
        rows, columns: their names.
        metrics: the metric of each column.
        better: for each column, whether higher is better, or None.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    metrics: tuple[str, ...]
    better: tuple[bool | None, ...]
    cells: tuple[tuple[Cell | None, ...], ...]

    def best(self, column: int) -> float | None:
        """The best value of a column; None where none is measured or none is better than another."""
        cells = [row[column] for row in self.cells]
        known = [cell.value for cell in cells if cell is not None and cell.value is not None]
        if not known or self.better[column] is None or len(set(known)) < 2:
            return None
        return max(known) if self.better[column] else min(known)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A deployable threshold of one recipe and score, and what it does on test images."""

    recipe: str
    score: str
    wanted: float
    threshold: Cell
    promised: Cell
    found: Cell
    caught: tuple[tuple[str, Cell], ...]

    @property
    def state(self) -> str:
        """Against the promised interval the test set has "more" or "fewer" false positives, or it is "kept"."""
        value, low, high = self.found.value, self.promised.low, self.promised.high
        assert value is not None, "a threshold is measured together with what it flags"
        assert low is not None, "a promise has an interval"
        assert high is not None, "a promise has an interval"
        return "more" if value > high + 1e-12 else "fewer" if value < low - 1e-12 else "kept"


def has_page(results: Results) -> bool:
    """Whether there is anything for the page to show."""
    return bool(results.table["evaluation"].isin(EVALUATIONS).any())


def by_score(results: Results, measures: Sequence[Measure]) -> list[Grid]:
    """A table for each recipe: AUROC by score and outlier set, near sets apart from far ones, each with their mean.

    A mean stands where all sets of its kind were measured; see `assay.data.kind_of`.
    """
    own = [m for m in measures if m.evaluation == "anomaly" and m.metric == "auroc"]
    scores, sets = _settings(own, "score"), _settings(own, "outliers")
    found = {(str(m.setting["score"]), str(m.setting["outliers"])): m for m in own}
    groups = {kind: [name for name in sets if kind_of(name) == kind] for kind in (NEAR, FAR, None)}
    columns = [column for kind, names in groups.items() for column in _columns(kind, names)]
    return [
        Grid(
            title=recipe,
            rows=scores,
            columns=tuple(title for title, _ in columns),
            metrics=("auroc",) * len(columns),
            better=(True,) * len(columns),
            cells=tuple(
                tuple(_mean([_cell(found.get((score, name)), recipe) for name in names]) for _, names in columns)
                for score in scores
            ),
        )
        for recipe in results.recipes
        if any(m.cells[recipe].value is not None for m in own)
    ]


def titled(name: str) -> str:
    """An outlier set's name behind its kind, near or far, where that is known."""
    kind = kind_of(name)
    return name if kind is None else f"{kind}: {name}"


def _columns(kind: str | None, names: list[str]) -> list[tuple[str, list[str]]]:
    """A column's title and the sets behind it: each set, and before them the mean of several of a known kind."""
    single = [(titled(name), [name]) for name in names]
    return [(f"{kind}: mean", names), *single] if kind is not None and len(names) > 1 else single


def _mean(cells: list[Cell | None]) -> Cell | None:
    if len(cells) == 1:
        return cells[0]
    values = [cell.value for cell in cells if cell is not None and cell.value is not None]
    if len(values) < len(cells):
        return Cell(value=None, reason="not every set of this kind was measured; see the columns beside it")
    seen = ", ".join(dict.fromkeys(cell.seen for cell in cells if cell is not None and cell.seen))
    return Cell(value=sum(values) / len(values), n=sum(cell.n for cell in cells if cell is not None), seen=seen)


def by_calibrator(results: Results, measures: Sequence[Measure]) -> Grid:
    """Recipes by the metrics of calibration, and the AUROC of the scores that calibration may change."""
    kept = [m for name in CALIBRATION for m in measures if m.evaluation == "calibration" and m.metric == name]
    found = [m for m in measures if m.metric == "auroc" and m.evaluation == "anomaly" and m.setting["score"] == "msp"]
    names = [m.metric for m in kept] + [f"AUROC of msp, {m.setting['outliers']}" for m in found]
    return _wide("Calibration of each recipe", results, [*kept, *found], names)


def by_rejection(results: Results, measures: Sequence[Measure]) -> Grid:
    """Recipes by the area under the risk-coverage curve of each score."""
    kept = [m for m in measures if m.evaluation == "rejection" and m.metric == "aurc"]
    return _wide("AURC of each score", results, kept, [str(m.setting["score"]) for m in kept])


def alarms(results: Results, measures: Sequence[Measure]) -> list[Alarm]:
    """Every threshold of the rejection evaluation, recipe by recipe."""
    own = [m for m in measures if m.evaluation == "rejection" and "fpr" in m.setting]
    pairs = dict.fromkeys((str(m.setting["score"]), float(m.setting["fpr"])) for m in own)
    found = []
    for recipe in results.recipes:
        for score, rate in pairs:
            here = [m for m in own if m.setting["score"] == score and m.setting["fpr"] == rate]
            named = {m.metric: m.cells[recipe] for m in here if "outliers" not in m.setting}
            if named["threshold"].value is None:
                continue
            found.append(
                Alarm(
                    recipe=recipe,
                    score=score,
                    wanted=rate,
                    threshold=named["threshold"],
                    promised=named["promised_false_positive_rate"],
                    found=named["false_positive_rate"],
                    caught=tuple(
                        (str(m.setting["outliers"]), m.cells[recipe])
                        for kind in (NEAR, FAR, None)
                        for m in here
                        if m.metric == "caught" and kind_of(str(m.setting["outliers"])) == kind
                    ),
                )
            )
    return found


@dataclass(frozen=True, kw_only=True)
class Fall:
    """A mean over corruptions against severity 0 to 5, for each recipe: (recipe, values by severity).

    `n` is the number of images behind the value without corruption.
    """

    metric: str
    title: str
    better: bool | None
    curves: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    n: int


def falls(results: Results, measures: Sequence[Measure]) -> list[Fall]:
    """How the means of the decay evaluation change with severity."""
    own = [m for m in measures if m.evaluation == "decay" and m.metric.startswith("mean_")]
    keys = dict.fromkeys((m.metric, tuple((k, str(v)) for k, v in m.setting.items() if k != "severity")) for m in own)
    found = []
    for metric, rest in keys:
        here = sorted(
            (m for m in own if m.metric == metric and all(str(m.setting.get(k)) == v for k, v in rest)),
            key=lambda m: float(m.setting["severity"]),
        )
        curves = tuple((recipe, points) for recipe in results.recipes if (points := tuple(_points(here, recipe))))
        if curves:
            title = ", ".join([metric.removeprefix("mean_"), *(value for _, value in rest)])
            found.append(
                Fall(
                    metric=metric.removeprefix("mean_"),
                    title=title,
                    better=here[0].higher_is_better,
                    curves=curves,
                    n=max(cell.n for cell in here[0].cells.values()),
                )
            )
    return found


def _points(measures: Iterable[Measure], recipe: str) -> Iterable[tuple[float, float]]:
    for measure in measures:
        value = measure.cells[recipe].value
        if value is not None:
            yield float(measure.setting["severity"]), value


def _settings(measures: Sequence[Measure], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(m.setting[key]) for m in measures))


def _cell(measure: Measure | None, recipe: str) -> Cell | None:
    return None if measure is None else measure.cells[recipe]


def _wide(title: str, results: Results, kept: Sequence[Measure], names: Sequence[str]) -> Grid:
    recipes = [recipe for recipe in results.recipes if any(m.cells[recipe].value is not None for m in kept)]
    return Grid(
        title=title,
        rows=tuple(recipes),
        columns=tuple(names),
        metrics=tuple(m.metric for m in kept),
        better=tuple(m.higher_is_better for m in kept),
        cells=tuple(tuple(m.cells[recipe] for m in kept) for recipe in recipes),
    )
