"""Iterated function systems: the attractors of random affine contractions, drawn by the chaos game.

A system of N maps x -> A_i x + b_i has one attractor, which a point that takes map i with probability p_i at every step
fills (Barnsley 1988, Fractals everywhere). Here p_i is proportional to max(|det A_i|, 0.01), and

    A_i = R(theta_i) diag(s_i1, s_i2) R(phi_i) diag(+-1, +-1),  1 > s_i1 >= s_i2 > 0,  sum_i (s_i1 + 2 s_i2) = alpha,

with alpha uniform in [(5 + N) / 2, (6 + N) / 2], the range in which attractors are rich (Anderson and Farrell 2022,
Improving fractal pre-training). They draw the singular values one after the other within bounds; here they are
0.98 sigmoid(normal + t), with the t that gives alpha. The picture is the logarithm of the points' density, made
lighter by the mean of a third coordinate, the colour, which each map draws halfway to its own (Draves and Reckase 2003,
The fractal flame algorithm): it tells an attractor's parts apart.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from assay.randomness import integers, normal, uniform

MAPS = (2, 7)  # fewest and most maps in a system
LONGEST = 0.98  # the singular values' upper bound: below 1, so that every map contracts
POINTS = 512  # points of one system that move at once
BURN_IN = 20  # steps until the points have come to the attractor
DENSITY = 4  # points drawn for each cell


def ifs(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw `count` random systems.

    Args:
        count: how many.
        height: rows of cells.
        width: columns of cells.
        generator: where the draws come from.

    Returns:
        (count, height, width) float32, 0 where no point fell.
    """
    steps = max(16, DENSITY * height * width // POINTS)
    points, colours = chaos_game(*systems(count, generator), steps, generator)
    cells = _framed(points, height, width, generator)
    number = _blurred(_histogram(cells, None, height, width))
    colour = _blurred(_histogram(cells, colours, height, width)) / number.clamp(min=1e-6)
    density = torch.log1p(number)
    density = density / density.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    share = uniform((count, 1, 1), generator, like=density)
    return density * (1 + 2 * share * colour)


def systems(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw systems: matrices (count, M, 2, 2), shifts (count, M, 2), probabilities (count, M), 0 for absent maps."""
    like, most = torch.empty(0), MAPS[1]
    number = integers(MAPS[0], most + 1, (count, 1), generator, like=like)
    present = torch.arange(most) < number
    alpha = (5 + number + uniform((count, 1), generator, like=like)) / 2
    values = _singular_values(normal((count, most, 2), generator, like=like), present, alpha)
    angles = 2 * math.pi * uniform((2, count, most), generator, like=like)
    signs = 2.0 * integers(0, 2, (count, most, 1, 2), generator, like=like) - 1
    matrices = (_rotation(angles[0]) * values[:, :, None, :]) @ _rotation(angles[1]) * signs
    shifts = 2 * uniform((count, most, 2), generator, like=like) - 1
    weights = values.prod(dim=2).clamp(min=0.01) * present
    return matrices, shifts, weights / weights.sum(dim=1, keepdim=True)


def chaos_game(
    matrices: Tensor, shifts: Tensor, probabilities: Tensor, steps: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Points (2, steps, POINTS, count) near the attractors, and their colours (steps, POINTS, count) in [0, 1].

    Each of a system's POINTS places always applies one map, a share p_i of them map i; after each step the points
    change places at random, alike for all systems. A point so meets the maps at random, without a look-up each time.
    """
    count = len(matrices)
    place = (torch.arange(POINTS) + 0.5).expand(count, POINTS) / POINTS
    chosen = torch.searchsorted(probabilities.cumsum(1), place.contiguous()).clamp(max=probabilities.shape[1] - 1)
    affine = torch.cat([matrices.flatten(2), shifts], dim=2).gather(1, chosen[:, :, None].expand(-1, -1, 6))
    a, b, c, d, e, f = affine.permute(2, 1, 0).contiguous()
    own = chosen.T / (probabilities.shape[1] - 1)
    x, y, colour = torch.zeros_like(e), torch.zeros_like(e), torch.zeros_like(e)
    path, colours = x.new_empty(2, steps, POINTS, count), x.new_empty(steps, POINTS, count)
    for step in range(-BURN_IN, steps):
        order = torch.randperm(POINTS, generator=generator)
        x, y, colour = x[order], y[order], torch.lerp(colour[order], own, 0.5)
        x, y = (a * x).add_(b * y).add_(e), (c * x).add_(d * y).add_(f)
        if step >= 0:
            path[0, step], path[1, step], colours[step] = x, y, colour
    return path, colours


def _singular_values(z: Tensor, present: Tensor, alpha: Tensor) -> Tensor:
    """Bisect for the t with sum_i (s_i1 + 2 s_i2) = alpha; (count, M, 2), the larger one first."""
    z = z.sort(dim=2, descending=True).values
    weight = torch.tensor([1.0, 2.0]) * present[:, :, None]
    low, high = torch.full_like(alpha, -12), torch.full_like(alpha, 12)
    for _ in range(30):
        middle = (low + high) / 2
        small = (weight * LONGEST * torch.sigmoid(z + middle[:, :, None])).sum(dim=(1, 2))[:, None] < alpha
        low, high = torch.where(small, middle, low), torch.where(small, high, middle)
    return LONGEST * torch.sigmoid(z + low[:, :, None])


def _rotation(angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos, -sin], dim=-1), torch.stack([sin, cos], dim=-1)], dim=-2)


def _framed(points: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Numbers of the cells that the points fall in, in frames with a border for the points outside; writes to `points`.

    The frame's centre and size vary about the points' mean and deviation: it shows most of the attractor, or a part.
    """
    x, y = points
    count = x.shape[-1]
    sample = points.flatten(1, 2)[:, :: max(1, x[..., 0].numel() // 2048)]
    deviation, mean = torch.std_mean(sample, dim=1)
    reach = (0.4 + 1.1 * uniform((count,), generator, like=points)) * deviation.clamp(min=1e-6)
    corner = mean + 0.5 * deviation * (2 * uniform((2, count), generator, like=points) - 1) - reach
    scale = points.new_tensor([[width], [height]]) / (2 * reach)
    column = x.sub_(corner[0]).mul_(scale[0]).floor_().clamp_(-1, width)
    row = y.sub_(corner[1]).mul_(scale[1]).floor_().clamp_(-1, height)
    cells: Tensor = (row.long() + 1) * (width + 2) + column.long() + 1
    return cells


def _histogram(cells: Tensor, weights: Tensor | None, height: int, width: int) -> Tensor:
    """Count the points in each cell, or sum their weights: (count, height, width), without the border."""
    count, size = cells.shape[-1], (height + 2) * (width + 2)
    numbers = (cells + size * torch.arange(count)).flatten()
    sums = torch.bincount(numbers, None if weights is None else weights.flatten(), minlength=count * size)
    return sums.view(count, height + 2, width + 2)[:, 1:-1, 1:-1].float()


def _blurred(x: Tensor) -> Tensor:
    """Means over 3 x 3 cells: they smooth the noise of a finite number of points."""
    blurred: Tensor = functional.avg_pool2d(x[:, None], 3, stride=1, padding=1)
    return blurred[:, 0]
