"""What every corruption shares: its contract, and the 8-bit grid on which it ends."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from assay.parts import Part
from assay.randomness import integers


@runtime_checkable
class Corruption(Part, Protocol):
    """Damage that keeps the label: x (B, C, H, W) in [0, 1] -> the same shape, type and device.

    The result is rounded to multiples of 1/255 and x is left as it was. Draws are made per image: what happens to one
    image does not depend on what the others show. Lengths are in pixels whatever the size of the image.
    """

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1] with draws from `generator`."""
        ...


def to_grid(values: Tensor, *, like: Tensor) -> Tensor:
    """Clip to [0, 1] and round to the nearest multiple of 1/255; the result has the type and device of `like`.

    Ties go to the even number. They are recognised in float32, as in the original: rounding errors of float64 break
    none.
    """
    return (values * 255).clamp(0, 255).float().round().to(like).div(255)


def signs(shape: tuple[int, ...], generator: torch.Generator, *, like: Tensor) -> Tensor:
    """Draw -1 or 1 with equal probability, as float64 of `shape` on the device of `like`."""
    return 2 * integers(0, 2, shape, generator, like=like).double() - 1
