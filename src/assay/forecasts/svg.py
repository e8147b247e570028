"""A reliability or coverage diagram as inline SVG: its colours are those of the page."""

from markupsafe import Markup, escape

from assay.forecasts.scores import Diagram, Point
from assay.forecasts.words import number

WIDTH, HEIGHT = 320, 320
LEFT, TOP, SIDE = 48, 12, 256  # the square of the diagram
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
SMALL, LARGE, MANY = 3.0, 6.0, 100  # radius of a point with few and with MANY forecasts or more


def diagram_svg(diagram: Diagram) -> Markup:
    """Points with their 95 % intervals, joined, beside the diagonal on which statement and outcome agree."""
    grid = "".join(_tick(tick) for tick in TICKS)
    path = " ".join(f"{_x(point.x)},{_y(point.y)}" for point in diagram.points)
    line = f'<polyline class="joined" points="{path}"/>' if len(diagram.points) > 1 else ""
    points = "".join(_point(point) for point in diagram.points)
    name = escape(f"{diagram.title}: {diagram.y} against {diagram.x}, {len(diagram.points)} points; numbers below")
    middle = TOP + SIDE / 2
    return Markup(
        f'<svg class="diagram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{grid}'
        f'<line class="diagonal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>{line}{points}'
        f'<text x="{LEFT + SIDE / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(diagram.x)}</text>'
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">{escape(diagram.y)}</text>'
        "</svg>"
    )


def _x(value: float) -> float:
    return round(LEFT + SIDE * value, 1)


def _y(value: float) -> float:
    return round(TOP + SIDE * (1 - value), 1)


def _tick(at: float) -> str:
    return (
        f'<line class="grid" x1="{_x(at)}" x2="{_x(at)}" y1="{_y(0)}" y2="{_y(1)}"/>'
        f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(at)}" y2="{_y(at)}"/>'
        f'<text x="{_x(at)}" y="{_y(0) + 16}" text-anchor="middle">{at:g}</text>'
        f'<text x="{LEFT - 6}" y="{_y(at) + 4}" text-anchor="end">{at:g}</text>'
    )


def _point(point: Point) -> str:
    radius = round(SMALL + (LARGE - SMALL) * min(point.n / MANY, 1), 1)
    ends = f"[{number(point.low)}, {number(point.high)}]"
    tip = f"stated {number(point.x)}, happened {number(point.y)} {ends}, n = {point.n:,}"
    return (
        f'<g data-tip="{tip}"><line class="bar" x1="{_x(point.x)}" x2="{_x(point.x)}" y1="{_y(point.low)}" '
        f'y2="{_y(point.high)}"/><circle class="dot" cx="{_x(point.x)}" cy="{_y(point.y)}" r="{radius}"/></g>'
    )
