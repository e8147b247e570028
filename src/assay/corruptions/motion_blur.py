"""Motion blur: the camera moved during the exposure."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.parts import check_count, check_number
from assay.randomness import uniform


@dataclass(frozen=True, kw_only=True)
class MotionBlur:
    """A one-sided Gaussian trail along a straight line of random angle.

    out(row, column) = sum over k = 0 .. 2 radius of w_k * x(row + round(k sin a), column + round(k cos a)), where
    w_k is proportional to exp(-k^2 / (2 sigma^2)), halves round down, and the edge's pixels continue outside. The
    result is rounded to 16 bits, then cut, not rounded, to 8.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision, which calls ImageMagick 6.

    Attributes:
        radius: half the length of the trail, in pixels.
        sigma: standard deviation of the trail, in pixels.
        angle: the angle a is uniform on [-angle, angle], in degrees; 0 is horizontal.

    Raises:
        BadValueError: radius is not a whole number >= 1, sigma not in [0.1, 1000], or angle not in [0, 180].
    """

    name: ClassVar[str] = "motion_blur"
    version: ClassVar[int] = 1
    radius: int = 10
    sigma: float = 3
    angle: float = 45

    def __post_init__(self) -> None:
        check_count(self.name, "radius", self.radius)
        check_number(self.name, "sigma", self.sigma, low=0.1, high=1000)
        check_number(self.name, "angle", self.angle, low=0, high=180)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        draw = uniform((len(x),), generator, like=x.double())
        return to_grid(self.blur(x, (2 * draw - 1) * math.radians(self.angle)), like=x)

    def blur(self, x: Tensor, angles: Tensor) -> Tensor:
        """Blur each image of x (B, C, H, W) along its own angle (B,), float64 in radians; cut to 8 bits."""
        sixteen_bits = (trail(x, angles, self.radius, self.sigma) * 65535).round()
        return (sixteen_bits / 257).floor() / 255


def trail(x: Tensor, angles: Tensor, radius: int, sigma: float) -> Tensor:
    """Blur each image of x (B, C, H, W) along its own angle (B,) float64, in radians; not rounded."""
    height, width = x.shape[-2:]
    steps = torch.arange(2 * radius + 1, dtype=torch.float64, device=x.device)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    weights /= weights.sum()
    down, right = (torch.ceil(steps[:, None] * part - 0.5).long() for part in (torch.sin(angles), torch.cos(angles)))
    rows, columns = torch.arange(height, device=x.device), torch.arange(width, device=x.device)
    pixels, blurred = x.double().flatten(2), torch.zeros_like(x, dtype=torch.float64).flatten(2)
    for k in range(len(steps)):
        i = (rows + down[k, :, None]).clamp(0, height - 1)
        j = (columns + right[k, :, None]).clamp(0, width - 1)
        index = (i[:, :, None] * width + j[:, None, :]).flatten(1)
        blurred += weights[k] * pixels.gather(2, index[:, None].expand(-1, x.shape[1], -1))
    return blurred.reshape(x.shape)
