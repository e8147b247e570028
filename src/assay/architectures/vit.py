"""A small vision transformer.

Dosovitskiy et al. 2021, "An image is worth 16x16 words: transformers for image recognition at scale". Kept: linear
patches, a class token whose last state is the feature, learned positions, layers x + attention(norm(x)) and
x + mlp(norm(x)) with an MLP of four times the width, and a norm at the end. Changed: patches of 4 x 4 pixels, width
64, four heads, five layers, which gives about the weights of `lenet5`, and no dropout (they use 0.1 on ImageNet and
none on larger sets): without it the network is the same function in training and in evaluation mode, so that attacks
meet what is trained, and calibration is not that of a regulariser. Calibration of the kind against others: Minderer et
al. 2021, "Revisiting the calibration of modern neural networks".

Sides that four does not divide are padded, see `assay.architectures.patches`.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from assay.architectures.base import Network
from assay.architectures.patches import Patches, Skip, feed_forward

WIDTH, HEADS, LAYERS = 64, 4, 5


@dataclass(frozen=True, kw_only=True)
class ViT:
    """Five layers of four-headed attention over 4 x 4 patches: 255,050 weights on 28 x 28 greys, 10 classes."""

    name: ClassVar[str] = "vit"
    version: ClassVar[int] = 1
    cost: ClassVar[float] = 4.5

    def build(self, shape: tuple[int, int, int], n_classes: int) -> Network:
        """Build for images (C, H, W) of any size."""
        patches = Patches(shape, WIDTH)
        layers = [
            Skip(WIDTH, inner)
            for _ in range(LAYERS)
            for inner in (Attention(WIDTH, HEADS), feed_forward(WIDTH, 4 * WIDTH))
        ]
        body = nn.Sequential(patches, Placed(patches.count, WIDTH), *layers, ClassToken(), nn.LayerNorm(WIDTH))
        return Network(shape, n_classes, body, WIDTH)


class Placed(nn.Module):
    """Put a learned class token before the tokens, and add a learned position to each: (B, T, D) -> (B, T + 1, D)."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, count + 1, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Place tokens (B, T, D)."""
        return torch.cat((self.token.expand(len(tokens), -1, -1), tokens), dim=1) + self.position


class Attention(nn.Module):
    """Every token looks at all: softmax(Q K^T / sqrt(D / heads)) V in each head, and a linear layer over all heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(width, 3 * width)  # queries, keys and values in one product
        self.merge = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (B, T, D) to the same shape."""
        query, key, value = self.ask(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value)  # (B, heads, T, D / heads)
        merged: Tensor = self.merge(seen.transpose(1, 2).flatten(2))
        return merged


class ClassToken(nn.Module):
    """Tokens (B, T + 1, D) -> the first of each image (B, D)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Take the class token."""
        return tokens[:, 0]
