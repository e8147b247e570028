"""PixMix: an image mixed, by adding and multiplying, with altered versions of itself and structurally rich pictures.

Source: Hendrycks, Zou, Mazeika, Tang, Li, Song and Steinhardt (2022), PixMix: dreamlike pictures comprehensively
improve safety measures; details from the authors' public definition. Start, with probability 1/2 each, from the image x
or from a random operation on it (see `random_operation`), then mix r times, with r uniform on {0, ..., k}: z becomes

    clip((a (2 z - 1) + c (2 u - 1) + 1) / 2)    or    clip((2 z)^a max(2 u, 1e-37)^c / 2),

with probability 1/2 each, where u is, with probability 1/2 each, a new random operation on x or the mixing picture; one
mixing picture, randomly cropped, is drawn for an image. With probability 1/2, a ~ Beta(b, 1) and c ~ Beta(1, b); else
a = 1 + Beta(1, b) and c = -Beta(1, b).

Deviation: the authors' mixing pictures are fractals collected from artists and feature visualisations; ours are
`assay.pictures`. As theirs for CIFAR, they are an eighth wider and higher than the image before they are cropped. The
authors' code has an option, off unless asked for with CIFAR as with ImageNet, that adds four operations to the nine:
brightness, contrast, colour and sharpness, which it marks as overlapping with ImageNet-C. They are left out here.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from assay.augmentations import random_operation
from assay.augmentations.beta import beta_quantile
from assay.augmentations.operations import at_least_single, to_grid, to_unit
from assay.augmentations.random_operation import Drawn, operate
from assay.errors import BadValueError
from assay.parts import check_count, check_number
from assay.pictures import mixing_pictures

FLOOR = 1e-37  # of what is raised to a negative power; with |c| <= 1, float32 holds the result


class Mixture(NamedTuple):
    """What is drawn for B images, on the CPU; `starts` and what follows it, for each of the k rounds too.

    Attributes:
        rounds: (B,) how often an image is mixed.
        altered: (k + 1, B) bool, whether the start, and what is mixed in, is a random operation on the image.
        operations: those operations, (k + 1) B of them.
        added: (k, B) bool, add or multiply.
        a: (k, B), the first coefficient.
        c: (k, B), the second.
    """

    rounds: Tensor
    altered: Tensor
    operations: Drawn
    added: Tensor
    a: Tensor
    c: Tensor


@dataclass(frozen=True, kw_only=True)
class PixMix:
    """Mix each image with itself and with mixing pictures.

    Attributes:
        k: the most rounds, >= 1.
        beta: b of the coefficients' distributions, > 0: the larger, the closer to the image.
        severity: the upper bound of the operations' levels, in [0.1, 10].
        pictures: how many mixing pictures there are, >= 1.
    """

    name: ClassVar[str] = "pixmix"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False
    seen: ClassVar[tuple[str, ...]] = ("rotate", "shear", "translate", "fog", "fractals")

    k: int = 4
    beta: float = 3.0
    severity: float = 3.0
    pictures: int = 2000

    def __post_init__(self) -> None:
        check_count(self.name, "k", self.k)
        check_number(self.name, "beta", self.beta, low=0)
        if self.beta == 0:
            raise BadValueError("pixmix: beta: expected a number > 0, got 0; 3 is the paper's choice")
        random_operation.check_severity(self.name, self.severity)
        check_count(self.name, "pictures", self.pictures)

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mix x (B, C, H, W); y is returned as it is. See `Augmentation`."""
        mixture = self.draw(len(x), generator)
        channels, height, width = x.shape[1:]
        shape = (channels, height + height // 8, width + width // 8)
        pictures = crops(mixing_pictures(self.pictures, shape), len(x), height, width, generator)
        return mix(x, pictures.to(x.device), mixture), y

    def draw(self, batch: int, generator: torch.Generator) -> Mixture:
        """Draw all that a batch needs, but for its pictures."""
        levels = torch.rand(4, self.k, batch, dtype=torch.float64, generator=generator)
        near, gain, share = (
            levels[0] < 0.5,
            beta_quantile(levels[1], 1, self.beta),
            beta_quantile(levels[2], 1, self.beta),
        )
        return Mixture(
            rounds=torch.randint(0, self.k + 1, (batch,), generator=generator),
            altered=torch.rand(self.k + 1, batch, generator=generator) < 0.5,
            operations=random_operation.draw((self.k + 1) * batch, self.severity, generator),
            added=levels[3] < 0.5,
            a=torch.where(near, beta_quantile(levels[1], self.beta, 1), 1 + gain),
            c=torch.where(near, share, -share),
        )


def crops(pictures: Tensor, count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Crop `count` random pictures of (N, C, H', W') at random places: (count, C, height, width)."""
    windows = pictures.unfold(2, height, 1).unfold(3, width, 1)
    which, top, left = (torch.randint(0, windows.shape[d], (count,), generator=generator) for d in (0, 2, 3))
    return windows[which, :, top, left]


def mix(x: Tensor, pictures: Tensor, mixture: Mixture) -> Tensor:
    """Mix as drawn.

    Args:
        x: (B, C, H, W) in [0, 1]; half precision is mixed in float32.
        pictures: (B, C, H, W) uint8, one for each image.
        mixture: what was drawn.

    Returns:
        The shape and dtype of x, in [0, 1].
    """
    dtype, x = x.dtype, at_least_single(x)
    pool, place = _sources(x, pictures, mixture)
    z = pool[place[0]]
    a, c = (item.to(x)[:, :, None, None, None] for item in (mixture.a, mixture.c))
    for done in range(len(mixture.added)):
        for act, chosen in ((add, mixture.added[done]), (multiply, ~mixture.added[done])):
            here = (chosen & (mixture.rounds > done)).nonzero().squeeze(1).to(x.device)
            if len(here):
                z[here] = act(z[here], pool[place[done + 1, here]], a[done, here], c[done, here]).clamp(0, 1)
    return z.to(dtype)


def add(z: Tensor, u: Tensor, a: Tensor, c: Tensor) -> Tensor:
    """(a (2 z - 1) + c (2 u - 1) + 1) / 2."""
    return a * z + c * u + (1 - a - c) / 2


def multiply(z: Tensor, u: Tensor, a: Tensor, c: Tensor) -> Tensor:
    """(2 z)^a max(2 u, 1e-37)^c / 2: finite where z or u is 0, even for the least c, -1."""
    return (2 * z) ** a * (2 * u).clamp(min=FLOOR) ** c / 2


def _sources(x: Tensor, pictures: Tensor, mixture: Mixture) -> tuple[Tensor, Tensor]:
    """All that is mixed, each random operation that is needed carried out once, for all rounds in one batch.

    Returns:
        (M, C, H, W): the images, their pictures, and the operations' results; and (k + 1, B) where in them the start,
        and what is mixed in, stands.
    """
    batch = len(x)
    needed = mixture.altered & (mixture.rounds >= torch.arange(len(mixture.altered))[:, None])
    chosen = needed.flatten().nonzero().squeeze(1)
    owner = (chosen % batch).to(x.device)
    altered = to_unit(operate(to_grid(x)[owner], mixture.operations.at(chosen)), x)
    own = torch.arange(batch).repeat(len(needed), 1)
    own[1:] += batch
    place = torch.where(needed, 2 * batch - 1 + needed.flatten().cumsum(0).view_as(needed), own)
    return torch.cat((x, to_unit(pictures, x), altered)), place.to(x.device)
