"""Shuffled images as outliers: the patches of each training image in another order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.data import Images
from assay.errors import BadValueError
from assay.outliers.base import Draw
from assay.parts import check_count
from assay.randomness import uniform

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
    seen: ClassVar[tuple[str, ...]] = ("patches",)

    grid: int = 4

    def __post_init__(self) -> None:
        check_count(self.name, "grid", self.grid, low=SMALLEST)

    def open(self, sets: Mapping[str, Images]) -> Draw:  # noqa: ARG002
        """Make ready to draw; no set is needed. See `OutlierSource`."""

        def draw(x: Tensor, generator: torch.Generator) -> Tensor:
            return shuffled(x, self.grid, generator)

        return draw


def shuffled(x: Tensor, grid: int, generator: torch.Generator) -> Tensor:
    """Permute the grid x grid patches of x (B, C, H, W), each image by a permutation of its own.

    Raises:
        BadValueError: an image has fewer rows or columns than `grid`.
    """
    batch, channels, height, width = x.shape
    rows, columns = height // grid, width // grid
    if min(rows, columns) < 1:
        raise BadValueError(f"patches: grid: expected at most {min(height, width)}, the image's side, got {grid}")
    inner = x[:, :, : rows * grid, : columns * grid]
    patches = inner.reshape(batch, channels, grid, rows, grid, columns).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    order = uniform((batch, grid * grid), generator, like=x).argsort(1)
    moved = patches[torch.arange(batch, device=x.device)[:, None], order]
    moved = moved.view(batch, grid, grid, channels, rows, columns)
    found = x.clone()
    found[:, :, : rows * grid, : columns * grid] = moved.permute(0, 3, 1, 4, 2, 5).reshape_as(inner)
    return found
