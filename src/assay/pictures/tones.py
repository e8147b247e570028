"""Tones and colours: a random smooth curve for each channel takes a field of numbers to grey levels."""

import math

import torch
from torch import Tensor

from assay.randomness import normal, uniform

LEVELS = 256
SAMPLE = 256  # values of a field whose order stands for all


def levels(field: Tensor, generator: torch.Generator) -> Tensor:
    """Spread each field over 0..LEVELS-1: partly by rank, so that all levels are used, partly in proportion.

    Args:
        field: (N, H, W) float.
        generator: draws each field's share of the two.

    Returns:
        (N, H * W) int64.
    """
    flat = field.flatten(1)
    sample = flat[:, :: max(1, flat.shape[1] // SAMPLE)].sort(dim=1).values
    rank = torch.searchsorted(sample, flat) / sample.shape[1]
    low, high = sample[:, :1], sample[:, -1:]
    proportion = ((flat - low) / (high - low).clamp(min=1e-9)).clamp_(0, 1)
    share = uniform((len(flat), 1), generator, like=flat)
    return ((share * rank + (1 - share) * proportion) * (LEVELS - 1)).long()


def curves(count: int, channels: int, waves: int, generator: torch.Generator) -> Tensor:
    """Draw curves (count, channels, LEVELS) with values in [0, 1]: random sums of `waves` cosines."""
    like = torch.empty(0)
    k = torch.arange(1, waves + 1.0)[:, None]
    amplitude = normal((count, channels, waves, 1), generator, like=like) / k
    phase = 2 * math.pi * uniform((count, channels, waves, 1), generator, like=like)
    curve = (amplitude * torch.cos(math.pi * k * torch.linspace(0, 1, LEVELS) + phase)).sum(dim=2)
    low, high = curve.amin(2, keepdim=True), curve.amax(2, keepdim=True)
    return (curve - low) / (high - low).clamp(min=1e-9)


def coloured(field: Tensor, channels: int, waves: int, generator: torch.Generator) -> Tensor:
    """Give each field (N, H, W) colours of its own, which turn up to `waves` times: (N, channels, H, W) in [0, 1]."""
    count, height, width = field.shape
    index = levels(field, generator)[:, None].expand(-1, channels, -1)
    return curves(count, channels, waves, generator).gather(2, index).view(count, channels, height, width)
