"""CutMix: a rectangle of each image comes from another of its batch, and its label by the share of its area.

Source: Yun, Han, Oh, Chun, Choe and Yoo (2019), CutMix: regularization strategy to train strong classifiers with
localizable features. With l ~ Beta(a, a), a rectangle of sqrt(1 - l) of the image's height and width is centred at a
uniform pixel and cut off at the border; y' = l' y + (1 - l') y[p] with l' the share of the image that is left. As in
the authors' code, l, the rectangle and the permutation p are drawn once a batch, and sides are rounded down.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.augmentations.mixup import check_soft, symmetric_beta
from assay.errors import BadValueError
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class CutMix:
    """Paste a rectangle of another image, and mix the labels by its area.

    Attributes:
        alpha: a of Beta(a, a), > 0; 1, the paper's choice, makes all areas equally likely.
    """

    name: ClassVar[str] = "cutmix"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = True

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.name, "alpha", self.alpha, low=0)
        if self.alpha == 0:
            raise BadValueError("cutmix: alpha: expected a number > 0, got 0; leave cutmix out to mix nothing")

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mix x (B, C, H, W) and y (B, K). See `Augmentation`.

        Raises:
            BadValueError: y holds class indices, which cannot be mixed.
        """
        check_soft(self.name, y)
        height, width = x.shape[2:]
        side = (1 - symmetric_beta(self.alpha, generator)) ** 0.5
        partner = torch.randperm(len(x), generator=generator).to(x.device)
        top, bottom = _span(height, side, generator)
        left, right = _span(width, side, generator)
        mixed = x.clone()
        mixed[:, :, top:bottom, left:right] = x[partner, :, top:bottom, left:right]
        left_over = 1 - (bottom - top) * (right - left) / (height * width)
        return mixed, torch.lerp(y[partner], y, left_over)


def _span(size: int, side: float, generator: torch.Generator) -> tuple[int, int]:
    """First row and the row behind the last of a span of int(size * side) rows around a uniform row, cut off."""
    centre, length = int(torch.randint(0, size, (), generator=generator)), int(size * side)
    first = centre - length // 2
    return max(first, 0), max(min(first + length, size), 0)
