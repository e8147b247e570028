"""What every augmentation shares: its contract."""

from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from assay.parts import Part


@runtime_checkable
class Augmentation(Part, Protocol):
    """Changes a training batch.

    Attributes:
        needs_soft_labels: whether y must come as probabilities, as it does where labels are mixed. The training loop
            turns indices into probabilities before a pipeline in which any augmentation needs them.
    """

    needs_soft_labels: ClassVar[bool]

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Augment a batch.

        Args:
            x: (B, C, H, W) float in [0, 1]; left as it is.
            y: class indices (B,) int64, or probabilities (B, K); left as they are.
            generator: where every draw comes from.

        Returns:
            x of the same shape in [0, 1], and y in the form it came in.
        """
        ...
