"""Escape-time fractals: Julia sets of z -> z^p + c, and windows into the sets of all c, for p = 2, 3, 4.

c lies near the edge of the main component of the set of connected Julia sets, c = u - u^p with |u| = p^(-1 / (p - 1))
(there the derivative at the fixed point u has modulus 1), where the sets are richest (Mandelbrot 1982, The fractal
geometry of nature). A picture shows how often the orbit comes near a circle of centre t and radius d, smoothly counted:

    sum_k 1 / (1 + s^2 (|z_k - t| - d)^2),  k = 1..STEPS.

For t = d = 0 and s = 1 it counts the steps until z escapes; other circles, of which large ones look like lines, are
orbit traps (Pickover 1990, Computers, pattern, chaos and beauty). Both go on inside of the set.
"""

import math

import torch
from torch import Tensor

from assay.randomness import integers, uniform

STEPS = 36
POWERS = (2, 3, 4)
FAR = 100.0  # where escaped points are held
BLOCK = 2**15  # pixels iterated at once: they stay in the processor's cache


def escape_time(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw `count` random pictures.

    Args:
        count: how many.
        height: rows.
        width: columns.
        generator: where the draws come from.

    Returns:
        (count, height, width) float32: the smooth count.
    """
    like = torch.empty(0)
    power = integers(POWERS[0], POWERS[-1] + 1, (count, 1), generator, like=like)
    c = _near_the_edge(power.float(), generator)
    window = uniform((count, 1), generator, like=like) < 0.3
    deep = uniform((count, 1), generator, like=like)
    zoom = torch.where(window, 0.04 * 12**deep, 0.25 * 5.5**deep)
    pixels = _plane(zoom, height, width, generator)
    drift = 0.8 * zoom * (2 * uniform((2, count, 1), generator, like=like) - 1)
    start = torch.where(window, 0.0, pixels + drift)
    constant = torch.where(window, pixels + c, c).expand_as(start)
    traps = _traps(count, generator)
    field = torch.empty(count, height * width)
    for p in POWERS:
        rows = (power[:, 0] == p).nonzero()[:, 0]
        for part in rows.split(max(1, BLOCK // (height * width))):  # type: ignore[no-untyped-call]
            field[part] = _counted(start[:, part], constant[:, part], p, traps[:, part])
    return field.view(count, height, width)


def _near_the_edge(power: Tensor, generator: torch.Generator) -> Tensor:
    """Points c (2, count, 1): on the main component's edge, times 0.97 to 1.25."""
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
    """Draw centres t (two rows), radii d and sharpnesses s, (4, count, 1): escape times, points, circles and lines."""
    u = uniform((5, count, 1), generator, like=torch.empty(0))
    angle, line = 2 * math.pi * u[0], u[1] > 0.8
    away = torch.where(line, 8.0, 0.7 * u[2])
    radius = torch.where(line, 8 + 0.6 * (u[3] - 0.5), (u[3] - 0.4).clamp(min=0))
    traps = torch.stack([away * angle.cos(), away * angle.sin(), radius, 4 * 6 ** u[4]])
    return torch.where(u[1] < 0.4, torch.tensor([0.0, 0.0, 0.0, 1.0])[:, None, None], traps)


def _counted(start: Tensor, constant: Tensor, power: int, traps: Tensor) -> Tensor:
    """Iterate z -> z^p + c and count the z near the trap."""
    (x, y), (real, imaginary), (a, b, radius, sharpness) = start, constant, traps
    total = torch.zeros_like(x)
    for _ in range(STEPS):
        u, v = x, y
        for _ in range(power - 1):
            u, v = (u * x).addcmul_(v, y, value=-1), (u * y).addcmul_(v, x)
        x, y = u.add_(real).clamp_(-FAR, FAR), v.add_(imaginary).clamp_(-FAR, FAR)
        distance = torch.hypot(x - a, y - b).sub_(radius).mul_(sharpness)
        total.add_(distance.mul_(distance).add_(1).reciprocal_())
    return total
