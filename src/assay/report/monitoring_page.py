"""The monitoring page: what every score, calibrator and threshold of a study does, drawn and in tables."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from assay.analysis.measures import MEAN, Measure, collect, without
from assay.evaluations.base import Observations
from assay.evaluations.rejection import INSIDE
from assay.metrics.rejection import risk_coverage
from assay.report import explain
from assay.report.confidence_svg import NAMES
from assay.report.doubts import EVENTS
from assay.report.files import write_atomically
from assay.report.lines_svg import Axis, Line, axis, keys_of, lines_svg, look
from assay.report.monitoring import Fall, alarms, by_calibrator, by_rejection, by_score, falls, titled
from assay.report.monitoring_answer import sentences
from assay.report.monitoring_pictures import DRAWN, confidences, observed_of, score_pictures
from assay.report.page import render_page
from assay.report.text import breakable
from assay.results import Results

NAME = "monitoring.html"
MOST = 0.5  # the largest share of images whose rejection is drawn
POINTS = 120  # of a curve


def write_monitoring(results: Results, folder: Path | str, measures: Sequence[Measure] | None = None) -> Path:
    """Write monitoring.html into the folder, whole or not at all, and return its path.

    `measures` are all of the results', where they are collected already.

    Raises:
        StoreError: the folder cannot be written.
    """
    return write_atomically(Path(folder) / NAME, render(results, measures))


def render(results: Results, measures: Sequence[Measure] | None = None) -> str:
    """The page as HTML text; it forbids every request and needs no script to be read."""
    measures = without(collect(results) if measures is None else measures, EVENTS)
    # A threshold belongs to one model: means over seeds are of none.
    table = results.table
    found = alarms(results, collect(replace(results, table=table[table["seed"] != MEAN]), skip=EVENTS))
    fallen = falls(results, measures)
    scores, calibrators = by_score(results, measures), by_calibrator(results, measures)
    pictures = score_pictures(results)
    names = [name for name in results.recipes if any(name == recipe for fall in fallen for recipe, _ in fall.curves)]
    return render_page(
        "monitoring.html",
        results=results,
        limited=results.limited,
        answer=sentences(scores, calibrators, found),
        scores=scores,
        calibrators=calibrators,
        rejection=by_rejection(results, measures),
        rejected=_rejected(results, pictures.scores),
        alarms=found,
        broken=[alarm for alarm in found if alarm.state == "more"],
        falls=[(fall, _fall_svg(fall, names)) for fall in fallen],
        fall_names=names,
        look=look,
        pictures=pictures,
        confidences=confidences(results),
        confidence_names=NAMES,
        most=DRAWN,
        titled=titled,
        explain=explain,
        breakable=breakable,
    )


def _rejected(results: Results, scores: Sequence[str]) -> tuple[Markup, list[tuple[str, Markup]]]:
    """The legend, and for each of the first recipes accuracy against the share of images rejected, of one seed.

    A score looks as in the ROC curves, whose scores are given.
    """
    kept = observed_of(results, "rejection").found
    drawn = {recipe: lines for recipe, (_, seen) in kept.items() if (lines := _rejection_lines(seen))}
    own = dict.fromkeys(line.name for lines in drawn.values() for line in lines)
    names = list(dict.fromkeys([*scores, *own]))
    legend = keys_of([name for name in names if name in own], names)
    return legend, [(recipe, _rejection_svg(recipe, lines, names)) for recipe, lines in drawn.items()]


def _rejection_svg(recipe: str, lines: list[Line], names: list[str]) -> Markup:
    ticks = [(share / 10, f"{share}0 %" if share else "0") for share in range(6)]
    return lines_svg(
        lines,
        names,
        Axis(title="rejected", low=0, high=MOST, ticks=ticks),
        axis("accuracy", min(y for line in lines for _, y in line.points), 1.0, _percent),
        f"{recipe}: accuracy of what is answered against the share that is rejected, a line a score",
    )


def _rejection_lines(observations: Observations) -> list[Line]:
    prefix = f"score/{INSIDE}/"
    lines = []
    for name, scores in observations.tensors.items():
        if not name.startswith(prefix):
            continue
        curve = risk_coverage(scores, observations.tensors["wrong"])
        every = max(1, len(curve.coverage) // POINTS)
        chosen = [*range(0, len(curve.coverage), every), len(curve.coverage) - 1]
        points = [(1 - float(curve.coverage[k]), 1 - float(curve.risk[k])) for k in chosen]
        lines.append(Line(name=name.removeprefix(prefix), points=[p for p in points if p[0] <= MOST]))
    return lines


def _percent(value: float, decimals: int) -> str:
    return f"{100 * value:.{max(0, decimals - 2)}f} %"


def _fall_svg(fall: Fall, names: list[str]) -> Markup:
    lines = [Line(name=recipe, points=points) for recipe, points in fall.curves]
    values = [y for line in lines for _, y in line.points]
    severities = Axis(title="severity", low=0, high=5, ticks=[(k, "clean" if k == 0 else str(k)) for k in range(6)])
    if explain.metric_of(fall.metric).unit == explain.PERCENT:
        y = axis(fall.title, min(values), max(values), _percent)
    else:
        y = axis(fall.title, 0.0, max(values), lambda value, decimals: f"{value:.{decimals}f}")
    return lines_svg(lines, names, severities, y, f"{fall.title} against severity, a line a recipe")
