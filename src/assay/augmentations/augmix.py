"""AugMix: an image mixed with a mixture of chains of random operations on it.

Source: Hendrycks, Mu, Cubuk, Zoph, Gilmer and Lakshminarayanan (2020), AugMix: a simple data processing method to
improve robustness and uncertainty. x' = (1 - m) x + m sum_i w_i chain_i(x), with (w_1, ..., w_width) ~
Dirichlet(a, ..., a), m ~ Beta(a, a), and each chain a sequence of 1, 2 or 3 random operations (see `random_operation`),
all drawn anew for each image. The paper trains with it by the Jensen-Shannon loss (see `jensen_shannon`).
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from assay.augmentations import random_operation
from assay.augmentations.beta import beta_quantile, dirichlet_quantile
from assay.augmentations.operations import LEVELS, at_least_single, to_grid
from assay.augmentations.random_operation import Drawn, operate
from assay.errors import BadValueError
from assay.parts import check_count, check_number

DEPTH = 3  # the longest chain


class Mixture(NamedTuple):
    """What is drawn for B images, on the CPU.

    Attributes:
        weights: (width, B), w.
        share: (B,), m.
        depth: (width, B), the number of operations of each chain.
        operations: of the chains' 1st, 2nd and 3rd places, for width B images each, chain by chain.
    """

    weights: Tensor
    share: Tensor
    depth: Tensor
    operations: tuple[Drawn, ...]


@dataclass(frozen=True, kw_only=True)
class AugMix:
    """Mix each image with chains of random operations on it.

    Attributes:
        width: the number of chains, >= 1.
        severity: the upper bound of the operations' levels, in [0.1, 10].
        alpha: a of the Dirichlet and Beta distributions, > 0.
    """

    name: ClassVar[str] = "augmix"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False
    seen: ClassVar[tuple[str, ...]] = ("rotate", "shear", "translate")

    width: int = 3
    severity: float = 3.0
    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_count(self.name, "width", self.width)
        random_operation.check_severity(self.name, self.severity)
        check_number(self.name, "alpha", self.alpha, low=0)
        if self.alpha == 0:
            raise BadValueError(
                "augmix: alpha: expected a number > 0, got 0; near 0, one chain or the image itself is all"
            )

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mix x (B, C, H, W); y is returned as it is. See `Augmentation`."""
        return mix(x, self.draw(len(x), generator)), y

    def draw(self, batch: int, generator: torch.Generator) -> Mixture:
        """Draw all that a batch needs."""
        share, *levels = torch.rand(self.width, batch, dtype=torch.float64, generator=generator)
        parts = torch.stack(levels) if levels else torch.empty(0, batch, dtype=torch.float64)
        return Mixture(
            weights=dirichlet_quantile(parts, self.alpha),
            share=beta_quantile(share, self.alpha, self.alpha),
            depth=torch.randint(1, DEPTH + 1, (self.width, batch), generator=generator),
            operations=tuple(random_operation.draw(self.width * batch, self.severity, generator) for _ in range(DEPTH)),
        )


def mix(x: Tensor, mixture: Mixture) -> Tensor:
    """Mix x (B, C, H, W) with its chains: the same shape and dtype, in [0, 1]; half precision by way of float32."""
    dtype, x = x.dtype, at_least_single(x)
    width, batch = mixture.weights.shape
    chains = to_grid(x).repeat(width, 1, 1, 1)
    for place, drawn in enumerate(mixture.operations):
        running = (mixture.depth.flatten() > place).nonzero().squeeze(1)
        there = running.to(x.device)
        chains[there] = operate(chains[there], drawn.at(running))
    weights = (mixture.weights / (LEVELS - 1)).to(x).view(width, batch, 1, 1, 1)
    mixed = (chains.view(width, *x.shape) * weights).sum(0)
    return torch.lerp(x, mixed, mixture.share.to(x).view(-1, 1, 1, 1)).clamp(0, 1).to(dtype)
