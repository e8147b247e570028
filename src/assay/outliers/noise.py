"""Noise as outliers: independent values on grids from fine to coarse, grey or black and white."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from assay.data import Images
from assay.outliers.base import Draw
from assay.randomness import integers, uniform

CELLS = (1, 2, 4, 8)  # sides of a grid's cells, in pixels


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Each image is noise on a grid of 1, 2, 4 or 8 pixels, smooth between its points; half of them black and white.

    Values are U[0, 1) in each channel; those in black and white are 1 from a level on that is itself U[0.2, 0.8) for
    each image, so that some are mostly dark and some mostly light.
    """

    name: ClassVar[str] = "noise"
    version: ClassVar[int] = 1
    seen: ClassVar[tuple[str, ...]] = ("noise", "uniform_noise", "gaussian_noise", "blobs")

    def open(self, sets: Mapping[str, Images]) -> Draw:  # noqa: ARG002
        """Make ready to draw; no set is needed. See `OutlierSource`."""
        return noise


def noise(x: Tensor, generator: torch.Generator) -> Tensor:
    """As many images of noise as x (B, C, H, W) has, of its shape."""
    batch, channels, height, width = x.shape
    chosen = integers(0, len(CELLS), (batch,), generator, like=x)
    level = 0.2 + 0.6 * uniform((batch, 1, 1, 1), generator, like=x)
    binary = uniform((batch, 1, 1, 1), generator, like=x) < 0.5
    found = torch.empty_like(x)
    for kind, cell in enumerate(CELLS):
        coarse = uniform((batch, channels, -(-height // cell) + 1, -(-width // cell) + 1), generator, like=x)
        fine = interpolate(coarse, scale_factor=cell, mode="bilinear", align_corners=False)
        here = chosen == kind
        found[here] = fine[here, :, :height, :width]
    return torch.where(binary, (found >= level).to(x), found)
