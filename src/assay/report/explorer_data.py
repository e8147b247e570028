"""What the explorer draws from, as compact JSON: one column of numbers a measure, reasons once each."""

from collections.abc import Iterable, Mapping
from typing import Any

from assay.analysis.columns import Column
from assay.analysis.families import family, parameters
from assay.analysis.measures import Cell, Measure, setting_of
from assay.errors import BadValueError
from assay.report.answer import axis_title
from assay.report.explain import PERCENT, metric_of, title_of
from assay.report.judged import Judged, key_of
from assay.report.seen import said
from assay.results import Results

Json = dict[str, Any]

AXIS_OF = {"adversarial": "attack", "shift": "shift", "anomaly": "anomaly", "calibration": "calibration"}


def explorer_data(
    results: Results, measures: list[Measure], columns: list[Column], judged: Judged | None = None
) -> Json:
    """Everything the page needs to draw, filter and compare.

    Args:
        results: of the study.
        measures: as collected.
        columns: the measures that stand for the axes; those without results are added to the measures.
        judged: which recipes are better or worse than the baseline.
    """
    known = {id(measure) for measure in measures}
    everything = [*measures, *(column.measure for column in columns if id(column.measure) not in known)]
    places = {id(measure): place for place, measure in enumerate(everything)}
    standing = {places[id(column.measure)]: column for column in columns}
    reasons: dict[str, int] = {}
    names = list(dict.fromkeys(map(family, results.recipes)))
    return {
        "study": results.study,
        "preset": results.preset,
        "limit": results.limit,
        "recipes": list(results.recipes),
        "baseline": results.recipes.index(results.baseline) if results.baseline in results.recipes else -1,
        "families": names,
        "family": [names.index(family(label)) for label in results.recipes],
        "parameters": _parameters(results.recipes),
        "seeds": [_seeds(results, label) for label in results.recipes],
        "measures": [
            _measure(item, standing.get(place), reasons) | _verdicts(item, judged or Judged())
            for place, item in enumerate(everything)
        ],
        "axes": list(standing),
        "primary": [place for place, column in standing.items() if column.primary],
        "corruptions": _corruptions(everything),
        "reasons": list(reasons),
    }


def _parameters(labels: Iterable[str]) -> list[Json]:
    """The hyper-parameters that take more than one value, with each recipe's; null where a recipe has it not."""
    own = [_own_parameters(label) for label in labels]
    names = dict.fromkeys(name for item in own for name in item)
    columns = [{"name": name, "own": [_plain(item.get(name)) for item in own]} for name in names]
    return [column for column in columns if len({value for value in column["own"] if value is not None}) > 1]


def _own_parameters(label: str) -> dict[str, float]:
    try:
        return parameters(label)
    except BadValueError:  # a model of the user's own has any name
        return {}


def _plain(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value


def _seeds(results: Results, label: str) -> str:
    seeds = sorted({item.seed for item in results.trained if item.recipe == label})
    return ", ".join(map(str, seeds))


def _measure(measure: Measure, column: Column | None, reasons: dict[str, int]) -> Json:
    """A measure with its columns: values `v`, interval ends `l` and `h`, counts `n`, and texts with their recipes.

    Of the texts `why` says why there is no value, and `seen` what of the test training has met the like of.
    """
    metric = metric_of(measure.metric)
    cells = list(measure.cells.values())
    decimals = metric.digits + (3 if metric.unit == PERCENT else 1)
    counts = [cell.n for cell in cells]
    return {
        "id": ":".join(part for part in (measure.evaluation, measure.metric, setting_of(measure)) if part),
        "axis": column.axis if column else AXIS_OF.get(measure.evaluation, measure.evaluation),
        "title": axis_title(column) if column else f"{measure.evaluation}: {title_of(measure)}",
        "percent": metric.unit == PERCENT,
        "digits": metric.digits,
        "better": 0 if measure.higher_is_better is None else 1 if measure.higher_is_better else -1,
        "v": [None if cell.value is None else float(f"{cell.value:.6g}") for cell in cells],
        "l": _ends((cell.low for cell in cells), decimals),
        "h": _ends((cell.high for cell in cells), decimals),
        "n": counts[0] if len(set(counts)) == 1 else counts,
        "why": _why(cells, reasons),
        "seen": _grouped({place: said(measure, cell) for place, cell in enumerate(cells)}, reasons),
    }


def _verdicts(measure: Measure, judged: Judged) -> Json:
    """The baseline's value `base`, and a letter a recipe: "+" better, "-" worse, "=" noise, " " not judged."""
    key = key_of(measure)
    if key not in judged.base:
        return {}
    verdicts = (judged.verdicts.get((recipe, key)) for recipe in measure.cells)
    letters = {"better": "+", "worse": "-", "noise": "="}
    return {
        "base": float(f"{judged.base[key]:.6g}"),
        "judged": "".join(" " if verdict is None else letters[verdict] for verdict in verdicts),
    }


def _ends(values: Iterable[float | None], decimals: int) -> list[float | None] | None:
    """Interval ends, rounded to a digit more than is shown; None where there is none at all."""
    ends = [None if value is None else round(value, decimals) for value in values]
    return ends if any(end is not None for end in ends) else None


def _why(cells: list[Cell], reasons: dict[str, int]) -> list[tuple[int, list[int]]]:
    """(place of a reason, places of the recipes that have no value for it)."""
    return _grouped({place: cell.reason for place, cell in enumerate(cells) if cell.value is None}, reasons)


def _grouped(texts: Mapping[int, str], known: dict[str, int]) -> list[tuple[int, list[int]]]:
    """(place of a text among those known, places of the recipes that it is said of); of "" nothing is said."""
    found: dict[int, list[int]] = {}
    for place, text in texts.items():
        if text:
            found.setdefault(known.setdefault(text, len(known)), []).append(place)
    return list(found.items())


def _corruptions(measures: list[Measure]) -> list[tuple[str, int]]:
    """(name, place) of the heat map's columns: the clean images, the mean, and each corruption."""
    found: dict[str, int] = {}
    for place, measure in enumerate(measures):
        if measure.evaluation == "shift" and measure.metric == "mean_accuracy" and measure.measured:
            found.setdefault("mean", place)
        if measure.evaluation == "shift" and measure.metric == "accuracy" and "corruption" in measure.setting:
            found[str(measure.setting["corruption"])] = place
    order: list[str] = [name for name in ("clean", "mean") if name in found]
    order += [name for name in found if name not in order]
    return [(name.replace("_", " "), found[name]) for name in order]
