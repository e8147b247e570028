"""Spatter: spots of mud."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.corruptions.filters import gaussian
from assay.parts import check_number
from assay.randomness import normal


@dataclass(frozen=True, kw_only=True)
class Spatter:
    """Cover the image with spots: x (1 - m) + colour m, with a mask m from blurred noise.

    Noise N(mean, std) is blurred by `blur`; where it exceeds `threshold` there is mud. That mask, blurred by `soften`,
    is m where it reaches `cut`, and 0 elsewhere. All channels have the same mask and the same grey.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision.

    Attributes:
        mean: the noise's mean.
        std: the noise's standard deviation.
        blur: standard deviation of the first blur, in pixels.
        threshold: the height above which noise is mud.
        soften: standard deviation of the second blur, in pixels.
        cut: the smallest m that is kept.
        colour: the mud's grey, in [0, 1].

    Raises:
        BadValueError: a blur is not in [0.1, 100], or another value leaves its range.
    """

    name: ClassVar[str] = "spatter"
    version: ClassVar[int] = 1
    mean: float = 0.65
    std: float = 0.3
    blur: float = 1
    threshold: float = 0.65
    soften: float = 1.5
    cut: float = 0.8
    colour: float = 63 / 255

    def __post_init__(self) -> None:
        check_number(self.name, "std", self.std, low=0)
        check_number(self.name, "blur", self.blur, low=0.1, high=100)
        check_number(self.name, "soften", self.soften, low=0.1, high=100)
        check_number(self.name, "cut", self.cut, low=0, high=1)
        check_number(self.name, "colour", self.colour, low=0, high=1)
        check_number(self.name, "mean", self.mean, low=-1000, high=1000)
        check_number(self.name, "threshold", self.threshold, low=-1000, high=1000)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        noise = self.mean + self.std * normal((len(x), 1, *x.shape[-2:]), generator, like=x)
        mask = gaussian((gaussian(noise, self.blur) > self.threshold).to(x.dtype), self.soften)
        mask = torch.where(mask < self.cut, 0.0, mask)
        return to_grid(x * (1 - mask) + self.colour * mask, like=x)
