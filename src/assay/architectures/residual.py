"""A small residual network: ResNet-20 before activation, with group normalisation.

He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition": their network for CIFAR-10 with n = 3, that
is one convolution, three stages of three blocks of two 3 x 3 convolutions with 16, 32 and 64 maps, the second and third
stage at half the resolution of the one before, shortcuts without weights (every other pixel, and maps of zeros), the
mean over the pixels at the end, no dropout. Changed:

- The order within a block is that of the same authors' "Identity mappings in deep residual networks" (2016): norm,
  ReLU, convolution, twice. Nothing but additions stands on the way from the first convolution to the last norm, as in
  `vit` and `mixer`, so that the three differ in what they mix and not in where they normalise.
- Group normalisation in groups of 8 maps (Wu and He 2018, "Group normalization") in place of batch normalisation, whose
  training mode lets each image of a batch move the others' logits, and whose running statistics fit neither images nor
  attacked images where a model trains on both (Xie et al. 2020, "Adversarial examples improve image recognition",
  therefore keep two sets). Attacks meet a model in evaluation mode: here that is the function that is trained.
- The first convolution has a stride of 2, so that a step costs a quarter. Kernels start as theirs do (He et al. 2015,
  "Delving deep into rectifiers": normal with variance 2 / fan-in).
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import pad

from assay.architectures.base import Network
from assay.architectures.thin_convolution import ThinConv2d

STAGES, BLOCKS, GROUP = (16, 32, 64), 3, 8


@dataclass(frozen=True, kw_only=True)
class Residual:
    """Nine blocks of two convolutions with 16, 32 and 64 maps: 269,434 weights on 28 x 28 greys, 10 classes."""

    name: ClassVar[str] = "residual"
    version: ClassVar[int] = 1
    cost: ClassVar[float] = 2.7

    def build(self, shape: tuple[int, int, int], n_classes: int) -> Network:
        """Build for images (C, H, W) of any size."""
        body = nn.Sequential(ThinConv2d(shape[0], STAGES[0], 3, stride=2, padding=1, bias=False))
        inputs = STAGES[0]
        for maps in STAGES:
            for _ in range(BLOCKS):
                body.append(Block(inputs, maps))
                inputs = maps
        body.extend([*_normal(inputs), nn.AdaptiveAvgPool2d(1), nn.Flatten()])
        for module in body.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        return Network(shape, n_classes, body, inputs)


class Block(nn.Module):
    """x + convolutions(x), at half the resolution where the number of maps grows."""

    def __init__(self, inputs: int, maps: int) -> None:
        super().__init__()
        self.new, self.stride = maps - inputs, 1 if maps == inputs else 2
        self.inner = nn.Sequential(
            *(*_normal(inputs), nn.Conv2d(inputs, maps, 3, stride=self.stride, padding=1, bias=False)),
            *(*_normal(maps), nn.Conv2d(maps, maps, 3, padding=1, bias=False)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, I, H, W) to (B, O, H', W')."""
        past = x if self.stride == 1 else pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))
        changed: Tensor = past + self.inner(x)
        return changed


def _normal(maps: int) -> tuple[nn.Module, nn.Module]:
    return nn.GroupNorm(maps // GROUP, maps), nn.ReLU()
