"""Shuffled images as outliers: the patches of each training image in another order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.data import Images
from assay.outliers.base import Draw
from assay.parts import check_count
from assay.pictures.patches import shuffled

SMALLEST = 3  # of images whose patches all differ, one in 362,880 stays what it is; with 4 patches, one in 24


@dataclass(frozen=True, kw_only=True)
class Patches:
    """Each training image cut into grid x grid patches, put back in random order: its strokes without its shape.

    Rows and columns that do not fill a patch stay where they are, at the lower and right border.

    Attributes:
        grid: patches along each side, at least 3.
    """

    name: ClassVar[str] = "patches"
    version: ClassVar[int] = 1
    seen: ClassVar[tuple[str, ...]] = ("patches", "shuffled_patches")

    grid: int = 4

    def __post_init__(self) -> None:
        check_count(self.name, "grid", self.grid, low=SMALLEST)

    def open(self, sets: Mapping[str, Images]) -> Draw:  # noqa: ARG002
        """Make ready to draw; no set is needed. See `OutlierSource`."""

        def draw(x: Tensor, generator: torch.Generator) -> Tensor:
            return shuffled(x, self.grid, generator)

        return draw
