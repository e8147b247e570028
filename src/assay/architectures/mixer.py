"""A small MLP-Mixer: multilayer perceptrons across patches and across channels in turn, and nothing else.

Tolstikhin et al. 2021, "MLP-Mixer: an all-MLP architecture for vision". Kept: linear patches, layers
x + mlp(norm(x)^T)^T over the tokens and x + mlp(norm(x)) over the channels, hidden widths of half and of four times the
number of channels as in their small models, a norm and the mean over the tokens at the end, no positions. Changed:
patches of 4 x 4 pixels, 64 channels, seven layers, which gives about the weights of `lenet5`; no dropout and no
stochastic depth, for the reasons that `vit` gives.

Sides that four does not divide are padded, see `assay.architectures.patches`.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from assay.architectures.base import Network
from assay.architectures.patches import Mean, Patches, Skip, feed_forward

WIDTH, LAYERS = 64, 7


@dataclass(frozen=True, kw_only=True)
class Mixer:
    """Seven layers over 4 x 4 patches: 257,793 weights on 28 x 28 greys, 10 classes."""

    name: ClassVar[str] = "mixer"
    version: ClassVar[int] = 1
    cost: ClassVar[float] = 3.8
    stacks: ClassVar[bool] = True

    def build(self, shape: tuple[int, int, int], n_classes: int) -> Network:
        """Build for images (C, H, W) of any size."""
        patches = Patches(shape, WIDTH)
        layers = [
            Skip(WIDTH, inner)
            for _ in range(LAYERS)
            for inner in (Across(patches.count, WIDTH // 2), feed_forward(WIDTH, 4 * WIDTH))
        ]
        return Network(shape, n_classes, nn.Sequential(patches, *layers, nn.LayerNorm(WIDTH), Mean()), WIDTH)


class Across(nn.Module):
    """One multilayer perceptron over the tokens, the same for every channel."""

    def __init__(self, count: int, hidden: int) -> None:
        super().__init__()
        self.mix = feed_forward(count, hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (B, T, D) to the same shape."""
        mixed: Tensor = self.mix(tokens.transpose(1, 2)).transpose(1, 2)
        return mixed
