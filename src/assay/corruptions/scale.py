"""Scaling: the content shrinks towards the centre."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.corruptions.geometry import about_centre, warp
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Scale about the centre by `factor`, with bilinear interpolation and black outside. Nothing is drawn.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision.

    Attributes:
        factor: size of the result over size of the original; below 1 the content shrinks.

    Raises:
        BadValueError: factor is not a number in [0.01, 100].
    """

    name: ClassVar[str] = "scale"
    version: ClassVar[int] = 1
    factor: float = 0.7

    def __post_init__(self) -> None:
        check_number(self.name, "factor", self.factor, low=0.01, high=100)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Corrupt x (B, C, H, W) in [0, 1]."""
        linear = torch.eye(2, dtype=torch.float64, device=x.device).expand(len(x), 2, 2) * (1 / self.factor)
        return to_grid(warp(x, about_centre(linear, *x.shape[-2:])), like=x)
