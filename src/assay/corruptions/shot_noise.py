"""Shot noise: too few photons."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.parts import check_number
from assay.randomness import uniform


@dataclass(frozen=True, kw_only=True)
class ShotNoise:
    """Poisson noise, min(1, Poisson(photons * x) / photons), drawn per pixel and channel.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision. The count is drawn by inverting
    the cumulative distribution, one uniform number per pixel, so that no image's draw depends on another's content.

    Attributes:
        photons: the mean count of a white pixel; fewer is noisier.

    Raises:
        BadValueError: photons is not a number in [0.1, 500].
    """

    name: ClassVar[str] = "shot_noise"
    version: ClassVar[int] = 1
    photons: float = 3

    def __post_init__(self) -> None:
        check_number(self.name, "photons", self.photons, low=0.1, high=500)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        rate = x.double() * self.photons
        draw = uniform(x.shape, generator, like=rate)
        term = torch.exp(-rate)  # P(count = k), from k = 0
        reached, count = term, torch.zeros_like(rate)
        k = 0
        while k < self.photons:  # larger counts are clipped to white
            count += draw >= reached
            k += 1
            term = term * rate / k
            reached = reached + term
        return to_grid(count / self.photons, like=x)
