"""The analysis page: what each technique gains and costs, and how the axes hang together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.analysis.analyse import Analysis
from assay.analysis.build import NO_MEASURES
from assay.analysis.columns import AXES, choose, why_primary
from assay.analysis.correlations import LEAST
from assay.analysis.measures import Measure, collect, without
from assay.report import analysis_views as views
from assay.report import explain
from assay.report.files import write_atomically
from assay.report.page import render_page
from assay.report.seen import LEGEND, seen_by_axis
from assay.report.strips import HEIGHT, position, strip
from assay.report.summary import SYMBOLS
from assay.report.text import breakable
from assay.results import Results

NAME = "analysis.html"


def write_analysis_page(
    results: Results, analysis: Analysis, folder: Path | str, measures: Sequence[Measure] | None = None
) -> Path:
    """Write analysis.html into the folder, whole or not at all, and return its path.

    `measures` are all of the results', where they are collected already. All text of the results is escaped, and a
    content security policy in the page forbids every request.

    Raises:
        StoreError: the folder cannot be written.
    """
    return write_atomically(Path(folder) / NAME, render(results, analysis, measures))


def render(results: Results, analysis: Analysis, measures: Sequence[Measure] | None = None) -> str:
    """The analysis as HTML text."""
    measures = without(collect(results) if measures is None else measures, NO_MEASURES)
    met = seen_by_axis(measures, [axis.key for axis in analysis.axes])
    return render_page(
        "analysis.html",
        results=results,
        analysis=analysis,
        limited=results.limited,
        axis_names=[AXES[axis.name] for axis in analysis.axes],
        summary=views.summary(analysis, met),
        trainings=max((axis.replicates for axis in analysis.axes), default=0),
        matrix=views.matrix(analysis, met),
        techniques=views.techniques(analysis, met),
        alone=views.alone(analysis),
        front=views.front(analysis, met),
        grids=_grids(analysis),
        strips=_strips(analysis),
        strip_height=HEIGHT,
        ranked=_ranked(analysis),
        missing=views.missing(analysis),
        values_of=lambda recipe: views.values_of(analysis, recipe, met),
        met=met,
        why_primary=why_primary(choose(results, measures)),
        seen_sentence=LEGEND,
        deviation=views.deviation,
        signed=views.signed,
        share=views.share,
        families_of=lambda recipes: views.families_of(analysis, recipes),
        breakable=breakable,
        explain=explain,
        symbols=SYMBOLS,
        least=LEAST,
        axes=AXES,
    )


def _grids(analysis: Analysis) -> list[dict[str, Any]]:
    """The correlation matrices: of all recipes, then of every family that is large enough."""
    if len(analysis.axes) < 2:
        return []
    n = len(analysis.recipes)
    learned = n - len(analysis.unlearned)
    found = [{"name": "All recipes", "size": learned, "rows": views.grid(analysis, analysis.correlations)}]
    sizes = {name: size for name, _, size in views.families_of(analysis, range(n))}
    found += [
        {"name": name, "size": sizes[name], "rows": views.grid(analysis, own)} for name, own in analysis.within.items()
    ]
    return found


def _strips(analysis: Analysis) -> list[dict[str, Any]]:
    """For each axis its strip, where the baseline stands on it, and why it has no tiers where it has none."""
    found = []
    for place, axis in enumerate(analysis.axes):
        values, tiers = analysis.values[:, place], analysis.tiers[place]
        base = values[analysis.baseline] if analysis.baseline is not None else float("nan")
        found.append(
            {
                "place": place,
                "axis": axis,
                "strip": strip(values, axis.higher_is_better, None if isinstance(tiers, str) else tiers),
                "reason": tiers if isinstance(tiers, str) else "",
                "baseline": None if base != base else round(position(float(base), values, axis.higher_is_better), 2),
            }
        )
    return found


def _ranked(analysis: Analysis) -> list[dict[str, Any]]:
    """The rows of the ranking, best first.

    Those without a score follow, since another choice of weights ranks them, if they learned anything.
    """
    scores = {item.recipe: item for item in analysis.ranking.order}
    order = [*scores, *(recipe for recipe in analysis.ranking.left_out if recipe not in analysis.unlearned)]
    return [
        {
            "recipe": recipe,
            "rank": scores[recipe].rank if recipe in scores else None,
            "score": scores[recipe].score if recipe in scores else None,
            "shares": [None if share != share else share for share in analysis.ranking.shares[recipe].tolist()],
        }
        for recipe in order
    ]
