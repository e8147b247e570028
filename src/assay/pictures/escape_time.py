"""Escape-time fractals: Julia sets of z -> z^p + c, and windows into the sets of all c, for p = 2, 3, 4.

c lies near the edge of the main component of the set of connected Julia sets, c = u - u^p with |u| = p^(-1 / (p - 1))
(there |f'(u)| = 1 at the fixed point u), where the sets are richest (Mandelbrot 1982, The fractal geometry of nature).
A picture shows sum_k exp(-|z_k|), the smooth count of the steps until z escapes, which is defined inside of the set
too; or how near the orbit comes to a line, circle or point, an orbit trap (Pickover 1990, Computers, pattern, chaos and
beauty).
"""

import math

import torch
from torch import Tensor

from assay.randomness import integers, uniform

STEPS = 40
FAR = 30.0  # where escaped points are held; exp(-FAR) is still a normal float32, and fast


def escape_time(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw `count` random pictures.

    Args:
        count: how many.
        height: rows.
        width: columns.
        generator: where the draws come from.

    Returns:
        (count, height, width) float32: the smooth count or the logarithm of the distance to the trap.
    """
    like = torch.empty(0)
    power = integers(2, 5, (count, 1), generator, like=like)
    c = _near_the_edge(power.float(), generator)
    window = uniform((count, 1), generator, like=like) < 0.3
    zoom = torch.where(window, 0.04, 0.25) * (
        torch.where(window, 12.0, 5.5) ** uniform((count, 1), generator, like=like)
    )
    pixels = _plane(zoom, height, width, generator)
    drift = 0.8 * zoom * (2 * uniform((2, count, 1), generator, like=like) - 1)
    start = torch.where(window, 0.0, pixels + drift)
    constant = torch.where(window, pixels + c, c).expand_as(start)
    smooth, trapped = _orbits(start, constant, power, _traps(count, generator))
    choice = uniform((count, 1), generator, like=like) < 0.5
    return torch.where(choice, smooth, torch.log(trapped + 0.01)).view(count, height, width)


def _near_the_edge(power: Tensor, generator: torch.Generator) -> Tensor:
    """Points c (2, count, 1): on the main component's edge, then scaled by up to 0.97 to 1.25."""
    angle = 2 * math.pi * uniform(power.shape, generator, like=power)
    radius = power ** (-1 / (power - 1))
    real = radius * angle.cos() - radius**power * (power * angle).cos()
    imaginary = radius * angle.sin() - radius**power * (power * angle).sin()
    return torch.stack([real, imaginary]) * (0.97 + 0.28 * uniform(power.shape, generator, like=power) ** 2)


def _plane(zoom: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """The pixels' places (2, count, height * width): turned, half the longer side `zoom`."""
    longest = max(height, width)
    down = (torch.arange(height) - (height - 1) / 2) * 2 / longest
    across = (torch.arange(width) - (width - 1) / 2) * 2 / longest
    y, x = (part.flatten() for part in torch.meshgrid(down, across, indexing="ij"))
    angle = 2 * math.pi * uniform(zoom.shape, generator, like=zoom)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    return torch.stack([cos * x - sin * y, sin * x + cos * y])


def _traps(count: int, generator: torch.Generator) -> Tensor:
    """Traps (5, count, 1): | a x + b y + d | for a line, or | |(x, y) - (a, b)| - d | for a circle, which e weighs."""
    u = uniform((4, count, 1), generator, like=torch.empty(0))
    angle, circle = 2 * math.pi * u[0], (u[1] < 0.6).float()
    scale = torch.where(circle > 0, 0.7 * u[2], 1.0)
    offset = torch.where(circle > 0, (u[3] - 0.4).clamp(min=0), 0.6 * (u[3] - 0.5))
    return torch.stack([scale * angle.cos(), scale * angle.sin(), offset, circle, 1 - circle])


def _orbits(start: Tensor, constant: Tensor, power: Tensor, traps: Tensor) -> tuple[Tensor, Tensor]:
    """Iterate z -> z^p + c; return sum_k exp(-|z_k|) and the least distance to the trap."""
    square, cube, fourth = (power == p for p in (2, 3, 4))
    x, y = start[0].clone(), start[1].clone()
    smooth, nearest = torch.zeros_like(x), torch.full_like(x, FAR)
    a, b, d, circle, line = traps
    for _ in range(STEPS):
        xx, yy = x * x - y * y, 2 * x * y
        fx, fy = square + cube * x + fourth * xx, cube * y + fourth * yy
        x = (xx * fx - yy * fy).add_(constant[0]).clamp_(-FAR, FAR)
        y = (xx * fy + yy * fx).add_(constant[1]).clamp_(-FAR, FAR)
        smooth += torch.exp(-torch.hypot(x, y))
        distance = circle * (torch.hypot(x - a, y - b) - d) + line * (a * x + b * y + d)
        nearest = torch.minimum(nearest, distance.abs())
    return smooth, nearest
