"""Affine warps about the centre, with bilinear interpolation and black outside the image."""

import torch
import torch.nn.functional as F
from torch import Tensor


def about_centre(linear: Tensor, height: int, width: int) -> Tensor:
    """Extend linear maps (B, 2, 2) of (column, row) to affine maps (B, 2, 3) that keep the image's centre."""
    centre = linear.new_tensor([[(width - 1) / 2], [(height - 1) / 2]])
    return torch.cat([linear, centre - linear @ centre], dim=2)


def warp(x: Tensor, inverse: Tensor) -> Tensor:
    """Warp x (B, C, H, W): output pixel (column, row) shows the input at `inverse` @ (column, row, 1).

    Between pixels the value is interpolated bilinearly; outside the image it is 0, and so it fades over one pixel.

    Args:
        x: images.
        inverse: (B, 2, 3) float64, from output to input coordinates; 0 is the first pixel's centre.

    Returns:
        The warped images (B, C, H, W) in float64.
    """
    height, width = x.shape[-2:]
    rows = torch.arange(height, dtype=torch.float64, device=x.device)[:, None]
    columns = torch.arange(width, dtype=torch.float64, device=x.device)[None, :]
    column, row = (
        inverse[:, i, 0, None, None] * columns + inverse[:, i, 1, None, None] * rows + inverse[:, i, 2, None, None]
        for i in range(2)
    )
    left, top = column.floor(), row.floor()
    framed = F.pad(x.double(), (1, 1, 1, 1))  # a black frame stands for everything outside

    def at(below: int, right: int) -> Tensor:
        i = (top.long() + 1 + below).clamp(0, height + 1)
        j = (left.long() + 1 + right).clamp(0, width + 1)
        index = (i * (width + 2) + j).flatten(1)[:, None].expand(-1, x.shape[1], -1)
        return framed.flatten(2).gather(2, index).reshape(x.shape)

    across, down = (column - left)[:, None], (row - top)[:, None]
    above = (1 - across) * at(0, 0) + across * at(0, 1)
    return (1 - down) * above + down * ((1 - across) * at(1, 0) + across * at(1, 1))
