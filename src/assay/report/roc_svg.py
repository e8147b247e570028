"""ROC curves as inline SVG, on a logarithmic axis of false positive rates.

A monitor is used where few ordinary images raise an alarm, and there good scores differ: on a linear axis their curves
all run along the left edge and the top. Below FEWEST a rate is a handful of test images, and below one in their number
it is none: nothing is drawn there. The best LEADERS of a chart stand before the others, and are named under it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from torch import Tensor

from assay.metrics.detection import RocCurve, auroc, roc_points
from assay.metrics.thinning import thinned
from assay.report.explain import show
from assay.report.lines_svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Line, keys_of, lines_svg

FEWEST = 0.001  # of false positive rates
LEADERS = 5  # scores
ACROSS, UP = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM  # the drawing's size, about a pixel a unit
POINTS = 80  # of a curve at most
OFF = 0.3  # pixels that a thinned curve may be off
GRID = np.logspace(np.log10(FEWEST), 0, 121)  # every other pixel: straight lines are bent by the logarithm

_RATES = Axis(
    title="false positive rate",
    low=float(np.log10(FEWEST)),
    high=0,
    ticks=[(-3, "0.1 %"), (-2, "1 %"), (-1, "10 %"), (0, "100 %")],
)
_CAUGHT = Axis(
    title="true positive rate", low=0, high=1, ticks=[(k / 4, f"{25 * k} %" if k else "0") for k in range(5)]
)
_CHANCE = [(float(np.log10(rate)), float(rate)) for rate in GRID[::4]]


def roc_line(curve: RocCurve, images: int) -> list[tuple[float, float]]:
    """Points (log10 of the false positive rate, true positive rate) that draw a curve from FEWEST on.

    Of fewer than 1 / FEWEST ordinary images it begins at a rate of one among them.
    """
    fpr, tpr = curve.fpr.numpy(), curve.tpr.numpy()
    x, y = np.concatenate([fpr, GRID]), np.concatenate([tpr, np.interp(GRID, fpr, tpr)])
    order = np.lexsort((y, x))
    order = order[x[order] >= max(GRID[0], 1 / images)]
    x, y = np.log10(x[order]), y[order]
    pixels = np.stack([(x - x[0]) / -_RATES.low * ACROSS, y * UP]).round(1)
    new = np.concatenate([[True], np.diff(pixels).any(axis=0)])
    kept = np.flatnonzero(new)[thinned(*pixels[:, new], points=POINTS, tolerance=OFF)]
    return [(float(x[k]), float(y[k])) for k in kept]


def roc_figure(inside: Mapping[str, Tensor], outside: Mapping[str, Tensor], names: Sequence[str], label: str) -> Markup:
    """The ROC curve of each score that both sides have, with its AUROC on hover, and that of chance, dotted.

    Under the chart stand the names and AUROCs of the best.

    Args:
        inside: score -> its values on ordinary images.
        outside: the same on anomalous ones.
        names: of all scores that there are, for their looks.
        label: what is drawn, in words.
    """
    areas = {name: auroc(inside[name], values) for name, values in outside.items() if name in inside}
    leaders = sorted(areas, key=lambda name: -areas[name])[:LEADERS]
    lines = [
        Line(
            name=name,
            points=roc_line(roc_points(inside[name], outside[name]), len(inside[name])),
            note=f", AUROC {show('auroc', area)}",
            faint=name not in leaders,
        )
        for name, area in areas.items()
    ]
    lines.sort(key=lambda line: not line.faint)  # what is drawn last lies on top
    best = keys_of(leaders, names, {name: f" {show('auroc', areas[name], unit=False)}" for name in leaders})
    return lines_svg(lines, names, _RATES, _CAUGHT, label, guide=_CHANCE) + best
