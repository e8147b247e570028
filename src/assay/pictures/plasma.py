"""Plasma fractals by the diamond-square algorithm (Fournier, Fussell and Carpenter, 1982) on a torus."""

import torch
from torch import Tensor

from assay.randomness import uniform

SMALLEST = 256  # the side of the whole map, of which the image shows a corner
BLOCK = 8  # maps made at once: they stay in the processor's cache


def plasma(batch: int, height: int, width: int, decay: float, generator: torch.Generator, *, like: Tensor) -> Tensor:
    """Draw the upper left corners (batch, 1, height, width) of maps whose own minimum is 0 and maximum is 1.

    Args:
        batch: how many independent maps.
        height: rows to cut out.
        width: columns to cut out.
        decay: the noise's amplitude shrinks by decay^2 from one level to the next.
        generator: where the draws come from.
        like: gives device and type.

    Returns:
        The corners. The extremes that scale them are those of the whole map and mostly lie outside of the corner.
    """
    side = SMALLEST
    while side < max(height, width):
        side *= 2
    corners = []
    for start in range(0, batch, BLOCK):
        whole = torus(min(BLOCK, batch - start), side, decay, generator, like)
        low, high = whole.amin(dim=(1, 2), keepdim=True), whole.amax(dim=(1, 2), keepdim=True)
        corners.append((whole[:, :height, :width] - low) / (high - low))
    return torch.cat(corners)[:, None] if corners else like.new_zeros(0, 1, height, width)


def torus(batch: int, side: int, decay: float | Tensor, generator: torch.Generator, like: Tensor) -> Tensor:
    """Refine one point to maps that continue at their opposite edges.

    Each step puts the mean of four neighbours, plus noise, in between.

    Args:
        batch: how many independent maps.
        side: their side, a power of two.
        decay: as in `plasma`; or one for each map, (batch, 1, 1).
        generator: where the draws come from.
        like: gives device and type.

    Returns:
        (batch, side, side), unscaled: the first step's noise is uniform in [-1, 1].
    """
    grid: Tensor = like.new_zeros(batch, 1, 1)
    amplitude: float | Tensor = 1.0
    while grid.shape[1] < side:
        size = grid.shape[1]
        noise = uniform((3, batch, size, size), generator, like=like).mul_(2 * amplitude).sub_(amplitude)
        across, down = (grid + grid.roll(-1, axis) for axis in (2, 1))
        middle = noise[0].add_(across + across.roll(-1, 1), alpha=0.25)
        finer = like.new_empty(batch, size, 2, size, 2)
        finer[:, :, 0, :, 0] = grid
        finer[:, :, 1, :, 1] = middle
        finer[:, :, 0, :, 1] = noise[1].add_(across.add_(middle).add_(middle.roll(1, 1)), alpha=0.25)
        finer[:, :, 1, :, 0] = noise[2].add_(down.add_(middle).add_(middle.roll(1, 2)), alpha=0.25)
        grid, amplitude = finer.view(batch, 2 * size, 2 * size), amplitude / decay**2
    return grid
