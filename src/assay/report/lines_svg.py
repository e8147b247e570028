"""A small line chart as inline SVG: for pages that draw few curves and need no script."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 320, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 12, 36
COLOURS = 6  # of the style sheet's classes line-0 .. line-5; dashes tell the next six apart


@dataclass(frozen=True, kw_only=True)
class Line:
    """A named line through points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis from low to high, low < high, with the places of its ticks and their labels."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


def axis(title: str, low: float, high: float, text: Callable[[float, int], str]) -> Axis:
    """An axis whose ticks are whole multiples of 1, 2 or 5 times a power of ten, from below `low` to above `high`.

    Args:
        title: its name.
        low: the smallest value drawn.
        high: the largest.
        text: a tick's label, given its value and the decimals that the step needs.
    """
    span = max(high - low, 1e-6)
    power = 10.0 ** floor(log10(span / 5))
    step = next(power * size for size in (1, 2, 5, 10) if power * size * 5 >= span * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    last = max(last, first + 1)
    decimals = max(0, -floor(log10(step) + 1e-9))
    ticks = [(k * step, text(k * step, decimals)) for k in range(first, last + 1)]
    return Axis(title=title, low=first * step, high=last * step, ticks=ticks)


def lines_svg(lines: Sequence[Line], names: Sequence[str], x: Axis, y: Axis, label: str) -> Markup:
    """The chart; what lies beyond the axes is drawn at their ends. A line's title names it on hover.

    A line has the look of its name's place among `names`, so that a name looks alike in several charts.
    """
    across = _scale(x, LEFT, WIDTH - RIGHT)
    up = _scale(y, HEIGHT - BOTTOM, TOP)
    parts = [f'<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">']
    for place, text in y.ticks:
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(place)}" y2="{up(place)}"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{up(place) + 4}" text-anchor="end">{escape(text)}</text>')
    for place, text in x.ticks:
        parts.append(f'<text x="{across(place)}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{escape(text)}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x.title)}</text>'
    )
    for line in lines:
        number = names.index(line.name)
        path = " ".join(f"{across(a)},{up(b)}" for a, b in line.points)
        look = f"line-{number % COLOURS}{' dashed' if number >= COLOURS else ''}"
        parts.append(f'<polyline class="{look}" points="{path}"><title>{escape(line.name)}</title></polyline>')
    return Markup("".join(parts) + "</svg>")


def _scale(axis: Axis, start: float, end: float) -> Callable[[float], float]:
    span = axis.high - axis.low

    def at(value: float) -> float:
        share = (min(max(value, axis.low), axis.high) - axis.low) / span
        return round(start + (end - start) * share, 1)

    return at
