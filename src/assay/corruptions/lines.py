"""Straight white strokes with soft edges."""

import torch
from torch import Tensor

REACH = 2.3  # the vertical distance, in pixels, at which the formula for the intensity ends


def stroke(start: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor], height: int, width: int) -> Tensor:
    """Draw one stroke per image from `start` to `end`, each (column, row) as float64 tensors (B,).

    At the vertical distance d from the line the intensity is clip(1 + log(1 - d / 2.3), 0, 1): 1 on the line, 0 beyond
    1.45 pixels. Only columns from floor(first) to ceil(last) - 1 are drawn, and nothing where the line is vertical.

    Returns:
        (B, height, width) float64 in [0, 1].
    """
    (first, low), (last, high) = ([part[:, None, None] for part in point] for point in (start, end))
    rows = torch.arange(height, dtype=torch.float64, device=first.device)[:, None]
    columns = torch.arange(width, dtype=torch.float64, device=first.device)
    upright = first == last
    slope = (high - low) / torch.where(upright, 1.0, last - first)
    distance = (rows - (slope * (columns - first) + low)).abs().clamp(max=REACH - 1e-10)
    intensity = (torch.log(1 - distance / REACH) + 1).clamp(0, 1)
    inside = (columns >= first.floor()) & (columns < last.ceil()) & ~upright
    return torch.where(inside, intensity, 0.0)
