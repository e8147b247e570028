"""LeNet-5, modified, and the same design scaled up.

LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition". Kept: two stages of
5 x 5 convolution and 2 x 2 subsampling, then fully connected layers. Changed: 32 and 64 maps, ReLU, max pooling, one
hidden layer of 200 between two dropouts of 0.5 (Srivastava et al. 2014, "Dropout: a simple way to prevent neural
networks from overfitting"), and an input that is normalised inside the network.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from assay.architectures.base import Network, flat_size
from assay.architectures.thin_convolution import ThinConv2d


@dataclass(frozen=True, kw_only=True)
class LeNet5:
    """Two convolutional layers of 32 and 64 maps, 200 hidden units: 259,106 weights on 28 x 28 greys, 10 classes."""

    name: ClassVar[str] = "lenet5"
    version: ClassVar[int] = 1
    cost: ClassVar[float] = 1.0
    stacks: ClassVar[bool] = True

    def build(self, shape: tuple[int, int, int], n_classes: int) -> Network:
        """Build for images (C, H, W), at least 16 x 16 pixels."""
        layers = nn.Sequential(*_stages(shape[0]))
        return _network(layers, shape, n_classes, hidden=200, name=self.name)


@dataclass(frozen=True, kw_only=True)
class LeNet5Large:
    """Three more convolutional layers of 192 maps, 1,400 hidden units: about 20 x the weights of `lenet5`."""

    name: ClassVar[str] = "lenet5_large"
    version: ClassVar[int] = 1
    cost: ClassVar[float] = 5.0
    stacks: ClassVar[bool] = True

    def build(self, shape: tuple[int, int, int], n_classes: int) -> Network:
        """Build for images (C, H, W), at least 16 x 16 pixels."""
        layers = nn.Sequential(*_stages(shape[0]))
        for inputs in (64, 192, 192):
            layers.extend([nn.Conv2d(inputs, 192, 3, padding=1), nn.ReLU()])
        return _network(layers, shape, n_classes, hidden=1400, name=self.name)


def _stages(channels: int) -> tuple[nn.Module, ...]:
    return (
        # ReLU after pooling gives the same values as before it, on a quarter of the pixels.
        *(ThinConv2d(channels, 32, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()),
    )


def _network(layers: nn.Sequential, shape: tuple[int, int, int], n_classes: int, *, hidden: int, name: str) -> Network:
    layers.append(nn.Flatten())
    size = flat_size(layers, shape, name)
    layers.extend([nn.Dropout(0.5), nn.Linear(size, hidden), nn.ReLU(), nn.Dropout(0.5)])
    return Network(shape, n_classes, layers, hidden)
