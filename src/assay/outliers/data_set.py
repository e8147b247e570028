"""Outliers from a data set: training images of something else, such as Fashion-MNIST's beside MNIST."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import to_unit
from assay.data import Images
from assay.errors import BadValueError, MissingDataError
from assay.outliers.base import Draw
from assay.randomness import integers


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Images drawn with replacement from the first 10,000 training images of a data set; its test set is not touched.

    Attributes:
        of: the data set's name, such as "fashion_mnist", or that of one of your own.
    """

    name: ClassVar[str] = "data_set"
    version: ClassVar[int] = 1

    of: str = "fashion_mnist"

    def __post_init__(self) -> None:
        if not isinstance(self.of, str) or not self.of:
            raise BadValueError(f"{self.name}: of: expected a data set's name, got {self.of!r}")

    @property
    def seen(self) -> tuple[str, ...]:
        """The data set's own test set."""
        return (self.of,)

    def open(self, sets: Mapping[str, Images]) -> Draw:
        """Make ready to draw from `sets[of]`. See `OutlierSource`.

        Raises:
            MissingDataError: there is no such set.
            BadValueError: it is a test set, or not of `Images`.
        """
        if self.of not in sets:
            raise MissingDataError(
                f"{self.name}: {self.of}: no such set to train on; "
                f'pass outliers={{"{self.of}": load("{self.of}", "outliers")}}'
            )
        images = sets[self.of]
        if not isinstance(images, Images):
            raise BadValueError(
                f"{self.name}: {self.of}: expected Images, got {type(images).__name__}; "
                "Images and Images.from_floats make them"
            )
        if images.name.endswith("/test"):
            raise BadValueError(
                f"{self.name}: {self.of}: expected images to train on, got {images.name}, which is tested on; "
                f'load("{self.of}", "outliers") gives them'
            )

        def draw(x: Tensor, generator: torch.Generator) -> Tensor:
            if x.shape[1:] != images.shape:
                raise BadValueError(
                    f"{images.name}: expected outliers of shape {tuple(x.shape[1:])}, as the training images have, "
                    f"got {images.shape}; convert them first, or choose another source"
                )
            index = integers(0, len(images), (len(x),), generator, like=images.x)
            return to_unit(images.x[index]).to(x)

        return draw
