from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from assay.metrics.detection import auroc, roc_points
from assay.randomness import derive
from assay.report.lines_svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from assay.report.roc_svg import FEWEST, POINTS, roc_figure, roc_line

PIXEL = 1 / (HEIGHT - TOP - BOTTOM)  # of the true positive rate
DECADE = (WIDTH - LEFT - RIGHT) / 3  # pixels of a power of ten of the false positive rate


def scores(digits: int, shift: float = 2.0) -> tuple[Tensor, Tensor]:
    g = derive(0, "roc")
    low, high = torch.randn(3000, generator=g), torch.randn(2000, generator=g) + shift
    return low.round(decimals=digits), high.round(decimals=digits)


def whole(low: Tensor, high: Tensor) -> list[tuple[float, float]]:
    """Every point of the ROC curve, by counting."""
    thresholds = [float("inf"), *sorted(set(low.tolist()) | set(high.tolist()), reverse=True)]
    return [(float((low >= t).double().mean()), float((high >= t).double().mean())) for t in thresholds]


def rate_at(fpr: float, points: list[tuple[float, float]]) -> tuple[float, float]:
    """The lowest and highest true positive rate at a false positive rate; ties are slanted steps."""
    exact = [b for a, b in points if abs(a - fpr) < 1e-12]
    if exact:
        return min(exact), max(exact)
    (a, b), (c, d) = next(pair for pair in pairwise(points) if pair[0][0] < fpr < pair[1][0])
    value = b + (d - b) * (fpr - a) / (c - a)
    return value, value


@pytest.mark.parametrize("digits", [0, 1, 6])  # rounding makes ties
def test_the_line_lies_on_the_whole_curve_within_a_pixel(digits: int) -> None:
    low, high = scores(digits)
    points = roc_line(roc_points(low, high), len(low))
    assert len(points) <= POINTS
    assert points[0][0] == pytest.approx(np.log10(FEWEST))
    assert points[-1] == pytest.approx((0, 1), abs=0.1 / DECADE)  # rounded to a tenth of a pixel
    x, y = np.array(points).T
    exact = whole(low, high)
    assert bool((np.diff(x) >= 0).all() & (np.diff(y) >= 0).all())
    for at in np.linspace(-2.99, -0.01, 40):
        near = [10 ** min(at + off / DECADE, 0) for off in (-1, 1)]  # a pixel to the left and to the right
        lowest, highest = rate_at(near[0], exact)[0], rate_at(near[1], exact)[1]
        assert lowest - PIXEL <= np.interp(at, x, y) <= highest + PIXEL


def test_the_area_under_the_line_is_nearly_the_auroc() -> None:
    low, high = scores(6, 1.0)  # of this much lies at more than FEWEST false positives
    x, y = np.array(roc_line(roc_points(low, high), len(low))).T
    rates = np.linspace(FEWEST, 1, 100_000)
    drawn = np.interp(np.log10(rates), x, y)
    assert float(np.trapezoid(drawn, rates)) == pytest.approx(auroc(low, high), abs=0.005)


def test_a_perfect_and_a_constant_score() -> None:
    line = roc_line(roc_points(torch.zeros(50), torch.ones(50)), 50)
    assert [y for _, y in line] == [1.0] * len(line)
    chance = roc_line(roc_points(torch.zeros(50), torch.zeros(50)), 50)
    assert all(y == pytest.approx(10**x, abs=1e-9) for x, y in chance)
    assert len(chance) > 5  # it is bent


def test_each_score_of_both_sides_is_drawn_with_its_auroc() -> None:
    low, high = scores(6)
    inside, outside = {"a": low, "<b>": high}, {"a": high, "<b>": high, "alone": high}
    svg = str(roc_figure(inside, outside, ["a", "<b>", "alone"], "one & all"))
    assert f"<title>a, AUROC {100 * auroc(low, high):.1f} %</title>" in svg
    assert "<title>&lt;b&gt;, AUROC 50.0 %</title>" in svg
    assert "alone" not in svg
    assert 'class="guide"' in svg


def test_below_one_image_in_all_there_is_no_rate() -> None:
    line = roc_line(roc_points(torch.zeros(50), torch.ones(50)), 50)
    assert line[0][0] >= np.log10(1 / 50)
    assert line[0][0] == pytest.approx(np.log10(1 / 50), abs=0.05)  # the grid's next place


def test_the_best_five_stand_before_the_others_and_are_named() -> None:
    low, high = scores(6)
    shifts = {f"by_{k}": float(k) for k in range(7)}
    svg = str(roc_figure(dict.fromkeys(shifts, low), {n: high + s for n, s in shifts.items()}, list(shifts), "many"))
    drawing, legend = svg.split("</svg>")
    assert drawing.count(" faint") == 2
    assert drawing.rindex(" faint") < drawing.index("by_6")  # the leaders lie on top
    named = [f"by {k}" in legend for k in range(7)]
    assert named == [False, False, True, True, True, True, True]
    assert legend.index("by 6") < legend.index("by 2")
