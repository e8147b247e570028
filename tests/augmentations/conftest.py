"""The random operations by Pillow, one image at a time, as the papers' authors define them."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

Picture = NDArray[np.uint8]  # (C, H, W)
BILINEAR = Image.Resampling.BILINEAR
ByPillow = Callable[[Picture, str, float, float], Picture]


def tenth(level: float, most: float) -> int:
    return int(level * most / 10)


def affine(image: Image.Image, *numbers: float) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, numbers, resample=BILINEAR)


def channel(image: Image.Image, name: str, level: float, sign: float) -> Image.Image:
    wide, high = image.size
    shear = sign * level * 0.3 / 10
    match name:
        case "autocontrast":
            return ImageOps.autocontrast(image)
        case "equalize":
            return ImageOps.equalize(image)
        case "posterize":
            return ImageOps.posterize(image, 4 - tenth(level, 4))
        case "solarize":
            return ImageOps.solarize(image, 256 - tenth(level, 256))
        case "rotate":
            return image.rotate(sign * tenth(level, 30), resample=BILINEAR)
        case "shear_x":
            return affine(image, 1, shear, 0, 0, 1, 0)
        case "shear_y":
            return affine(image, 1, 0, 0, shear, 1, 0)
        case "translate_x":
            return affine(image, 1, 0, sign * tenth(level, wide / 3), 0, 1, 0)
        case "translate_y":
            return affine(image, 1, 0, 0, 0, 1, sign * tenth(level, high / 3))
    raise AssertionError(name)


@pytest.fixture
def by_pillow() -> ByPillow:
    """Takes a picture, the operation's name, its level and its sign."""

    def act(picture: Picture, name: str, level: float, sign: float) -> Picture:
        return np.stack([np.asarray(channel(Image.fromarray(plane), name, level, sign)) for plane in picture])

    return act
