"""Linear filters along rows and columns, in float64, with the borders and the kernel cut of the original's filters."""

import torch
import torch.nn.functional as F
from torch import Tensor

TRUNCATE = 4.0  # the kernel ends at this many standard deviations, rounded to whole pixels


def gaussian_kernel(sigma: float) -> list[float]:
    """Half of the normalised kernel, w_k = exp(-k^2 / (2 sigma^2)) / sum, for k = 0 .. round(4 sigma)."""
    radius = int(TRUNCATE * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    half: list[float] = (weights / weights.sum())[radius:].tolist()
    return half


def pad(x: Tensor, radius: int, axis: int, border: str) -> Tensor:
    """Pad one axis (-1 columns, -2 rows) on both sides with the edge's value ("replicate") or zeros ("constant")."""
    sides = (radius, radius, 0, 0) if axis == -1 else (0, 0, radius, radius)
    return F.pad(x, sides, mode=border)


def gaussian(x: Tensor, sigma: float, *, axes: tuple[int, ...] = (-2, -1), border: str = "replicate") -> Tensor:
    """Blur x (B, C, H, W) by a Gaussian.

    Args:
        x: images, float64 where the last bit matters.
        sigma: standard deviation in pixels.
        axes: what to blur, one axis after the other: -2 along the height, -1 along the width.
        border: "replicate" repeats the edge's pixel outside the image, "constant" puts zeros there.

    Returns:
        The blurred images, of the same shape.
    """
    kernel = gaussian_kernel(sigma)
    radius = len(kernel) - 1
    for axis in axes:
        size = x.shape[axis]
        padded = pad(x, radius, axis, border)
        x = kernel[0] * padded.narrow(axis, radius, size)
        for k in range(radius, 0, -1):  # from the tails inwards, so that sums of constants round as the original's do
            x = x + (padded.narrow(axis, radius - k, size) + padded.narrow(axis, radius + k, size)) * kernel[k]
    return x


def sobel(x: Tensor, axis: int) -> Tensor:
    """The Sobel derivative of x (B, C, H, W): [-1, 0, 1] along `axis`, [1, 2, 1] across, edges repeated."""
    across, size, width = -3 - axis, x.shape[axis], x.shape[-3 - axis]
    padded = pad(x, 1, axis, "replicate")
    slope = pad(padded.narrow(axis, 2, size) - padded.narrow(axis, 0, size), 1, across, "replicate")
    return 2 * slope.narrow(across, 1, width) + (slope.narrow(across, 0, width) + slope.narrow(across, 2, width))
