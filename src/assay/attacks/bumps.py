"""The shapes of Square Attack's changes in the l2 norm.

A bump of h x w pixels is highest in its centre: with n = max(floor(h / 2), floor(w / 2)) and d a pixel's distance to
the centre (floor(h / 2), floor(w / 2)), the larger of rows and columns, its height is the sum over k = d..n of
1 / (k + 1)^2. A pair is a square of two bumps side by side, the left one positive, the right one negative, of length 1.
Source: Andriushchenko, Croce, Flammarion and Hein (2020), Square Attack, section 3.4.
"""

import torch
from torch import Tensor

from assay.attacks.norms import wide


def bump(height: int, width: int) -> Tensor:
    """A bump (height, width), > 0."""
    row, column = height // 2, width // 2
    n = max(row, column)
    terms = 1 / torch.arange(1, n + 2, dtype=torch.float64) ** 2
    heights = terms.flip(0).cumsum(0).flip(0)  # heights[d]: the sum over k = d..n
    away = torch.maximum(
        (torch.arange(height) - row).abs()[:, None].expand(height, width),
        (torch.arange(width) - column).abs()[None, :].expand(height, width),
    )
    bump: Tensor = heights[away]
    return bump


def pair(side: int) -> Tensor:
    """Two opposite bumps side by side in a square (side, side) of length 1; of one pixel there is only the second."""
    left = side // 2
    both = torch.cat([bump(side, left), -bump(side, side - left)], dim=1) if left else -bump(side, side)
    length: Tensor = torch.linalg.vector_norm(both)
    return both / length


def tiles(shape: torch.Size, side: int, signs: Tensor, turned: Tensor) -> Tensor:
    """Pairs of bumps side by side over images of `shape` (B, C, H, W), centred, and 0 where no whole tile fits.

    Args:
        shape: of the images.
        side: of a tile, at most min(H, W).
        signs: (B, C, H // side, W // side), each tile's sign.
        turned: (B, 1, H // side, W // side) bool, which tiles stand transposed.
    """
    one = pair(side).to(signs)
    rows, columns = signs.shape[2:]

    def spread(values: Tensor) -> Tensor:
        return values.repeat_interleave(side, 2).repeat_interleave(side, 3)

    pattern = torch.where(spread(turned), one.T.repeat(rows, columns), one.repeat(rows, columns))
    made = signs.new_zeros(shape)
    top, left = (shape[2] - rows * side) // 2, (shape[3] - columns * side) // 2
    made[:, :, top : top + rows * side, left : left + columns * side] = spread(signs) * pattern
    return made


def move_mass(delta: Tensor, to: Tensor, out: Tensor, shape: Tensor, signs: Tensor, eps: float) -> Tensor:
    """Take a change out of one square and put it, with the radius not yet used, into another in the shape of a pair.

    Args:
        delta: (B, C, P), the change of each pixel, of length <= eps per image.
        to: (B, s * s) int64, the pixels that receive.
        out: (B, s * s), the pixels that give.
        shape: (B, s * s), the pair to add, of length 1.
        signs: (B, C), of the pair.
        eps: the radius.

    Returns:
        (B, C, P), of length eps per image.
    """
    channels = delta.shape[1]
    to, out = (index[:, None].expand(-1, channels, -1) for index in (to, out))
    there = delta.gather(2, to)
    kept = delta.scatter(2, out, 0).scatter(2, to, 0)
    freed = delta.square().sum(2) - kept.square().sum(2)
    unused = (eps**2 - delta.square().sum((1, 2))).clamp_(min=0)
    size = (freed + wide(unused, freed) / channels).clamp_(min=0).sqrt_()
    mixed = signs[:, :, None] * shape[:, None] + _unit(there)
    return kept.scatter(2, to, _unit(mixed) * size[:, :, None])


def _unit(values: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(values, dim=2, keepdim=True)
    return values / length.clamp_(min=1e-30)
