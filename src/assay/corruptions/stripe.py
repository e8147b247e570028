"""Stripe: both sides of the image inverted."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.parts import check_count


@dataclass(frozen=True, kw_only=True)
class Stripe:
    """Invert, x -> 1 - x, the first and the last `width` columns. Nothing is drawn.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision.

    Attributes:
        width: columns on each side, in pixels.

    Raises:
        BadValueError: width is not a whole number >= 1.
    """

    name: ClassVar[str] = "stripe"
    version: ClassVar[int] = 1
    width: int = 7

    def __post_init__(self) -> None:
        check_count(self.name, "width", self.width)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Corrupt x (B, C, H, W) in [0, 1]."""
        column = torch.arange(x.shape[-1], device=x.device)
        outer = (column < self.width) | (column >= x.shape[-1] - self.width)
        return to_grid(torch.where(outer, 1 - x, x), like=x)
