"""The report: one self-contained page that draws from the store alone and needs no network."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from assay.analysis.columns import AXES, why_primary
from assay.analysis.families import family
from assay.analysis.measures import Measure, collect, without
from assay.report import explain
from assay.report.answer import Answer, answer, axis_title, value_text
from assay.report.beside import beside
from assay.report.checks import checked
from assay.report.doubts import EVENTS, doubts
from assay.report.figures import best_of, measure_data, robustness, selection, trained_of, training
from assay.report.files import write_atomically
from assay.report.gaps import gaps
from assay.report.heat import Heat, HeatRow, heat
from assay.report.judged import Judged
from assay.report.observed import collect_observed
from assay.report.page import render_page
from assay.report.seen import LEGEND, said, unseen_sentence
from assay.report.summary import SYMBOLS, Headline, Row, headline
from assay.report.text import breakable, embed, emphasise, flatten
from assay.report.transfer import transfer_table
from assay.results import Results

NAME = "report.html"
CROWDED = 60  # of more recipes the tables hold a selection, since a page of hundreds of long rows is slow to open
PICKABLE = 60_000  # up to so many cells (recipes x measures, about 2 MB) figures can be drawn of every recipe
Json = dict[str, Any]


def write_report(
    results: Results, folder: Path | str, judged: Judged | None = None, measures: Sequence[Measure] | None = None
) -> Path:
    """Write report.html into the folder, whole or not at all, and return its path.

    The page holds its styles, its script, plotly.js and all data; a content security policy in it forbids every
    request. All text of the results is escaped. `measures` are all of the results', where they are collected already.
    """
    return write_atomically(Path(folder) / NAME, render(results, judged, measures))


def render(results: Results, judged: Judged | None = None, measures: Sequence[Measure] | None = None) -> str:
    """The report as HTML text."""
    measures = without(collect(results) if measures is None else measures, EVENTS)
    table = headline(results, measures, judged)
    found = answer(table)
    shown = selection(table)
    kept = _kept(table, found, shown)
    rows = [table.rows[place] for place in kept]
    warmth = _narrowed(heat(results, measures, judged), kept)
    observed, notes = collect_observed(results, [results.recipes[place] for place in shown])
    return render_page(
        "report.html",
        results=results,
        judged=judged or Judged(),
        table=replace(table, rows=tuple(rows)),
        crowded=len(kept) < len(table.rows),
        groups=_groups(table),
        answer=found,
        emphasise=lambda text: emphasise(text, [name for name in results.recipes if name != results.baseline]),
        breakable=breakable,
        firsts=_firsts(table),
        heat=warmth,
        doubts=doubts(results),
        checked=checked(results),
        gaps=gaps(results, measures, notes),
        notes={name: texts for name, texts in notes.items() if not name.startswith("not measured/")},
        limited=results.limited,
        watched=any(record.get("robust_accuracy") is not None for run in results.trained for record in run.history),
        trained=[_trained(results, results.recipes[place]) for place in kept],
        methods=_methods(measures),
        provenance=list(flatten(results.provenance)),
        data=embed(_data(results, measures, table, shown, kept, observed)),
        plotly=Markup(get_plotlyjs()),
        beside=beside(results, measures),
        transfer=transfer_table(results),
        unseen=unseen_sentence(measures),
        why_primary=why_primary(table.columns),
        seen_sentence=LEGEND,
        any_seen=any(said(measure, cell) for measure in measures for cell in measure.cells.values()),
        table_seen=_any_seen(rows),
        heat_seen=_any_seen(warmth.rows),
        anomaly_seen=any(
            said(measure, cell) for measure in measures if measure.metric == "auroc" for cell in measure.cells.values()
        ),
        explain=explain,
        symbols=SYMBOLS,
        axes=AXES,
        axis_title=axis_title,
        value_text=value_text,
    )


def _kept(table: Headline, found: Answer, shown: list[int]) -> list[int]:
    """Places of the recipes in the tables: all, or of too many those of the figures, the baseline and the leaders.

    Leaders are the best of all, and the best of each family on each axis.
    """
    if len(table.rows) <= CROWDED:
        return list(range(len(table.rows)))
    families: dict[str, list[int]] = {}
    for place, row in enumerate(table.rows):
        families.setdefault(family(row.recipe), []).append(place)
    columns = [number for number, column in enumerate(table.columns) if column.primary]
    best = {place for members in families.values() for place in best_of(table, members, columns)}
    leaders = {item.recipe for item in found.leaders}
    return [
        place
        for place, row in enumerate(table.rows)
        if place in best or place in shown or row.baseline or row.recipe in leaders
    ]


def _narrowed(whole: Heat, kept: list[int]) -> Heat:
    return replace(whole, rows=tuple(whole.rows[place] for place in kept) if whole.rows else ())


def _any_seen(rows: Sequence[Row | HeatRow]) -> bool:
    return any(item.seen for row in rows for item in row.entries)


def _data(
    results: Results, measures: list[Measure], table: Headline, shown: list[int], kept: list[int], observed: Json
) -> Json:
    places = {id(measure): place for place, measure in enumerate(measures)}
    columns = [column for column in table.columns if id(column.measure) in places]
    names = {places[id(column.measure)]: axis_title(column) for column in columns}
    drawable = range(len(table.rows)) if len(table.rows) * len(measures) <= PICKABLE else kept
    rows = [table.rows[place] for place in drawable]
    return {
        "recipes": [{"label": row.recipe, "baseline": row.baseline} for row in rows],
        "shown": [list(drawable).index(place) for place in shown],
        "measures": measure_data(measures, names, [row.recipe for row in rows]),
        "headline": list(names),
        "primary": [places[id(column.measure)] for column in columns if column.primary and column.measure.measured],
        "robustness": robustness(measures),
        "auroc": _aurocs(measures),
        "ece": next((place for place, item in enumerate(measures) if item.metric == "ece"), None),
        "training": [training(results, row.recipe) for row in rows],
        **observed,
    }


def _aurocs(measures: list[Measure]) -> dict[str, int]:
    return {
        f"{item.setting['outliers']}/{item.setting['score']}": place
        for place, item in enumerate(measures)
        if item.metric == "auroc" and {"outliers", "score"} <= set(item.setting)
    }


def _firsts(table: Headline) -> set[int]:
    """The places of the columns that open an axis."""
    axes = [column.axis for column in table.columns]
    return {place for place, axis in enumerate(axes) if place == 0 or axes[place - 1] != axis}


def _groups(table: Headline) -> list[tuple[str, int]]:
    axes = [column.axis for column in table.columns]
    return [(AXES[axis], axes.count(axis)) for axis in dict.fromkeys(axes)]


def _trained(results: Results, recipe: str) -> Json:
    runs = trained_of(results, recipe)
    last = runs[0].history[-1] if runs and runs[0].history else {}
    seconds = [float(run.provenance["seconds"]) for run in runs if "seconds" in run.provenance]
    failure = next(
        (
            item
            for item in results.failures
            if item.recipe == recipe and item.stage == "training" and item.seed in results.seeds
        ),
        None,
    )
    return {
        "recipe": recipe,
        "name": runs[0].name if runs else recipe,
        "baseline": recipe == results.baseline,
        "seeds": [run.seed for run in runs],
        "parameters": runs[0].parameters if runs else None,
        "epochs": len(runs[0].history) if runs else 0,
        "seconds": sum(seconds) / len(seconds) if seconds else None,
        "last": last,
        "reason": failure.reason if failure else "no trained model of this recipe is in the store",
        "facts": [(run.seed, list(flatten(run.provenance))) for run in runs],
    }


def _methods(measures: list[Measure]) -> list[Json]:
    found: dict[str, list[Measure]] = {}
    for measure in measures:
        found.setdefault(measure.metric, []).append(measure)
    return [
        {
            "metric": explain.metric_of(name),
            "arrow": explain.arrow(own[0].higher_is_better),
            "sizes": sorted({cell.n for item in own for cell in item.cells.values() if cell.n}),
            "intervals": sorted(
                {explain.interval_text(cell.interval) for item in own for cell in item.cells.values() if cell.n}
            ),
        }
        for name, own in found.items()
    ]
