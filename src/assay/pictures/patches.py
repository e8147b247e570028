"""Shuffled patches: an image's strokes without its shape."""

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.randomness import uniform


def shuffled(x: Tensor, grid: int, generator: torch.Generator) -> Tensor:
    """Permute the grid x grid patches of x (B, C, H, W), each image by a permutation of its own.

    Rows and columns that do not fill a patch stay where they are, at the lower and right border.

    Raises:
        BadValueError: an image has fewer rows or columns than `grid`.
    """
    batch, channels, height, width = x.shape
    rows, columns = height // grid, width // grid
    if min(rows, columns) < 1:
        raise BadValueError(f"patches: grid: expected at most {min(height, width)}, the image's side, got {grid}")
    inner = x[:, :, : rows * grid, : columns * grid]
    patches = inner.reshape(batch, channels, grid, rows, grid, columns).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    order = uniform((batch, grid * grid), generator, like=torch.empty(0, device=x.device)).argsort(1)
    moved = patches[torch.arange(batch, device=x.device)[:, None], order]
    moved = moved.view(batch, grid, grid, channels, rows, columns)
    found = x.clone()
    found[:, :, : rows * grid, : columns * grid] = moved.permute(0, 3, 1, 4, 2, 5).reshape_as(inner)
    return found
