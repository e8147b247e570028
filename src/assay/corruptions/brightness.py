"""Brightness: everything lighter by the same amount."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class Brightness:
    """Raise the value V of HSV: V' = min(V + amount, 1), hue and saturation unchanged. Nothing is drawn.

    V is the largest channel, so that a colour becomes x * V' / V, black becomes the grey `amount`, and a grey x
    becomes min(x + amount, 1).

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision. Colours stay colours here.

    Attributes:
        amount: what is added, in units of the full range.

    Raises:
        BadValueError: amount is not a number in [0, 1].
    """

    name: ClassVar[str] = "brightness"
    version: ClassVar[int] = 1
    amount: float = 0.5

    def __post_init__(self) -> None:
        check_number(self.name, "amount", self.amount, low=0, high=1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Corrupt x (B, C, H, W) in [0, 1]."""
        exact = x.double()
        value = exact.amax(dim=1, keepdim=True)
        share = torch.where(value > 0, exact / value, 1.0)
        return to_grid(share * (value + self.amount).clamp(max=1), like=x)
