"""MixUp: convex combinations of pairs of images and of their labels.

x' = l x + (1 - l) x[p], y' = l y + (1 - l) y[p], with l ~ Beta(a, a) and p a uniform permutation of the batch. Source:
Zhang, Cisse, Dauphin and Lopez-Paz (2018), mixup: beyond empirical risk minimization. As in the authors' code, one l is
drawn for a batch.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.special import betaincinv
from torch import Tensor

from assay.errors import BadValueError
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class MixUp:
    """Mix each image, and its label, with another of its batch.

    Attributes:
        alpha: a of Beta(a, a), > 0: near 0 leaves nearly every image as it is, 1 mixes uniformly.
    """

    name: ClassVar[str] = "mixup"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = True

    alpha: float

    def __post_init__(self) -> None:
        check_number(self.name, "alpha", self.alpha, low=0)
        if self.alpha == 0:
            raise BadValueError("mixup: alpha: expected a number > 0, got 0; leave mixup out to mix nothing")

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mix x (B, C, H, W) and y (B, K). See `Augmentation`.

        Raises:
            BadValueError: y holds class indices, which cannot be mixed.
        """
        check_soft(self.name, y)
        share = self.share(generator)
        partner = torch.randperm(len(x), generator=generator).to(x.device)
        # lerp is exact where both agree, so a background of 0 or 1 stays what it is.
        return torch.lerp(x[partner], x, share), torch.lerp(y[partner], y, share)

    def share(self, generator: torch.Generator) -> float:
        """Draw l ~ Beta(a, a)."""
        return symmetric_beta(self.alpha, generator)


def symmetric_beta(alpha: float, generator: torch.Generator) -> float:
    """Draw from Beta(alpha, alpha), as the inverse of its distribution function at a uniform draw."""
    level = float(torch.rand((), generator=generator, dtype=torch.float64))
    return float(betaincinv(alpha, alpha, level))


def check_soft(name: str, y: Tensor) -> None:
    """Raise BadValueError unless y holds probabilities (B, K)."""
    if y.ndim != 2 or not y.is_floating_point():
        raise BadValueError(
            f"{name}: y: expected probabilities (B, K), got {y.dtype} of shape {tuple(y.shape)}; "
            "torch.nn.functional.one_hot(y, n_classes).float() makes them from indices"
        )
