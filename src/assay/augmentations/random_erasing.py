"""Random erasing: one rectangle of random size, shape and place, filled with noise.

Source: Zhong, Zheng, Kang, Li and Yang (2020), Random erasing data augmentation, algorithm 1. With probability p an
image loses a rectangle of area s H W and of height to width ratio r, with s ~ U[s_l, s_h] and r ~ U[r_1, r_2], so that
its height is sqrt(s H W r) and its width sqrt(s H W / r); its upper left corner is a pixel drawn uniformly. All is
drawn anew until the rectangle lies inside the image. Every value in it is then drawn from U[0, 1] (the paper's "ER-R").

Deviation: of `TRIES` rectangles drawn at once for an image, the first that lies inside is taken, and the image stays as
it is where none does. With the default settings that happens to about one image in 10^10. Sides are rounded to whole
pixels, at least 1.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.augmentations.spans import inside
from assay.errors import BadValueError
from assay.parts import check_number
from assay.randomness import uniform

TRIES = 64


@dataclass(frozen=True, kw_only=True)
class RandomErasing:
    """Fill one random rectangle with noise.

    Attributes:
        p: the probability that an image is touched, in [0, 1].
        smallest: s_l, the least share of the image's area, in (0, 1].
        largest: s_h, the largest share, >= smallest.
        flattest: r_1, the least ratio of height to width, in (0, 1]; r_2 is 1 / r_1.
    """

    name: ClassVar[str] = "random_erasing"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False

    p: float = 0.5
    smallest: float = 0.02
    largest: float = 0.4
    flattest: float = 0.3

    def __post_init__(self) -> None:
        for field in ("p", "smallest", "largest", "flattest"):
            check_number(self.name, field, getattr(self, field), low=0, high=1)
        if not 0 < self.smallest <= self.largest:
            raise BadValueError(
                f"random_erasing: smallest, largest: expected 0 < smallest <= largest, got {self.smallest}, "
                f"{self.largest}"
            )
        if self.flattest == 0:
            raise BadValueError("random_erasing: flattest: expected a number > 0, got 0")

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Erase a rectangle of x (B, C, H, W), through all channels; y is returned as it is. See `Augmentation`."""
        batch, _, height, width = x.shape
        top, left, tall, wide = self._rectangles(batch, height, width, generator, like=x)
        touched = uniform((batch, 1), generator, like=x) < self.p
        rows = inside(top, tall, height) & touched
        columns = inside(left, wide, width)
        covered = rows[:, None, :, None] & columns[:, None, None, :]
        return torch.where(covered, uniform(x.shape, generator, like=x), x), y

    def _rectangles(
        self, batch: int, height: int, width: int, generator: torch.Generator, *, like: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Upper left corners and sides, (B, 1) each; of an image without a fitting one, the sides are 0."""
        draw = uniform((4, batch, TRIES), generator, like=like).double()
        area = (self.smallest + (self.largest - self.smallest) * draw[0]) * height * width
        ratio = self.flattest + (1 / self.flattest - self.flattest) * draw[1]
        tall = (area * ratio).sqrt().round().clamp(min=1).long()
        wide = (area / ratio).sqrt().round().clamp(min=1).long()
        top, left = (draw[2] * height).long(), (draw[3] * width).long()
        fits = (top + tall <= height) & (left + wide <= width)
        first = fits.to(torch.uint8).argmax(1, keepdim=True)
        some = fits.gather(1, first)
        top, left, tall, wide = (item.gather(1, first) for item in (top, left, tall, wide))
        return top, left, tall * some, wide * some
