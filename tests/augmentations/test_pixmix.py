from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from assay.augmentations import pixmix
from assay.augmentations.pixmix import Mixture, PixMix, crops, mix, multiply
from assay.augmentations.random_operation import OPERATIONS
from assay.errors import BadValueError
from assay.parts import describe

# All but rotation and shears, whose values differ from Pillow's by 1/255, which multiplying may enlarge.
EXACT = torch.tensor([OPERATIONS.index(name) for name in OPERATIONS if name[:5] not in {"rotat", "shear"}])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exact(mixture: Mixture) -> Mixture:
    drawn = mixture.operations
    return mixture._replace(operations=drawn._replace(kind=EXACT[drawn.kind % len(EXACT)]))


def slowly(x: Tensor, pictures: Tensor, mixture: Mixture, by_pillow: Callable[..., Any]) -> Tensor:
    """Image by image and round by round."""
    result = np.zeros(x.shape)
    for image in range(len(x)):
        original = x[image].numpy().astype(float)

        def altered(place: int, image: int = image) -> Any:
            kind, level, sign = (float(item[place * len(x) + image]) for item in mixture.operations)
            picture = np.rint(x[image].numpy() * 255).astype(np.uint8)
            return by_pillow(picture, OPERATIONS[int(kind)], level, sign) / 255

        z = altered(0) if mixture.altered[0, image] else original
        for done in range(int(mixture.rounds[image])):
            u = altered(done + 1) if mixture.altered[done + 1, image] else pictures[image].numpy() / 255
            a, c = float(mixture.a[done, image]), float(mixture.c[done, image])
            if mixture.added[done, image]:
                z = (a * (2 * z - 1) + c * (2 * u - 1) + 1) / 2
            else:
                z = (2 * z) ** a * np.maximum(2 * u, 1e-37) ** c / 2
            z = np.clip(z, 0, 1)
        result[image] = z
    return torch.from_numpy(result)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 13, 20), (1, 20, 13)])
def test_it_mixes_as_one_does_image_by_image(
    shape: tuple[int, ...], dtype: torch.dtype, by_pillow: Callable[..., Any]
) -> None:
    x = torch.randint(0, 256, (48, *shape), generator=generator()).to(dtype) / 255
    x[::2] *= (torch.rand(x[::2].shape, generator=generator(1)) < 0.5).to(dtype)  # black backgrounds
    pictures = torch.randint(0, 256, (48, *shape), generator=generator(2), dtype=torch.uint8)
    pictures[::3, :, :7] = 0
    mixture = exact(PixMix().draw(48, generator(3)))
    found, expected = mix(x, pictures, mixture), slowly(x, pictures, mixture, by_pillow)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected.to(dtype), rtol=0, atol=1e-4 if dtype == torch.float32 else 1e-9)


def test_what_is_drawn_follows_its_distributions() -> None:
    mixture = PixMix(beta=3.0).draw(3000, generator())
    assert stats.chisquare(torch.bincount(mixture.rounds, minlength=5).numpy()).pvalue > 0.001
    for flag in (*mixture.altered, *mixture.added, *(mixture.c >= 0)):
        assert stats.binomtest(int(flag.sum()), 3000).pvalue > 0.001
    near = mixture.c >= 0
    for sample, law in (
        (mixture.a[near], stats.beta(3, 1)),
        (mixture.c[near], stats.beta(1, 3)),
        (mixture.a[~near] - 1, stats.beta(1, 3)),
        (-mixture.c[~near], stats.beta(1, 3)),
    ):
        assert stats.kstest(sample.numpy(), law.cdf).pvalue > 0.001
    for side in (near, ~near):
        assert abs(np.corrcoef(mixture.a[side].numpy(), mixture.c[side].numpy())[0, 1]) < 0.05


def test_a_tenth_of_the_images_stays_as_it_is() -> None:
    """Those that start from the image (1/2) and are mixed 0 of 0 to 4 times (1/5); the values lie beside the grid."""
    x = torch.rand(3000, 1, 8, 8, generator=generator()) * 0.9
    new, _ = PixMix(pictures=7)(x, torch.zeros(3000).long(), generator(1))
    same = int((new == x).flatten(1).all(1).sum())
    assert stats.binomtest(same, 3000, 0.1).pvalue > 0.001


