"""Fog: a bright plasma fractal over the image."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.parts import check_number
from assay.pictures.plasma import plasma


@dataclass(frozen=True, kw_only=True)
class Fog:
    """Add a plasma fractal f in [0, 1] and scale back: (x + density * f) * m / (m + density), m = the image's maximum.

    f is the upper left corner of a map of 256 x 256 (of the next power of two for larger images), all channels alike.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision.

    Attributes:
        density: the height of the fog over the range of the image.
        decay: how fast the fractal's detail fades; larger is smoother.

    Raises:
        BadValueError: density is not a number in [0, 1000], or decay not in [1, 100].
    """

    name: ClassVar[str] = "fog"
    version: ClassVar[int] = 1
    density: float = 3
    decay: float = 1.4

    def __post_init__(self) -> None:
        check_number(self.name, "density", self.density, low=0, high=1000)
        check_number(self.name, "decay", self.decay, low=1, high=100)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        height, width = x.shape[-2:]
        layer = plasma(len(x), height, width, self.decay, generator, like=x)
        highest = x.amax(dim=(1, 2, 3), keepdim=True)
        return to_grid((x + self.density * layer) * highest / (highest + self.density), like=x)
