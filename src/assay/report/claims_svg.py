"""A comparison drawn: its interval, the region that the claim asks for, and zero."""

from math import isfinite

from markupsafe import Markup, escape

from assay.analysis.claims import Case
from assay.analysis.claims.words import region_text, signed, value_text

WIDTH, HEIGHT, AXIS, MIDDLE, EDGE = 320, 44, 28, 14, 10


def interval_svg(case: Case) -> Markup:
    """An inline SVG: a hatched band is the region, the bar the 95 % interval, the dot the value."""
    low, high = _range(case)

    def x(value: float) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * (min(max(value, low), high) - low) / (high - low), 1)

    band = (x(case.region.low), x(case.region.high))
    ends = (x(case.effect.low), x(case.effect.high))
    ticks = "".join(_tick(x(tick), _label(tick, case)) for tick in _ticks(case, low, high))
    caps = "".join(f'<line class="bar" x1="{end}" x2="{end}" y1="{MIDDLE - 4}" y2="{MIDDLE + 4}"/>' for end in ends)
    text = f"{case.name}: interval drawn against {region_text(case.region, case.percent, case.signed)}"
    box = f"0 0 {WIDTH} {HEIGHT}"
    return Markup(
        f'<svg class="interval-plot {case.state}" viewBox="{box}" role="img" aria-label="{escape(text)}">'
        f'<rect class="region" x="{band[0]}" width="{round(band[1] - band[0], 1)}" y="2" height="{AXIS - 4}"/>'
        f'<line class="axis" x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{AXIS}" y2="{AXIS}"/>{ticks}'
        f'<line class="bar" x1="{ends[0]}" x2="{ends[1]}" y1="{MIDDLE}" y2="{MIDDLE}"/>{caps}'
        f'<circle class="dot" cx="{x(case.effect.value)}" cy="{MIDDLE}" r="4"/></svg>'
    )


def _range(case: Case) -> tuple[float, float]:
    """What the axis spans: the interval, the region's ends, and zero for a difference, with some room."""
    points = [case.effect.low, case.effect.high, *(end for end in case.region if isfinite(end))]
    points += [0.0] if case.signed else []
    low, high = min(points), max(points)
    room = 0.08 * (high - low) or 0.01
    return low - room, high + room


def _ticks(case: Case, low: float, high: float) -> list[float]:
    """The region's ends and zero, without those whose labels would meet."""
    wanted = [end for end in case.region if isfinite(end)] + ([0.0] if case.signed else [])
    kept: list[float] = []
    for tick in dict.fromkeys(wanted):
        if all(abs(tick - other) > 0.16 * (high - low) for other in kept):
            kept.append(tick)
    return kept


def _label(value: float, case: Case) -> str:
    if not case.signed:
        return value_text(value, case.percent)
    return signed(value, case.percent) if value else "0"


def _tick(x: float, label: str) -> str:
    anchor = "start" if x < EDGE * 3 else "end" if x > WIDTH - EDGE * 3 else "middle"
    return (
        f'<line class="tick" x1="{x}" x2="{x}" y1="2" y2="{AXIS + 3}"/>'
        f'<text x="{x}" y="{HEIGHT - 3}" text-anchor="{anchor}">{escape(label)}</text>'
    )
