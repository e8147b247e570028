"""How the scores of groups of images are distributed: histograms on one stretched axis, as inline SVG.

Scores have long tails: on a linear axis a few far outliers squeeze all else into one bar. So the axis is

    u(s) = asinh((s - m) / d),  m the median of the test images' scores, d the median of |s - m| that is not 0,

linear within a few d of the median and logarithmic beyond (Lupton, Gunn and Szalay 1999, "A modified magnitude system
that produces well-behaved magnitudes, colors, and errors even for low signal-to-noise ratio measurements"). It rises,
so no order of scores changes. Bars are of equal width in u; a bar's height is the share of a group that lies in it.
"""

from collections.abc import Mapping, Sequence
from math import asinh, floor, isfinite, log10, sinh
from typing import NamedTuple

import torch
from markupsafe import Markup
from torch import Tensor

from assay.report.explain import MINUS
from assay.report.lines_svg import Axis, Line, Mark, axis, lines_svg

BARS = 40
BEYOND = 0.005  # the share of any set that may lie beyond the axis on either side; the outermost bars hold it
TICKS = (0.08, 0.36, 0.64, 0.92)  # where on the axis a tick is wanted
ROOM = 0.07  # how far from there the roundest number may lie


class Stretch(NamedTuple):
    """The axis of the module's text."""

    centre: float
    scale: float

    def place(self, scores: Tensor) -> Tensor:
        """u(s), float64."""
        return ((scores.double() - self.centre) / self.scale).asinh()

    def place_of(self, score: float) -> float:
        """u(s) of one score."""
        return asinh((score - self.centre) / self.scale)

    def score_at(self, place: float) -> float:
        """The score that lies at u."""
        return self.centre + self.scale * sinh(place)


class Shares(NamedTuple):
    """Where BARS bars of equal width begin and end in u, and of each group the share in each bar: (BARS,) float64."""

    low: float
    high: float
    groups: dict[str, Tensor]


def stretch(inside: Tensor) -> Stretch:
    """The axis for these scores of ordinary images; where all are the same its scale is their size."""
    scores = inside.double()
    centre = scores.median()
    off = (scores - centre).abs()
    off = off[off > 0]
    return Stretch(float(centre), float(off.median()) if len(off) else abs(float(centre)) or 1.0)


def shares(groups: Mapping[str, Sequence[Tensor]], along: Stretch, within: Sequence[float] = ()) -> Shares:
    """The histogram of each group; one of several sets is the mean of theirs, however many images each has.

    The scores `within` lie on the axis too.
    """
    placed = {name: [along.place(scores) for scores in sets] for name, sets in groups.items()}
    ends = torch.tensor([BEYOND, 1 - BEYOND], dtype=torch.float64)
    inner = torch.stack([values.quantile(ends) for sets in placed.values() for values in sets])
    places = [along.place_of(score) for score in within]
    low, high = min([float(inner[:, 0].min()), *places]), max([float(inner[:, 1].max()), *places])
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    return Shares(low, high, {name: _mean_share(sets, low, high) for name, sets in placed.items()})


def _mean_share(sets: Sequence[Tensor], low: float, high: float) -> Tensor:
    counted = [torch.histc(values.clamp(low, high), BARS, low, high) / len(values) for values in sets]
    return torch.stack(counted).mean(0)


def histogram_svg(
    groups: Mapping[str, Sequence[Tensor]],
    inside: str,
    names: Sequence[str],
    label: str,
    thresholds: Sequence[tuple[float, str]] = (),
) -> Markup:
    """The histograms of a score in each group, over each other.

    Args:
        groups: the scores of each set of each group.
        inside: the group of the ordinary images.
        names: of all groups that there are, for their looks.
        label: what is drawn, in words.
        thresholds: scores to mark, each with its text.
    """
    along = stretch(torch.cat(list(groups[inside])))
    found = shares(groups, along, [score for score, _ in thresholds])
    x = Axis(title="score", low=found.low, high=found.high, ticks=_ticks(along, found.low, found.high))
    top = max(float(own.max()) for own in found.groups.values())
    y = axis("share", 0, top, lambda value, decimals: f"{100 * value:.{max(0, decimals - 2)}f} %")
    lines = [
        Line(name=name, points=steps(own.tolist(), found.low, found.high), area=True)
        for name, own in found.groups.items()
    ]
    marks = [Mark(x=along.place_of(score), text=text) for score, text in thresholds]
    return lines_svg(lines, names, x, y, label, marks=marks)


def steps(heights: Sequence[float], low: float, high: float) -> list[tuple[float, float]]:
    """The outline of bars of equal width from low to high; neighbours of equal height are one step."""
    width = (high - low) / len(heights)
    starts = [k for k, height in enumerate(heights) if k == 0 or height != heights[k - 1]]
    ends = [*starts[1:], len(heights)]
    return [
        (low + width * edge, heights[start]) for start, end in zip(starts, ends, strict=True) for edge in (start, end)
    ]


def _ticks(along: Stretch, low: float, high: float) -> list[tuple[float, str]]:
    """The roundest scores near the places where ticks are wanted."""
    found: dict[float, str] = {}
    for share in TICKS:
        first, last = (along.score_at(low + (high - low) * (share + room)) for room in (-ROOM, ROOM))
        value, text = roundest(first, last)
        found.setdefault(along.place_of(value), text)
    return list(found.items())


def roundest(low: float, high: float) -> tuple[float, str]:
    """The number from low to high, low < high, with the fewest decimals, near the middle, and its text."""
    assert low < high, "an interval"
    assert isfinite(high - low), "of finite numbers"
    if low <= 0 <= high:
        return 0.0, "0"
    power = floor(log10(max(abs(low), abs(high)))) + 1
    while True:
        value = round(round((low + high) / 2 / 10.0**power) * 10.0**power, max(0, -power))
        if low <= value <= high:
            text = f"{value:.{-power}f}" if power < 0 else f"{value:.6g}"
            return value, text.replace("-", MINUS)
        power -= 1
