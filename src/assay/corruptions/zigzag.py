"""Zigzag: a white stroke that goes up and down."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.corruptions.lines import stroke
from assay.parts import check_count, check_number
from assay.randomness import integers


@dataclass(frozen=True, kw_only=True)
class Zigzag:
    """Add a white zigzag about a line from column `margin` to column W - 1 - margin.

    The line starts at a row uniform on {0, ..., H - 2} and rises by a number uniform on {-drift, ..., drift - 1}.
    Turning points lie on it at (2 i + 1) * length and off it by +- amplitude in turn; overlapping strokes add up.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision. The stroke's last point is off the
    line as in the original: by the last turn over twice the way that is left after the last whole period. Fainter
    strokes are ours.

    Attributes:
        length: a quarter of the period, in pixels.
        amplitude: distance of the turning points from the line, in pixels.
        margin: columns left free on either side, in pixels.
        drift: bound of the line's rise, in pixels.
        intensity: what the strokes are multiplied by.

    Raises:
        BadValueError: length is not in [0.1, 1000], amplitude not in [0, 1000], intensity not in [0, 1], or margin
            or drift not a whole number >= 1.
    """

    name: ClassVar[str] = "zigzag"
    version: ClassVar[int] = 1
    length: float = 2
    amplitude: float = 2
    margin: int = 2
    drift: int = 5
    intensity: float = 1

    def __post_init__(self) -> None:
        check_number(self.name, "length", self.length, low=0.1, high=1000)
        check_number(self.name, "amplitude", self.amplitude, low=0, high=1000)
        check_count(self.name, "margin", self.margin)
        check_count(self.name, "drift", self.drift)
        check_number(self.name, "intensity", self.intensity, low=0, high=1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        height, width = x.shape[-2:]
        start = integers(0, max(height - 1, 1), (len(x),), generator, like=x)
        rise = integers(-self.drift, self.drift, (len(x),), generator, like=x)
        firsts = torch.arange(max(height - 1, 1), dtype=torch.float64, device=x.device)
        patterns = torch.stack([self.pattern(firsts, r, height, width) for r in range(-self.drift, self.drift)])
        return to_grid(x + self.intensity * patterns[rise + self.drift, start][:, None], like=x)

    def pattern(self, rows: Tensor, rise: int, height: int, width: int) -> Tensor:
        """The zigzags (B, height, width) that start at `rows` (B,) and rise by `rise`: sums of strokes, not clipped."""
        points = self._points(rise, width - 1 - 2 * self.margin)
        total = rows.new_zeros(len(rows), height, width)
        for (c0, r0), (c1, r1) in pairwise(points):
            start = (torch.full_like(rows, c0 + self.margin), rows + r0)
            total += stroke(start, (torch.full_like(rows, c1 + self.margin), rows + r1), height, width)
        return total

    def _points(self, rise: int, span: int) -> list[tuple[float, float]]:
        """The turning points (column, row) from the start of a line that rises by `rise` over `span` columns."""
        if span < 1:
            return []
        tilt = math.atan(rise / span)
        way, period = span / math.cos(tilt), 2 * self.length
        points, off = [(0.0, 0.0)], self.amplitude
        for i in range(int((way - self.length) // period) + 1):
            off = (-1) ** i * self.amplitude
            points.append(((2 * i + 1) * self.length, off))
        left = way - period * (way // period)
        if left > 0:
            points.append((way, off / (2 * left)))
        cos, sin = math.cos(tilt), math.sin(tilt)
        return [(cos * c - sin * r, sin * c + cos * r) for c, r in points]
