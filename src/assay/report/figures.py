"""The numbers behind the figures, as plain data: one JSON block that the page's script draws from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.analysis.measures import Cell, Measure, find
from assay.report.explain import metric_of, title_of
from assay.report.seen import said
from assay.report.summary import Headline
from assay.results import Results, Trained

DIRECT = 12  # up to so many recipes are drawn at once; of more, a selection

Json = dict[str, Any]


def selection(table: Headline) -> list[int]:
    """Places of the recipes shown at first: all of a few; of many, the baseline and the best of each column."""
    if len(table.rows) <= DIRECT:
        return list(range(len(table.rows)))
    everyone = range(len(table.rows))
    chosen = [place for place in everyone if table.rows[place].baseline]
    return list(dict.fromkeys(chosen + best_of(table, everyone, range(len(table.columns)))))[:DIRECT]


def best_of(table: Headline, places: Sequence[int], columns: Iterable[int]) -> list[int]:
    """Of the rows at these places the best in each column: the first of equals, none where nothing is measured."""
    best = []
    for number in columns:
        sign = -1 if table.columns[number].measure.higher_is_better is False else 1
        cells = [(table.rows[place].entries[number].cell.value, place) for place in places]
        values = [(sign * value, -place) for value, place in cells if value is not None]
        if values:
            best.append(-max(values)[1])
    return best


def measure_data(measures: list[Measure], names: Mapping[int, str], recipes: Sequence[str]) -> list[Json]:
    """Every measure with one cell a recipe: [value, low, high, n], or the reason as a text.

    Where the model has met the like of the test in training, what of it follows as a fifth entry.

    Args:
        measures: as collected.
        names: shorter names by place, for the measures of the headline.
        recipes: whose cells, in this order.
    """
    return [
        {
            "evaluation": measure.evaluation,
            "title": names.get(place, title_of(measure)),
            "metric": metric_of(measure.metric).label,
            "percent": metric_of(measure.metric).unit == "percent",
            "digits": metric_of(measure.metric).digits,
            "better": 0 if measure.higher_is_better is None else 1 if measure.higher_is_better else -1,
            "cells": [
                cell.reason if cell.value is None else _drawn(measure, cell)
                for cell in (measure.cells[recipe] for recipe in recipes)
            ],
        }
        for place, measure in enumerate(measures)
    ]


def _drawn(measure: Measure, cell: Cell) -> list[float | str | None]:
    met = said(measure, cell)
    return [_short(cell.value), _short(cell.low), _short(cell.high), cell.n, *([met] if met else [])]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def robustness(measures: list[Measure]) -> Json:
    """Accuracy against eps: the worst case, and each attack alone, as places in the list of measures.

    The point at eps = 0 is the clean accuracy that the adversarial evaluation measured.
    """
    clean = find(measures, "adversarial", "accuracy", eps=0.0)
    curves: dict[str, list[tuple[float, int]]] = {}
    for place, measure in enumerate(measures):
        setting = measure.setting
        if measure.evaluation == "adversarial" and measure.metric == "accuracy" and {"attack", "eps"} <= set(setting):
            curves.setdefault(str(setting["attack"]), []).append((float(setting["eps"]), place))
    start = [] if clean is None or "attack" in clean.setting else [(0.0, measures.index(clean))]
    lines = [{"name": name, "points": start + sorted(points)} for name, points in curves.items()]
    worst = [line for line in lines if line["name"] == "worst_case"]
    return {"worst": worst[0] if worst else None, "attacks": [line for line in lines if line["name"] != "worst_case"]}


def training(results: Results, recipe: str) -> list[Json]:
    """The epochs of a recipe's first trained seed: loss, accuracy and, where kept, accuracy on validation data.

    That under PGD and FGSM is there for recipes that train on attacked images.
    """
    runs = trained_of(results, recipe)
    if not runs:
        return []
    keys = ("epoch", "loss", "accuracy", "validation_accuracy", "robust_accuracy", "fgsm_accuracy", "seconds")
    return [{key: _short(record[key]) for key in keys if record.get(key) is not None} for record in runs[0].history]


def trained_of(results: Results, recipe: str) -> list[Trained]:
    """The trained models of a recipe, in the order of the seeds asked for."""
    return sorted(
        (item for item in results.trained if item.recipe == recipe),
        key=lambda item: results.seeds.index(item.seed) if item.seed in results.seeds else len(results.seeds),
    )
