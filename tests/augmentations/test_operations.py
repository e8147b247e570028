"""The operations against Pillow, which defines them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from assay.augmentations import operations as ours


def pictures(channels: int, height: int = 28, width: int = 31) -> Tensor:
    """Eight of noise, slopes, few values, one value."""
    noise = torch.rand(5, channels, height, width, generator=torch.Generator().manual_seed(0))
    noise[1] = noise[1] * 0.3 + 0.4
    noise[2] = torch.linspace(0, 1, width).expand(channels, height, width)
    noise[3] = (noise[3] > 0.5).float() * 0.7
    noise[4] = (noise[4] * 4).floor() / 7
    flat = torch.tensor([0.0, 0.2, 1.0]).view(3, 1, 1, 1).expand(3, channels, height, width)
    return (torch.cat((noise, flat)) * 255).round() / 255


def by_pillow(x: Tensor, act: Callable[[Image.Image, int], Image.Image]) -> Tensor:
    """Channel by channel and image by image."""
    grid = (x * 255).round().to(torch.uint8).numpy()
    done = [[np.asarray(act(Image.fromarray(plane), place)) for plane in image] for place, image in enumerate(grid)]
    return torch.from_numpy(np.array(done)).float()


def affine(image: Image.Image, *numbers: float) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, numbers, resample=Image.Resampling.BILINEAR)


DEGREES = torch.tensor([-30.0, -9.0, 0.0, 3.0, 9.0, 21.0, 30.0, 45.0])
SHARES = torch.tensor([-0.3, -0.09, 0.0, 0.02, 0.09, 0.2, 0.3, -0.2])
PIXELS = torch.tensor([-9.0, -2.0, 0.0, 1.0, 3.0, 5.0, 9.0, 28.0])
BITS = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
BOUNDS = torch.tensor([0.0, 1.0, 64.0, 128.0, 180.0, 200.0, 255.0, 256.0])
CASES: dict[str, tuple[tuple[Tensor, ...], Any, int]] = {  # strengths, Pillow's, greatest difference in 1/255
    "autocontrast": ((), lambda image, _: ImageOps.autocontrast(image), 0),
    "equalize": ((), lambda image, _: ImageOps.equalize(image), 0),
    "posterize": ((BITS,), lambda image, b: ImageOps.posterize(image, int(BITS[b])), 0),
    "solarize": ((BOUNDS,), lambda image, b: ImageOps.solarize(image, int(BOUNDS[b])), 0),
    "rotate": (
        (DEGREES,), lambda image, b: image.rotate(float(DEGREES[b]), resample=Image.Resampling.BILINEAR), 1
    ),
    "shear_x": ((SHARES,), lambda image, b: affine(image, 1, float(SHARES[b]), 0, 0, 1, 0), 1),
    "shear_y": ((SHARES,), lambda image, b: affine(image, 1, 0, 0, float(SHARES[b]), 1, 0), 1),
    "translate_x": ((PIXELS,), lambda image, b: affine(image, 1, 0, float(PIXELS[b]), 0, 1, 0), 0),
    "translate_y": ((PIXELS,), lambda image, b: affine(image, 1, 0, 0, 0, 1, float(PIXELS[b])), 0),
}  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_they_do_what_pillow_does(name: str, channels: int) -> None:
    strengths, act, most = CASES[name]
    x = pictures(channels)
    before = x.clone()
    new = getattr(ours, name)(x, *strengths)
    assert torch.equal(x, before)
    assert (new.shape, new.dtype) == (x.shape, x.dtype)
    expected = by_pillow(x, act)
    assert float((new * 255 - expected).abs().max()) <= most + 1e-3


@pytest.mark.parametrize("name", ["rotate", "shear_x", "shear_y", "translate_x", "translate_y"])
def test_what_moves_pixels_moves_no_image_into_another(name: str) -> None:
    strengths = CASES[name][0]
    x = pictures(1)
    whole = getattr(ours, name)(x, *strengths)
    for place in range(len(x)):
        alone = getattr(ours, name)(x[place : place + 1], *(item[place : place + 1] for item in strengths))
        torch.testing.assert_close(alone, whole[place : place + 1], atol=1e-6, rtol=0)


def test_every_range_is_stretched_as_pillow_does() -> None:
    """Products with a reciprocal in place of quotients are off by one in some of the ranges."""
    low, high = torch.triu_indices(256, 256)
    x = torch.minimum(torch.maximum(torch.arange(256), low[:, None]), high[:, None]).float()
    found = ours.autocontrast(x.view(-1, 1, 16, 16) / 255) * 255
    for place in range(0, len(x), 7):
        image = Image.fromarray(x[place].view(16, 16).byte().numpy())
        assert torch.equal(found[place, 0].round().byte(), torch.from_numpy(np.array(ImageOps.autocontrast(image))))
