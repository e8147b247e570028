"""Rotation."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import signs, to_grid
from assay.corruptions.geometry import about_centre, warp
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class Rotate:
    """Rotate about the centre by a fixed angle of random sign, with bilinear interpolation and black outside.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision.

    Attributes:
        angle: in radians.

    Raises:
        BadValueError: angle is not a number in [0, 3.15].
    """

    name: ClassVar[str] = "rotate"
    version: ClassVar[int] = 1
    angle: float = 0.4

    def __post_init__(self) -> None:
        check_number(self.name, "angle", self.angle, low=0, high=3.15)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        sine = signs((len(x),), generator, like=x) * math.sin(self.angle)
        cosine = torch.full_like(sine, math.cos(self.angle))
        linear = torch.stack([torch.stack([cosine, -sine], dim=1), torch.stack([sine, cosine], dim=1)], dim=1)
        return to_grid(warp(x, about_centre(linear, *x.shape[-2:])), like=x)
