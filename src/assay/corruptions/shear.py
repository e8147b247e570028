"""Shear: the image leans to one side."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import signs, to_grid
from assay.corruptions.geometry import about_centre, warp
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class Shear:
    """Shear about the centre by a fixed angle s of random sign.

    The output at (column, row), measured from the centre, shows the input at (column - sin(s) row, cos(s) row), so
    that the height is stretched by 1 / cos(s), as in the original. Interpolation is bilinear; outside is black.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision.

    Attributes:
        angle: the absolute value of s, in radians.

    Raises:
        BadValueError: angle is not a number in [0, 1.5].
    """

    name: ClassVar[str] = "shear"
    version: ClassVar[int] = 1
    angle: float = 0.4

    def __post_init__(self) -> None:
        check_number(self.name, "angle", self.angle, low=0, high=1.5)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        sign = signs((len(x),), generator, like=x)
        linear = sign.new_zeros(len(x), 2, 2)
        linear[:, 0, 0] = 1
        linear[:, 0, 1] = -sign * math.sin(self.angle)
        linear[:, 1, 1] = math.cos(self.angle)
        return to_grid(warp(x, about_centre(linear, *x.shape[-2:])), like=x)
