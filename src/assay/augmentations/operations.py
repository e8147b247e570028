"""The nine image operations of PixMix and AugMix, on batches of tensors, each image with a strength of its own.

Source: Hendrycks, Mu, Cubuk, Zoph, Gilmer and Lakshminarayanan (2020), AugMix: a simple data processing method to
improve robustness and uncertainty; and Hendrycks, Zou, Mazeika, Tang, Li, Song and Steinhardt (2022), PixMix: dreamlike
pictures comprehensively improve safety measures. Both define them by the Python Imaging Library's functions on 8 bit
images, so values are rounded to the grid of 0, 1/255, ..., 1 first, and the results are those functions': exactly, but
for rotations and shears, which differ by at most 1/255 from that library's fixed point arithmetic.

All take x (B, C, H, W) in [0, 1] and a strength (B,), and return x of the same shape and dtype in [0, 1]; channels are
treated alike, each with its own histogram where one is needed.
"""

import torch
from torch import Tensor
from torch.nn import functional

LEVELS = 256


def autocontrast(x: Tensor) -> Tensor:
    """Stretch each channel so that its darkest value becomes 0 and its lightest 1; a flat one stays as it is."""
    grid = _grid(x)
    low, high = grid.amin((2, 3), keepdim=True), grid.amax((2, 3), keepdim=True)
    scale = (LEVELS - 1) / (high - low).clamp(min=1)
    stretched = (grid * scale - low * scale).floor().clamp(0, LEVELS - 1)
    return _unit(torch.where(high > low, stretched, grid), x)


def equalize(x: Tensor) -> Tensor:
    """Spread each channel's values so that they are used about equally often; one flat value stays as it is."""
    batch, channels, height, width = x.shape
    grid = _grid(x).long().flatten(2)
    counts = torch.zeros(batch, channels, LEVELS, dtype=torch.int64, device=x.device)
    counts.scatter_add_(2, grid, torch.ones_like(grid))
    last = counts.gather(2, grid.amax(2, keepdim=True))
    step = (height * width - last) // (LEVELS - 1)
    below = counts.cumsum(2) - counts
    table = ((below + step // 2) // step.clamp(min=1)).clamp(max=LEVELS - 1)
    return _unit(torch.where(step > 0, table.gather(2, grid), grid).view_as(x), x)


def posterize(x: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest `bits` (1 to 8) of every value's eight."""
    width = 2.0 ** (8 - _each(bits, x))
    return _unit((_grid(x) / width).floor() * width, x)


def solarize(x: Tensor, threshold: Tensor) -> Tensor:
    """Turn values of at least `threshold` (0 to 256 of 255) into their negative."""
    grid = _grid(x)
    return _unit(torch.where(grid < _each(threshold, x), grid, LEVELS - 1 - grid), x)


def rotate(x: Tensor, degrees: Tensor) -> Tensor:
    """Rotate counterclockwise about the centre; black comes in at the corners."""
    height, width = x.shape[2:]
    angle = degrees.double() * torch.pi / 180
    cos, sin = angle.cos(), angle.sin()
    across, down = width / 2, height / 2
    return _moved(
        x,
        (cos, -sin, across - cos * across + sin * down),
        (sin, cos, down - sin * across - cos * down),
    )


def shear_x(x: Tensor, amount: Tensor) -> Tensor:
    """Shift row r to the left by amount * r pixels."""
    one, zero = torch.ones_like(amount).double(), torch.zeros_like(amount).double()
    return _moved(x, (one, amount.double(), zero), (zero, one, zero))


def shear_y(x: Tensor, amount: Tensor) -> Tensor:
    """Shift column c upwards by amount * c pixels."""
    one, zero = torch.ones_like(amount).double(), torch.zeros_like(amount).double()
    return _moved(x, (one, zero, zero), (amount.double(), one, zero))


def translate_x(x: Tensor, pixels: Tensor) -> Tensor:
    """Shift to the left by so many pixels."""
    one, zero = torch.ones_like(pixels).double(), torch.zeros_like(pixels).double()
    return _moved(x, (one, zero, pixels.double()), (zero, one, zero))


def translate_y(x: Tensor, pixels: Tensor) -> Tensor:
    """Shift upwards by so many pixels."""
    one, zero = torch.ones_like(pixels).double(), torch.zeros_like(pixels).double()
    return _moved(x, (one, zero, zero), (zero, one, pixels.double()))


Row = tuple[Tensor, Tensor, Tensor]  # (B,) each: the coefficients of column, row and 1


def _moved(x: Tensor, column: Row, row: Row) -> Tensor:
    """Each pixel is taken from (column, row), linear in its own place; bilinear, and black from outside the image."""
    height, width = x.shape[2:]
    right = (torch.arange(width, dtype=torch.float64, device=x.device) + 0.5).view(1, 1, -1)
    down = (torch.arange(height, dtype=torch.float64, device=x.device) + 0.5).view(1, -1, 1)
    across, along = (
        (a.to(x.device).view(-1, 1, 1) * right + b.to(x.device).view(-1, 1, 1) * down + c.to(x.device).view(-1, 1, 1))
        for a, b, c in (column, row)
    )
    places = torch.stack((2 * across / width - 1, 2 * along / height - 1), 3).float()
    found = functional.grid_sample(
        _grid(x).float(), places, mode="bilinear", padding_mode="border", align_corners=False
    )
    within = (across >= 0) & (across < width) & (along >= 0) & (along < height)
    return _unit(torch.where(within[:, None], (found + 0.5).floor(), 0.0), x)


def _grid(x: Tensor) -> Tensor:
    """Values 0 to 255."""
    return (x.double() * (LEVELS - 1)).round()


def _unit(grid: Tensor, like: Tensor) -> Tensor:
    """Back to [0, 1]."""
    return (grid.double() / (LEVELS - 1)).to(like.dtype)


def _each(strength: Tensor, x: Tensor) -> Tensor:
    """A strength for each image, to be spread over it."""
    return strength.to(x.device, torch.float64).view(-1, 1, 1, 1)
