"""CutOut: square holes, set to 0, at uniform places.

Source: DeVries and Taylor (2017), Improved regularization of convolutional neural networks with Cutout. The centre of a
hole is a pixel drawn uniformly from the image, and what lies beyond the border is cut off, so some holes are smaller.

Deviation: a hole is `length` pixels wide for every length, as the paper says; the authors' code makes it one pixel
narrower for odd lengths. A hole of length L around row c covers the rows c - L // 2 ... c - L // 2 + L - 1, so for even
lengths the centre is the pixel right below the middle; columns likewise.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.augmentations.spans import inside
from assay.parts import check_count
from assay.randomness import integers


@dataclass(frozen=True, kw_only=True)
class CutOut:
    """Square holes of side `length`; holes may overlap.

    Attributes:
        length: side of a hole in pixels, >= 1.
        holes: holes per image, >= 1.
    """

    name: ClassVar[str] = "cutout"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False

    length: int
    holes: int

    def __post_init__(self) -> None:
        check_count(self.name, "length", self.length)
        check_count(self.name, "holes", self.holes)

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Cut holes into x (B, C, H, W), through all channels; y is returned as it is. See `Augmentation`."""
        batch, _, height, width = x.shape
        rows = self._inside(height, batch, generator, x)
        columns = self._inside(width, batch, generator, x)
        # Over the holes, a pixel's (row inside) * (column inside) sums to the number of holes that cover it.
        covered = torch.bmm(rows.transpose(1, 2), columns) > 0
        return x.masked_fill(covered[:, None], 0), y

    def _inside(self, size: int, batch: int, generator: torch.Generator, like: Tensor) -> Tensor:
        """1 where a row (or column) lies inside a hole, else 0: (B, holes, size)."""
        first = integers(0, size, (batch, self.holes, 1), generator, like=like) - self.length // 2
        return inside(first, self.length, size).to(like.dtype)
