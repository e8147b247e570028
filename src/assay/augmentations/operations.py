"""The nine image operations of PixMix and AugMix, on batches of tensors, each image with a strength of its own.

Source: Hendrycks, Mu, Cubuk, Zoph, Gilmer and Lakshminarayanan (2020), AugMix: a simple data processing method to
improve robustness and uncertainty; and Hendrycks, Zou, Mazeika, Tang, Li, Song and Steinhardt (2022), PixMix: dreamlike
pictures comprehensively improve safety measures. Both define them by the Python Imaging Library's functions on 8 bit
images, so values are rounded to the grid of 0, 1/255, ..., 1 first, and the results are those functions': exactly, but
for rotations and shears, which differ by at most 1/255 from that library's fixed point arithmetic.

The named ones take x (B, C, H, W) in [0, 1] and a strength (B,), and return x of the same shape and dtype in [0, 1];
channels are treated alike, each with its own histogram where one is needed. They come in two kinds, which `toned` and
`moved` carry out on values 0 to 255: a table of new values, and an affine map of places.
"""

import torch
from torch import Tensor
from torch.nn import functional

LEVELS = 256
MOVES = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")  # the columns of what `moved` takes


def autocontrast(x: Tensor) -> Tensor:
    """Stretch each channel so that its darkest value becomes 0 and its lightest 1; a flat one stays as it is."""
    grid = to_grid(x)
    return to_unit(toned(grid, autocontrast_table(grid)), x)


def equalize(x: Tensor) -> Tensor:
    """Spread each channel's values so that they are used about equally often; one flat value stays as it is."""
    grid = to_grid(x)
    return to_unit(toned(grid, equalize_table(grid)), x)


