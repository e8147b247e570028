"""Clouds, marble and contour lines made of plasma fractals (diamond square: see `assay.pictures.plasma`).

Of a map v with its mean taken off and scaled by its deviation, a picture shows v itself, waves sin(2 pi (f v + g . r))
along a direction r, which look like marble, or its ridges |v - d|; decay, frequency and direction vary.
"""

import math

import torch
from torch import Tensor

from assay.pictures.plasma import torus
from assay.randomness import integers, uniform


def clouds(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw `count` random pictures.

    Args:
        count: how many.
        height: rows.
        width: columns.
        generator: where the draws come from.

    Returns:
        (count, height, width) float32.
    """
    like = torch.empty(0)
    decay = 1.35 + 0.35 * uniform((count, 1, 1), generator, like=like)
    v = torus(count, map_side(height, width), decay, generator, like)[:, :height, :width]
    deviation, mean = torch.std_mean(v, dim=(1, 2), keepdim=True, correction=0)
    v = (v - mean) / deviation.clamp(min=1e-6)
    u = uniform((4, count, 1, 1), generator, like=like)
    angle, cycles = 2 * math.pi * u[0], 3 * u[1]
    down = torch.arange(height)[:, None] / max(height, width)
    across = torch.arange(width) / max(height, width)
    waves = torch.sin(2 * math.pi * ((0.1 + 0.3 * u[2]) * v + cycles * (angle.cos() * across + angle.sin() * down)))
    ridges = (v - 2 * (u[3] - 0.5)).abs()
    kind = integers(0, 3, (count, 1, 1), generator, like=like)
    return torch.where(kind == 0, v, torch.where(kind == 1, waves, ridges))


def map_side(height: int, width: int) -> int:
    """The side of the square map that a picture is the corner of: the power of two from its longer side on."""
    return 1 << (max(height, width) - 1).bit_length()
