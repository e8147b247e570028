"""Glass blur: pixels shuffled locally between two blurs, as behind frosted glass."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.corruptions.filters import gaussian
from assay.parts import check_count, check_number
from assay.randomness import integers


@dataclass(frozen=True, kw_only=True)
class GlassBlur:
    """Blur and cut to 8 bits, swap pixels with neighbours, blur again.

    A pass visits rows and columns from the far end down to `reach` + 1. Each pixel is, with probability 1/2, swapped
    with the one (dy, dx) away, dy and dx uniform on {-reach, ..., reach - 1}: never further down or right than
    reach - 1, as in the original.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision. The original takes the columns of
    a grey image for channels and so blurs along the height alone; `both_axes` blurs as was meant. All channels of a
    pixel move together.

    Attributes:
        sigma: standard deviation of both blurs, in pixels.
        reach: how far a pixel moves in one swap, in pixels.
        passes: how often every pixel is visited.
        both_axes: blur along the width too.

    Raises:
        BadValueError: sigma is not a number in [0.1, 100], or reach or passes is not a whole number >= 1.
    """

    name: ClassVar[str] = "glass_blur"
    version: ClassVar[int] = 1
    sigma: float = 0.7
    reach: int = 1
    passes: int = 2
    both_axes: bool = False

    def __post_init__(self) -> None:
        check_number(self.name, "sigma", self.sigma, low=0.1, high=100)
        check_count(self.name, "reach", self.reach)
        check_count(self.name, "passes", self.passes)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        axes = (-2, -1) if self.both_axes else (-2,)
        blurred = (gaussian(x.double(), self.sigma, axes=axes) * 255).floor() / 255
        origin = self._shuffle(x, generator)[:, None].expand(-1, x.shape[1], -1)
        moved = blurred.flatten(2).gather(2, origin).reshape(x.shape)
        return to_grid(gaussian(moved, self.sigma, axes=axes), like=x)

    def _shuffle(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Where each pixel comes from after all swaps: (B, H * W) indices."""
        batch, _, height, width = x.shape
        rows = range(height - self.reach, self.reach, -1)
        columns = range(width - self.reach, self.reach, -1)
        origin = torch.arange(height * width, device=x.device)[:, None].repeat(1, batch)
        for _ in range(self.passes):
            shape = (len(rows) * len(columns), 1, batch)
            dy, dx = (integers(-self.reach, self.reach, shape, generator, like=x) for _ in range(2))
            step = (dy * width + dx) * integers(0, 2, shape, generator, like=x)
            for k, here in enumerate(row * width + column for row in rows for column in columns):
                there = step[k] + here
                mine, theirs = origin[here : here + 1].clone(), origin.gather(0, there)
                origin[here : here + 1] = theirs
                origin.scatter_(0, there, mine)
        return origin.T
