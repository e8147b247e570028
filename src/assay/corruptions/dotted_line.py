"""Dotted line: straight dashed strokes from side to side."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.corruptions.lines import stroke
from assay.parts import check_count
from assay.randomness import integers


@dataclass(frozen=True, kw_only=True)
class DottedLine:
    """Add a white line from the first column to the last, its ends' rows uniform on {0, ..., H - 2}.

    Columns alternate in runs of `dash`: the first run is off, the next on, and so on; the last column is off.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision. More lines than one are ours; they
    add up.

    Attributes:
        dash: columns in a run, in pixels.
        lines: how many.

    Raises:
        BadValueError: dash or lines is not a whole number >= 1.
    """

    name: ClassVar[str] = "dotted_line"
    version: ClassVar[int] = 1
    dash: int = 2
    lines: int = 1

    def __post_init__(self) -> None:
        check_count(self.name, "dash", self.dash)
        check_count(self.name, "lines", self.lines)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        rows = integers(0, max(x.shape[-2] - 1, 1), (2, self.lines * len(x)), generator, like=x).double()
        lines = self.line(rows, *x.shape[-2:]).view(self.lines, len(x), 1, *x.shape[-2:])
        return to_grid(x + lines.sum(0), like=x)

    def line(self, rows: Tensor, height: int, width: int) -> Tensor:
        """The dashed lines (B, height, width) between the rows (2, B) at the first and the last column."""
        left = torch.zeros_like(rows[0])
        lines = stroke((left, rows[0]), (left + width - 1, rows[1]), height, width)
        on = torch.arange(width, device=rows.device) // self.dash % 2 == 1
        return lines * on
