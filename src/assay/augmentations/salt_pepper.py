"""Salt and pepper: some pixels white, some black.

The same noise as the corruption `impulse_noise`, which MNIST-C tests: a model that is trained on it has seen that test.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.parts import check_number
from assay.randomness import uniform


@dataclass(frozen=True, kw_only=True)
class SaltPepper:
    """Each pixel is replaced with probability `amount`, by 0 or 1 with equal probability, in all its channels.

    Attributes:
        amount: the probability that a pixel is replaced, in [0, 1].
    """

    name: ClassVar[str] = "salt_pepper"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False
    seen: ClassVar[tuple[str, ...]] = ("impulse_noise",)

    amount: float

    def __post_init__(self) -> None:
        check_number(self.name, "amount", self.amount, low=0, high=1)

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Strew over x (B, C, H, W); y is returned as it is. See `Augmentation`."""
        batch, _, height, width = x.shape
        draw = uniform((batch, 1, height, width), generator, like=x)
        return x.masked_fill(draw < self.amount / 2, 1).masked_fill(draw >= 1 - self.amount / 2, 0), y
