"""Fractals and clouds as outliers to test on: other pictures than those that models are trained on."""

import torch
from torch import Tensor

from assay.pictures import mixing_pictures

FIRST = 2  # `PixMix` mixes in pictures of seed 0, and `assay.outliers.Fractals` draws from those of seed 1


def fractals(x: Tensor, generator: torch.Generator) -> Tensor:
    """Mixing pictures of a seed that is drawn, see `assay.pictures`."""
    count, channels, height, width = x.shape
    seed = int(torch.randint(FIRST, 2**31, (), generator=generator))
    return mixing_pictures(count, (channels, height, width), seed=seed)
