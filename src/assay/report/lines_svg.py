"""A small line chart as inline SVG: for pages that draw few curves and need no script."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 320, 220
LEFT, RIGHT, TOP, BOTTOM = 66, 20, 12, 36
LETTER, GAP = 6.2, 4  # a letter's width, about, and what is left between a mark and its text
COLOURS = 6  # of the style sheet's classes line-0 .. line-5
STROKES = ("", " dashed", " dotted")  # they tell the next six apart, and the six behind them


@dataclass(frozen=True, kw_only=True)
class Line:
    """A named line through points (x, y).

    Attributes:
        name: which line it is.
        points: from left to right.
        note: said behind the name on hover.
        area: whether what is under it is shaded.
        faint: whether it steps back behind the others.
    """

    name: str
    points: Sequence[tuple[float, float]]
    note: str = ""
    area: bool = False
    faint: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An upright line at x with its text."""

    x: float
    text: str
    dashed: bool = True


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


def look(number: int) -> str:
    """The style sheet's classes of the line with that number."""
    return f"line-{number % COLOURS}{STROKES[number // COLOURS % len(STROKES)]}"


def keys_of(chosen: Sequence[str], names: Sequence[str], notes: Mapping[str, str] | None = None) -> Markup:
    """A legend of some lines among `names`, each with what is said behind its name."""
    said = notes or {}
    items = (
        f'<li class="{look(names.index(name))}">{escape(name.replace("_", " ") + said.get(name, ""))}</li>'
        for name in chosen
    )
    return Markup(f'<ul class="keys">{"".join(items)}</ul>')


def lines_svg(
    lines: Sequence[Line],
    names: Sequence[str],
    x: Axis,
    y: Axis,
    label: str,
    *,
    marks: Sequence[Mark] = (),
    guide: Sequence[tuple[float, float]] = (),
) -> Markup:
    """The chart; what lies beyond the axes is drawn at their ends. A line's title names it on hover.

    Args:
        lines: what is drawn; one has the look of its name's place among `names`, so that it is alike in several charts.
        names: of all lines of such charts.
        x: the axis to the right.
        y: the axis upward.
        label: what the chart shows, for those who do not see it.
        marks: upright lines.
        guide: points of a faint line to compare with.
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
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text transform="translate(10 {middle:g}) rotate(-90)" text-anchor="middle">{escape(y.title)}</text>'
    )

    def path(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{across(a):g},{up(b):g}" for a, b in points)

    if guide:
        parts.append(f'<polyline class="guide" points="{path(guide)}"/>')
    for line in lines:
        shown = look(names.index(line.name)) + (" faint" if line.faint else "")
        title = f"<title>{escape(line.name + line.note)}</title>"
        if line.area:
            ground = [(line.points[-1][0], y.low), (line.points[0][0], y.low)]
            parts.append(f'<polygon class="{shown}" points="{path([*line.points, *ground])}">{title}</polygon>')
        else:
            parts.append(f'<polyline class="{shown}" points="{path(line.points)}">{title}</polyline>')
    last = max((mark.x for mark in marks), default=0.0)
    parts += [_mark(mark, across(mark.x), number, last=mark.x == last) for number, mark in enumerate(marks)]
    return Markup("".join(parts) + "</svg>")


def _mark(mark: Mark, place: float, number: int, *, last: bool) -> str:
    """An upright line; texts stand below each other, left of their lines, but the last line's right of it.

    Where a side has no room for a text, it stands on the other.
    """
    size = LETTER * len(mark.text) + GAP
    right = place + size <= WIDTH and (last or place - size < LEFT)
    end, anchor = (place + GAP, "start") if right else (place - GAP, "end")
    return (
        f'<line class="mark{" dashed" if mark.dashed else ""}" x1="{place:g}" x2="{place:g}" y1="{TOP}" '
        f'y2="{HEIGHT - BOTTOM}"/><text class="mark" x="{end:g}" y="{TOP + 10 + 13 * number}" '
        f'text-anchor="{anchor}">{escape(mark.text)}</text>'
    )


def _scale(axis: Axis, start: float, end: float) -> Callable[[float], float]:
    span = axis.high - axis.low

    def at(value: float) -> float:
        share = (min(max(value, axis.low), axis.high) - axis.low) / span
        return round(start + (end - start) * share, 1)

    return at