def test_crops_are_windows_of_random_pictures_at_random_places() -> None:
    pictures = torch.arange(3 * 2 * 5 * 6, dtype=torch.int16).view(3, 2, 5, 6)
    found = crops(pictures, 400, 4, 4, generator())
    seen = set()
    for window in found:
        number = int(window[0, 0, 0])
        which, (top, left) = number // 60, divmod(number % 60, 6)
        assert torch.equal(window, pictures[which, :, top : top + 4, left : left + 4])
        seen.add((which, top, left))
    assert len(seen) == 3 * 2 * 3


@pytest.mark.parametrize(("size", "larger"), [((28, 28), (31, 31)), ((32, 20), (36, 22)), ((7, 64), (7, 72))])
def test_pictures_are_an_eighth_larger_than_the_images(
    size: tuple[int, int], larger: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def pictures(count: int, shape: tuple[int, int, int]) -> Tensor:
        asked.append((count, shape))
        return torch.zeros(count, *shape, dtype=torch.uint8)

    monkeypatch.setattr(pixmix, "mixing_pictures", pictures)
    PixMix(pictures=5)(torch.zeros(2, 3, *size), torch.zeros(2).long(), generator())
    assert asked == [(5, (3, *larger))], "the pictures' crops changed: bump PixMix.version"


@given(
    z=st.sampled_from([0.0, 1e-38, 1 / 255, 0.5, 1.0]),
    u=st.sampled_from([0.0, 1e-38, 1 / 255, 0.5, 1.0]),
    a=st.floats(0, 2, width=32),
    c=st.floats(-1, 1, width=32),
)
def test_multiplying_stays_finite(z: float, u: float, a: float, c: float) -> None:
    for dtype in (torch.float32, torch.float64):
        found = multiply(*(torch.tensor([value], dtype=dtype) for value in (z, u, a, c)))
        assert bool(torch.isfinite(found).all())
        assert float(found) >= 0


@pytest.mark.parametrize("mixer", [PixMix(pictures=5), PixMix(k=9, beta=0.05, severity=10, pictures=5)])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 7, 12)])
def test_black_white_and_grey_images_stay_in_range(mixer: PixMix, shape: tuple[int, ...]) -> None:
    x = torch.cat([torch.full((20, *shape), value) for value in (0.0, 0.3, 1.0)])
    for seed in range(4):
        new, _ = mixer(x, torch.zeros(60).long(), generator(seed))
        assert 0 <= float(new.min()) <= float(new.max()) <= 1  # which NaN is not


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0, None])
def test_half_precision_is_mixed_in_single_precision_and_cast_back(dtype: torch.dtype, grey: float | None) -> None:
    x = torch.rand(64, 1, 28, 28, generator=generator())
    x = (x if grey is None else x.fill_(grey)).to(dtype)
    new, _ = PixMix(pictures=5)(x, torch.zeros(64).long(), generator(1))
    single, _ = PixMix(pictures=5)(x.float(), torch.zeros(64).long(), generator(1))
    assert new.dtype == dtype
    assert 0 <= float(new.min()) <= float(new.max()) <= 1  # which NaN is not
    assert torch.equal(new, single.to(dtype))


def test_labels_stay_and_memory_format_does_not_matter() -> None:
    x, y = torch.rand(8, 3, 10, 12, generator=generator()), torch.arange(8)
    new, labels = PixMix(pictures=5)(x, y, generator())
    last, _ = PixMix(pictures=5)(x.to(memory_format=torch.channels_last), y, generator())
    assert labels is y
    torch.testing.assert_close(last, new)


def test_the_images_may_lie_on_another_device() -> None:
    """The meta device holds no values, but refuses what lies elsewhere, as a GPU does."""
    x = torch.rand(8, 3, 10, 12, device="meta")
    assert PixMix(pictures=5)(x, torch.arange(8), generator())[0].device == x.device


def test_names_and_refusals() -> None:
    assert describe(PixMix()) == "pixmix"
    assert describe(PixMix(k=2, pictures=10)) == "pixmix(k=2, pictures=10)"
    for wrong in ({"k": 0}, {"beta": 0}, {"beta": -1}, {"severity": 11}, {"pictures": 0}):
        with pytest.raises(BadValueError, match=f"pixmix: {next(iter(wrong))}: expected"):
            PixMix(**wrong)
