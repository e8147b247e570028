"""Sets that are made from the test images: what they keep of them is no longer what they show."""

import torch
from torch import Tensor

from assay.pictures.patches import shuffled

GRID = 4


def shuffled_patches(x: Tensor, generator: torch.Generator) -> Tensor:
    """The 4 x 4 patches of each image in random order: its strokes without its shape."""
    return shuffled(x, GRID, generator)


def inverted(x: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG001 - nothing is drawn
    """255 - x: its shape without its ground."""
    return 255 - x