def posterize(x: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest `bits` (0 to 8) of every value's eight."""
    return to_unit(toned(to_grid(x), posterize_table(bits.to(x.device))), x)


def solarize(x: Tensor, threshold: Tensor) -> Tensor:
    """Turn values of at least `threshold` (0 to 256 of 255) into their negative."""
    return to_unit(toned(to_grid(x), solarize_table(threshold.to(x.device))), x)


def rotate(x: Tensor, degrees: Tensor) -> Tensor:
    """Rotate counterclockwise about the centre; black comes in at the corners."""
    return _moved_by(x, "rotate", degrees)


def shear_x(x: Tensor, amount: Tensor) -> Tensor:
    """Shift row r to the left by amount * r pixels."""
    return _moved_by(x, "shear_x", amount)


def shear_y(x: Tensor, amount: Tensor) -> Tensor:
    """Shift column c upwards by amount * c pixels."""
    return _moved_by(x, "shear_y", amount)


def translate_x(x: Tensor, pixels: Tensor) -> Tensor:
    """Shift to the left by so many pixels."""
    return _moved_by(x, "translate_x", pixels)


def translate_y(x: Tensor, pixels: Tensor) -> Tensor:
    """Shift upwards by so many pixels."""
    return _moved_by(x, "translate_y", pixels)


def at_least_single(x: Tensor) -> Tensor:
    """Give x itself, or half precision as float32, in which the grid's values and powers of 1e-37 can be held."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def to_grid(x: Tensor) -> Tensor:
    """Values 0 to 255, float32, whose whole numbers are exact."""
    return (x * (LEVELS - 1)).round().float()


def to_unit(grid: Tensor, like: Tensor) -> Tensor:
    """Back to [0, 1], in the dtype of `like`."""
    return grid.to(like.dtype) / (LEVELS - 1)


def toned(grid: Tensor, table: Tensor) -> Tensor:
    """The value that stands in the table for each: grid (B, C, H, W), table (B, C or 1, 256) float32."""
    batch, channels = grid.shape[:2]
    return table.expand(batch, channels, LEVELS).gather(2, grid.flatten(2).long()).view_as(grid)


def autocontrast_table(grid: Tensor) -> Tensor:
    """(B, C, 256): new values of each channel of grid (B, C, H, W)."""
    low, high = (bound(grid.flatten(2), 2, keepdim=True).double() for bound in (torch.amin, torch.amax))
    levels = _levels(grid)
    # Number / tensor would multiply by the reciprocal, which rounds otherwise than the library's division.
    scale = torch.full_like(low, LEVELS - 1) / (high - low).clamp(min=1)
    stretched = (levels * scale - low * scale).floor().clamp(0, LEVELS - 1)
    return torch.where(high > low, stretched, levels).float()


def equalize_table(grid: Tensor) -> Tensor:
    """(B, C, 256): new values of each channel of grid (B, C, H, W)."""
    values = grid.flatten(2).long()
    counts = torch.zeros(*values.shape[:2], LEVELS, dtype=torch.int64, device=grid.device)
    counts.scatter_add_(2, values, torch.ones_like(values))
    last = counts.gather(2, values.amax(2, keepdim=True))
    step = (values.shape[2] - last) // (LEVELS - 1)
    below = counts.cumsum(2) - counts
    spread = ((below + step // 2) // step.clamp(min=1)).clamp(max=LEVELS - 1)
    return torch.where(step > 0, spread.double(), _levels(grid)).float()


def posterize_table(bits: Tensor) -> Tensor:
    """(B, 1, 256): new values for bits (B,)."""
    width = 2.0 ** (8 - bits.double().view(-1, 1, 1))
    return ((_levels(bits) / width).floor() * width).float()


def solarize_table(threshold: Tensor) -> Tensor:
    """(B, 1, 256): new values for thresholds (B,)."""
    levels = _levels(threshold)
    return torch.where(levels < threshold.view(-1, 1, 1), levels, LEVELS - 1 - levels).float()


def _levels(like: Tensor) -> Tensor:
    return torch.arange(LEVELS, dtype=torch.float64, device=like.device)


def moved(grid: Tensor, strengths: Tensor) -> Tensor:
    """Take each pixel from where an affine map of its place says; bilinear, and black from outside the image.

    Args:
        grid: (B, C, H, W) values 0 to 255.
        strengths: (B, 5) of the operations `MOVES`, 0 where one does nothing.
    """
    height, width = grid.shape[2:]
    degrees, shear_x, shear_y, left, up = strengths.double().unbind(1)
    cos, sin = torch.cos(degrees * (torch.pi / 180)), torch.sin(degrees * (torch.pi / 180))
    middle, centre = width / 2, height / 2
    across = (cos, shear_x - sin, middle - cos * middle + sin * centre + left)
    along = (sin + shear_y, cos, centre - sin * middle - cos * centre + up)
    steps = torch.stack([torch.stack(pair, 1) for pair in zip(across, along, strict=True)])
    by_column, by_row, corner = steps.to(grid.device)[:, :, None, None]  # (B, 1, 1, 2) each, in pixels
    size = torch.tensor([width, height], dtype=torch.float64, device=grid.device)
    column = by_column * (torch.arange(width, dtype=torch.float64, device=grid.device).view(-1, 1) + 0.5)
    row = by_row * (torch.arange(height, dtype=torch.float64, device=grid.device).view(-1, 1, 1) + 0.5) + corner
    # Whether a place lies inside is decided exactly, as that library does; where it lies, in float32 from -1 to 1.
    place = column + row
    inside = (place >= 0) & (place < size)
    places = (column * 2 / size).float() + (row * 2 / size - 1).float()
    found = functional.grid_sample(grid, places, mode="bilinear", padding_mode="border", align_corners=False)
    return found.add_(0.5).floor_().mul_((inside[..., 0] & inside[..., 1])[:, None])


def _moved_by(x: Tensor, name: str, strength: Tensor) -> Tensor:
    strengths = torch.zeros(len(x), len(MOVES), dtype=torch.float64)
    strengths[:, MOVES.index(name)] = strength.double()
    return to_unit(moved(to_grid(x), strengths), x)
