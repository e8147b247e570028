"""Generated outliers: the mixing pictures (fractals and plasma), which need no data set and no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import to_unit
from assay.data import Images
from assay.outliers.base import Draw
from assay.parts import check_count
from assay.pictures import mixing_pictures
from assay.randomness import integers

SEED = 1  # other pictures than those that PixMix mixes in


@dataclass(frozen=True, kw_only=True)
class Fractals:
    """Pictures drawn with replacement from generated ones of the training images' shape.

    Attributes:
        pictures: how many different ones there are.
    """

    name: ClassVar[str] = "fractals"
    version: ClassVar[int] = 1
    seen: ClassVar[tuple[str, ...]] = ("fractals",)

    pictures: int = 2000

    def __post_init__(self) -> None:
        check_count(self.name, "pictures", self.pictures)

    def open(self, sets: Mapping[str, Images]) -> Draw:  # noqa: ARG002
        """Make ready to draw; no set is needed. See `OutlierSource`."""

        def draw(x: Tensor, generator: torch.Generator) -> Tensor:
            channels, height, width = x.shape[1:]
            found = mixing_pictures(self.pictures, (channels, height, width), seed=SEED)
            index = integers(0, self.pictures, (len(x),), generator, like=found)
            return to_unit(found[index]).to(x)

        return draw
