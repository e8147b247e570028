from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from assay.augmentations.augmix import AugMix, Mixture, mix
from assay.augmentations.random_operation import OPERATIONS, Drawn
from assay.errors import BadValueError
from assay.parts import describe

# All but rotation and shears, whose values differ from Pillow's by 1/255, which a later operation may enlarge.
EXACT = torch.tensor([OPERATIONS.index(name) for name in OPERATIONS if name[:5] not in {"rotat", "shear"}])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exact(drawn: Drawn) -> Drawn:
    return drawn._replace(kind=EXACT[drawn.kind % len(EXACT)])


def slowly(x: Tensor, mixture: Mixture, by_pillow: Callable[..., Any]) -> Tensor:
    """Image by image and chain by chain."""
    width, batch = mixture.weights.shape
    result = np.zeros(x.shape)
    for image in range(batch):
        mixed = np.zeros(x.shape[1:])
        for chain in range(width):
            picture = np.rint(x[image].numpy() * 255).astype(np.uint8)
            for place in range(int(mixture.depth[chain, image])):
                kind, level, sign = (float(item[chain * batch + image]) for item in mixture.operations[place])
                picture = by_pillow(picture, OPERATIONS[int(kind)], level, sign)
            mixed += float(mixture.weights[chain, image]) * picture / 255
        m = float(mixture.share[image])
        result[image] = (1 - m) * x[image].numpy() + m * mixed
    return torch.from_numpy(result)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("width", "shape"), [(3, (1, 28, 28)), (1, (3, 13, 20)), (5, (1, 20, 13))])
def test_it_mixes_as_one_does_image_by_image(
    width: int, shape: tuple[int, ...], dtype: torch.dtype, by_pillow: Callable[..., Any]
) -> None:
    x = torch.rand(16, *shape, dtype=dtype, generator=generator())
    mixture = AugMix(width=width).draw(16, generator(1))
    mixture = mixture._replace(operations=tuple(exact(drawn) for drawn in mixture.operations))
    torch.testing.assert_close(mix(x, mixture), slowly(x, mixture, by_pillow).to(dtype), rtol=0, atol=1e-6)


def test_what_is_drawn_follows_its_distributions() -> None:
    mixture = AugMix(alpha=0.7).draw(2000, generator())
    assert stats.chisquare(torch.bincount(mixture.depth.flatten(), minlength=4)[1:].numpy()).pvalue > 0.001
    assert stats.kstest(mixture.share.numpy(), stats.beta(0.7, 0.7).cdf).pvalue > 0.001
    assert stats.kstest(mixture.weights[1].numpy(), stats.beta(0.7, 1.4).cdf).pvalue > 0.001
    assert not torch.equal(mixture.operations[0].kind, mixture.operations[1].kind)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0, None])
def test_half_precision_is_mixed_in_single_precision_and_cast_back(dtype: torch.dtype, grey: float | None) -> None:
    x = torch.rand(64, 1, 28, 28, generator=generator())
    x = (x if grey is None else x.fill_(grey)).to(dtype)
    new, _ = AugMix()(x, torch.zeros(64).long(), generator(1))
    single, _ = AugMix()(x.float(), torch.zeros(64).long(), generator(1))
    assert new.dtype == dtype
    assert 0 <= float(new.min()) <= float(new.max()) <= 1  # which NaN is not
    assert torch.equal(new, single.to(dtype))


def test_labels_stay_and_memory_format_does_not_matter() -> None:
    x, y = torch.rand(8, 3, 10, 12, generator=generator()), torch.arange(8)
    new, labels = AugMix()(x, y, generator())
    last, _ = AugMix()(x.to(memory_format=torch.channels_last), y, generator())
    assert labels is y
    torch.testing.assert_close(last, new)


def test_the_images_may_lie_on_another_device() -> None:
    """The meta device holds no values, but refuses what lies elsewhere, as a GPU does."""
    x = torch.rand(8, 3, 10, 12, device="meta")
    assert AugMix()(x, torch.arange(8), generator())[0].device == x.device


def test_names_and_refusals() -> None:
    assert describe(AugMix()) == "augmix"
    assert describe(AugMix(width=2, severity=1)) == "augmix(width=2, severity=1)"
    for wrong in ({"width": 0}, {"severity": 11}, {"alpha": 0}, {"alpha": -1}):
        with pytest.raises(BadValueError, match=f"augmix: {next(iter(wrong))}: expected"):
            AugMix(**wrong)
