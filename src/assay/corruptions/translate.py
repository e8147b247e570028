"""Translation: the content is off the centre."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import signs, to_grid
from assay.corruptions.geometry import warp
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class Translate:
    """Shift along both axes by `distance`, each with its own random sign; black enters.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision.

    Attributes:
        distance: in pixels, along each axis; parts of a pixel are interpolated.

    Raises:
        BadValueError: distance is not a number in [0, 10000].
    """

    name: ClassVar[str] = "translate"
    version: ClassVar[int] = 1
    distance: float = 3

    def __post_init__(self) -> None:
        check_number(self.name, "distance", self.distance, low=0, high=10_000)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        shift = signs((len(x), 2, 1), generator, like=x) * self.distance
        linear = torch.eye(2, dtype=torch.float64, device=x.device).expand(len(x), 2, 2)
        return to_grid(warp(x, torch.cat([linear, shift], dim=2)), like=x)
