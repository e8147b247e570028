"""Impulse noise: salt and pepper."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.parts import check_number
from assay.randomness import uniform


@dataclass(frozen=True, kw_only=True)
class ImpulseNoise:
    """Each value is replaced with probability `amount`, by 0 or 1 with equal probability.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision. Channels are drawn apart.

    Attributes:
        amount: the probability that a value is replaced.

    Raises:
        BadValueError: amount is not a number in [0, 1].
    """

    name: ClassVar[str] = "impulse_noise"
    version: ClassVar[int] = 1
    amount: float = 0.17

    def __post_init__(self) -> None:
        check_number(self.name, "amount", self.amount, low=0, high=1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Corrupt x (B, C, H, W) in [0, 1]."""
        draw = uniform(x.shape, generator, like=x)
        salted = torch.where(draw < self.amount / 2, 1.0, x)
        return to_grid(torch.where(draw >= 1 - self.amount / 2, 0.0, salted), like=x)
