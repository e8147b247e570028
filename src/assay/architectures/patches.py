"""Patches: an image as a sequence of squares, each mapped linearly to a token.

As vision transformers and mixers read images (Dosovitskiy et al. 2021, Tolstikhin et al. 2021). A side that the patches
do not divide is padded evenly on both ends (by one more below and to the right where it is odd) with zeros after
normalisation, which is the mean of the training images: no pixel is dropped, and every size is taken.
"""

import torch
from torch import Tensor, nn

SIDE = 4  # pixels of a patch: 7 x 7 tokens of 28 x 28, 8 x 8 of 32 x 32


class Patches(nn.Module):
    """Images (B, C, H, W) -> tokens (B, T, D), row by row.

    Attributes:
        count: T, the number of patches.
    """

    def __init__(self, shape: tuple[int, int, int], depth: int) -> None:
        super().__init__()
        channels, height, width = shape
        rows, columns = -height % SIDE, -width % SIDE  # what is missing to whole patches
        self.margins = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        self.count = ((height + rows) // SIDE) * ((width + columns) // SIDE)
        self.project = nn.Linear(channels * SIDE**2, depth)

    def forward(self, x: Tensor) -> Tensor:
        """Cut x (B, C, H, W), normalised, into tokens (B, T, D)."""
        x = nn.functional.pad(x, self.margins)
        batch, channels, height, width = x.shape
        cut = x.reshape(batch, channels, height // SIDE, SIDE, width // SIDE, SIDE).permute(0, 2, 4, 1, 3, 5)
        tokens: Tensor = self.project(cut.flatten(3).flatten(1, 2))
        return tokens


def feed_forward(width: int, hidden: int) -> nn.Sequential:
    """Two linear layers with a GELU (Hendrycks and Gimpel 2016, Gaussian error linear units) between them."""
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class Skip(nn.Module):
    """x + inner(norm(x)): the layer sees normalised tokens, and the way past it is free of any."""

    def __init__(self, width: int, inner: nn.Module) -> None:
        super().__init__()
        self.norm, self.inner = nn.LayerNorm(width), inner

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (B, T, D) to the same shape."""
        changed: Tensor = tokens + self.inner(self.norm(tokens))
        return changed


class Mean(nn.Module):
    """Tokens (B, T, D) -> their mean (B, D)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Average over the tokens."""
        return torch.mean(tokens, dim=1)
