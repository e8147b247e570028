"""What every architecture shares: a description that builds a classifier, and the normalisation inside it."""

from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from assay.classifier import Classifier, LinearHead
from assay.errors import BadValueError
from assay.parts import Part


@runtime_checkable
class Architecture(Part, Protocol):
    """A part that builds untrained classifiers. `cost` is its training step against `lenet5`'s, for time estimates."""

    cost: ClassVar[float]

    def build(self, shape: tuple[int, int, int], n_classes: int) -> Classifier:
        """Build a network for images (C, H, W), initialised from the global stream."""
        ...


class Normalise(nn.Module):
    """x -> (x - mean) / std per channel, with constants that are kept with the weights. Identity until `fit`."""

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))

    def fit(self, x: Tensor) -> None:
        """Take the means and standard deviations of images (N, C, H, W) uint8, in units of [0, 1]."""
        levels = torch.arange(256, dtype=torch.float64) / 255
        for channel in range(x.shape[1]):
            counts = torch.bincount(x[:, channel].flatten(), minlength=256).double()
            mean = counts @ levels / counts.sum()
            variance = counts @ (levels - mean) ** 2 / counts.sum()
            self.mean[channel] = mean
            self.std[channel] = variance.sqrt().clamp(min=1e-3)  # a constant channel has no scale of its own

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, H, W) to the same shape."""
        return (x - self.mean) / self.std


class Network(Classifier):
    """A classifier made of normalisation, a body (images -> features (B, D)) and a last linear layer."""

    def __init__(self, shape: tuple[int, int, int], n_classes: int, body: nn.Sequential, width: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.normalise = Normalise(shape[0])
        self.body = body
        self.last = nn.Linear(width, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Map x (B, C, H, W) in [0, 1] to features (B, D)."""
        features: Tensor = self.body(self.normalise(x))
        return features

    def head(self, features: Tensor) -> Tensor:
        """Map features (B, D) to logits (B, K)."""
        logits: Tensor = self.last(features)
        return logits

    @property
    def linear_head(self) -> LinearHead:
        """The last layer's weight and bias."""
        return LinearHead(self.last.weight, self.last.bias)


def flat_size(layers: nn.Sequential, shape: tuple[int, int, int], name: str) -> int:
    """The number of values that the layers give for one image (C, H, W).

    Raises:
        BadValueError: the image is too small for the layers.
    """
    try:
        with torch.no_grad():
            flat: Tensor = layers(torch.zeros(1, *shape))
    except RuntimeError as error:
        raise BadValueError(f"{name}: images of {shape[1]} x {shape[2]} pixels are too small for it") from error
    return flat.numel()
