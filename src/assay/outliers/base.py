"""What every source of outliers shares: its contract."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from assay.data import Images
from assay.parts import Part

Draw = Callable[[Tensor, torch.Generator], Tensor]
"""(x, generator) -> as many outliers as x (B, C, H, W) has images, of their shape, type and device, in [0, 1]."""


@runtime_checkable
class OutlierSource(Part, Protocol):
    """Where outliers come from that a model is trained on.

    Attributes:
        seen: names of outlier sets of the same family: an AUROC against them is that of a model which has seen their
            like, and reports mark it.
    """

    @property
    def seen(self) -> tuple[str, ...]: ...  # noqa: D102

    def open(self, sets: Mapping[str, Images]) -> Draw:
        """Make ready to draw.

        Args:
            sets: the data sets that outliers may be taken from, by name.

        Returns:
            A function of a batch of training images x (B, C, H, W) in [0, 1], which it leaves as it is, and of the
            generator from which every draw comes.

        Raises:
            MissingDataError: the source needs a set that is not among them.
        """
        ...
