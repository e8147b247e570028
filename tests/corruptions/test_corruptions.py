"""Every corruption keeps the contract, and those with a closed form follow it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import feature, transform
from torch import Tensor

from assay.corruptions import (
    MNIST_C,
    Brightness,
    CannyEdges,
    Corruption,
    DottedLine,
    Fog,
    GlassBlur,
    ImpulseNoise,
    MotionBlur,
    Rotate,
    Scale,
    Shear,
    ShotNoise,
    Spatter,
    Stripe,
    Translate,
    Zigzag,
)
from assay.corruptions.filters import gaussian, sobel
from assay.errors import BadValueError
from assay.parts import describe, parse
from assay.pictures.plasma import plasma
from assay.randomness import derive

every = pytest.mark.parametrize("corruption", MNIST_C, ids=str)


def pictures(batch: int, channels: int = 1, height: int = 28, width: int = 28, seed: int = 0) -> Tensor:
    """Smooth blobs on 8 bits, so that there are edges, greys, black and white."""
    noise = torch.rand(batch, channels, height, width, generator=derive(seed), dtype=torch.float64)
    smooth = gaussian(noise, 2) - 0.5
    return ((smooth * 8 + 0.3).clamp(0, 1) * 255).round().float() / 255


def test_fifteen_with_distinct_names() -> None:
    assert len({corruption.name for corruption in MNIST_C}) == 15


@every
@pytest.mark.parametrize(
    "shape", [(3, 1, 28, 28), (1, 1, 28, 28), (2, 3, 32, 32), (2, 3, 20, 33), (0, 1, 28, 28)], ids=str
)
def test_contract(corruption: Corruption, shape: tuple[int, int, int, int]) -> None:
    x = pictures(*shape)
    before = x.clone()
    out = corruption(x, derive(3))
    assert out.shape == x.shape
    assert out.dtype == x.dtype
    assert torch.equal(x, before)
    assert bool(((out >= 0) & (out <= 1)).all())
    assert torch.equal(out, (out * 255).round() / 255)
    assert torch.equal(out, corruption(x, derive(3)))


@every
def test_what_other_images_show_does_not_matter(corruption: Corruption) -> None:
    x, other = pictures(4), pictures(4, seed=1)
    other[2] = x[2]
    assert torch.equal(corruption(x, derive(3))[2], corruption(other, derive(3))[2])


@every
def test_it_does_something(corruption: Corruption) -> None:
    x = pictures(8)
    changed = (corruption(x, derive(3)) != x).flatten(1).any(1)
    assert bool(changed.all())


@every
def test_seeds_matter_where_something_is_drawn(corruption: Corruption) -> None:
    x = pictures(8)
    same = torch.equal(corruption(x, derive(1)), corruption(x, derive(2)))
    assert same == (corruption.name in {"brightness", "scale", "stripe", "canny_edges"})


@every
def test_it_takes_float64_and_parses_from_its_name(corruption: Corruption) -> None:
    assert corruption(pictures(2).double(), derive(0)).dtype == torch.float64
    assert parse(describe(corruption), {corruption.name: type(corruption)}) == [corruption]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (ShotNoise, {"photons": 0}),
        (ImpulseNoise, {"amount": 1.1}),
        (GlassBlur, {"reach": 0}),
        (MotionBlur, {"radius": 1.5}),
        (Shear, {"angle": -0.1}),
        (Rotate, {"angle": float("nan")}),
        (Scale, {"factor": 0}),
        (Brightness, {"amount": -1}),
        (Translate, {"distance": "3"}),
        (Stripe, {"width": 0}),
        (Fog, {"decay": 0.5}),
        (Spatter, {"blur": 0}),
        (DottedLine, {"dash": 0}),
        (Zigzag, {"margin": -1}),
        (CannyEdges, {"low": 0.3, "high": 0.2}),
    ],
)
def test_bad_values_are_named(kind: type, fields: dict[str, object]) -> None:
    with pytest.raises(BadValueError, match=f"{kind.name}: {list(fields)[-1]}: expected"):  # type: ignore[attr-defined]
        kind(**fields)


def test_brightness_of_greys_and_colours() -> None:
    grey = torch.tensor([0.0, 0.2, 0.4, 0.6, 1.0]).view(1, 1, 1, 5)
    bright = Brightness(amount=0.4)(grey, derive(0))
    assert torch.allclose(bright.flatten(), torch.tensor([0.4, 0.6, 0.8, 1.0, 1.0]))
    colour = torch.tensor([0.4, 0.2, 0.0]).view(1, 3, 1, 1)  # V = 0.4 becomes 0.8, so all channels double
    assert torch.allclose(Brightness(amount=0.4)(colour, derive(0)).flatten(), torch.tensor([0.8, 0.4, 0.0]))


def test_stripe_inverts_seven_columns_on_each_side() -> None:
    x = pictures(2)
    out = Stripe()(x, derive(0))
    assert torch.equal(out[..., 7:21], x[..., 7:21])
    assert torch.allclose(out[..., :7] + x[..., :7], torch.ones(1))
    assert torch.allclose(out[..., 21:] + x[..., 21:], torch.ones(1))


def test_translate_moves_a_point_to_four_places() -> None:
    x = torch.zeros(200, 1, 28, 28)
    x[:, :, 10, 12] = 1
    places = {tuple(place[2:].tolist()) for place in Translate()(x, derive(0)).nonzero()}
    assert places == {(7, 9), (7, 15), (13, 9), (13, 15)}


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 1.5), st.integers(0, 1000))
def test_rotate_agrees_with_scikit_image(angle: float, seed: int) -> None:
    x = pictures(1, seed=seed)
    out = Rotate(angle=angle)(x, derive(seed))[0, 0]
    image = x[0, 0].double().numpy()
    turned = [transform.rotate(image, s * np.degrees(angle), order=1) for s in (1, -1)]  # type: ignore[no-untyped-call]
    assert min(np.abs(out.numpy() - other).max() for other in turned) < 0.6 / 255


def test_shear_and_scale_agree_with_scikit_image() -> None:
    x = pictures(1)
    lean = np.array([[1, -np.sin(0.3), 0], [0, np.cos(0.3), 0], [0, 0, 1]])
    lean[:2, 2] = 13.5 - lean[:2, :2].sum(1) * 13.5
    other = transform.warp(x[0, 0].double().numpy(), lean, order=1)  # type: ignore[no-untyped-call]
    gaps = [np.abs(Shear(angle=0.3)(x, derive(seed))[0, 0].numpy() - other).max() for seed in range(16)]
    assert min(gaps) < 0.6 / 255
    shrink = np.array([[2, 0, -13.5], [0, 2, -13.5], [0, 0, 1]])
    smaller = transform.warp(x[0, 0].double().numpy(), shrink, order=1)  # type: ignore[no-untyped-call]
    assert np.abs(Scale(factor=0.5)(x, derive(0))[0, 0].numpy() - smaller).max() < 0.6 / 255


def test_impulse_noise_replaces_its_share_half_and_half() -> None:
    out = ImpulseNoise(amount=0.2)(torch.full((100, 1, 28, 28), 0.4), derive(0))
    share = [float((out == value).double().mean()) for value in (0.0, 1.0)]
    assert share == pytest.approx([0.1, 0.1], abs=5 * (0.1 * 0.9 / out.numel()) ** 0.5)


def test_shot_noise_is_poisson_cut_at_white() -> None:
    out = ShotNoise(photons=5)(torch.full((100, 1, 28, 28), 0.4), derive(0))
    counts = torch.bincount((out * 5).round().long().flatten(), minlength=6).double() / out.numel()
    poisson = [np.exp(-2), 2 * np.exp(-2), 2 * np.exp(-2), 4 / 3 * np.exp(-2), 2 / 3 * np.exp(-2)]
    assert counts.tolist() == pytest.approx([*poisson, 1 - sum(poisson)], abs=5 * 0.5 / out.numel() ** 0.5)


def test_glass_blur_moves_whole_pixels_and_keeps_them_all() -> None:
    x = torch.rand(3, 2, 9, 12, generator=derive(0))
    origin = GlassBlur(reach=2)._shuffle(x, derive(1))
    assert torch.equal(origin.sort(1).values, torch.arange(9 * 12).expand(3, -1))
    assert not torch.equal(origin[0], origin[1])
    grey = pictures(2)
    both = GlassBlur()(grey.expand(2, 3, 28, 28), derive(0))
    assert torch.equal(both[:, :1], GlassBlur()(grey, derive(0)))


def test_motion_blur_along_a_row_is_a_one_sided_gaussian() -> None:
    x = torch.zeros(1, 1, 5, 40)
    x[..., 2, 30] = 1
    weights = np.exp(-0.5 * (np.arange(9) / 2) ** 2)
    expected = np.floor(255 * weights / weights.sum() + 0.002) / 255
    out = MotionBlur(radius=4, sigma=2, angle=0)(x, derive(0))[0, 0, 2]
    assert out.numpy()[30:21:-1] == pytest.approx(expected, abs=1e-6)
    assert out.count_nonzero() == (expected > 0).sum()


def test_fog_on_a_black_image_stays_black_and_is_alike_in_all_channels() -> None:
    assert not Fog()(torch.zeros(2, 1, 28, 28), derive(0)).any()
    white = Fog()(torch.ones(2, 3, 28, 28), derive(0))
    assert torch.equal(white[:, 0], white[:, 2])
    assert not torch.equal(white[0], white[1])


def test_plasma_spans_zero_to_one_on_the_whole_map() -> None:
    whole = plasma(3, 256, 256, 1.4, derive(0), like=torch.zeros(1))
    assert whole.amin((1, 2, 3)).tolist() == [0, 0, 0]
    assert whole.amax((1, 2, 3)).tolist() == [1, 1, 1]


def test_plasma_points_lie_within_the_noise_of_their_neighbours_mean() -> None:
    decay, like = 1.5, torch.zeros(1, dtype=torch.float64)
    whole = plasma(1, 256, 256, decay, derive(0), like=like)[0, 0]
    centres, corners = whole[1::2, 1::2], whole[::2, ::2]
    mean = (corners + corners.roll(-1, 0) + corners.roll(-1, 1) + corners.roll((-1, -1), (0, 1))) / 4
    last = (centres - mean).abs().max()
    coarse = whole[::2, ::2]
    centres, corners = coarse[1::2, 1::2], coarse[::2, ::2]
    mean = (corners + corners.roll(-1, 0) + corners.roll(-1, 1) + corners.roll((-1, -1), (0, 1))) / 4
    before = (centres - mean).abs().max()
    assert float(before / last) == pytest.approx(decay**2, rel=1e-2)  # maxima of thousands of uniform draws


def test_spatter_leaves_pixels_or_mixes_them_with_mud() -> None:
    out = Spatter()(torch.ones(20, 3, 28, 28), derive(0)) * 255
    muddy = out < 255
    assert bool((out[muddy] >= 63).all())
    assert bool((out[muddy] <= 255 * 0.2 + 63 * 0.8 + 0.5).all())
    assert torch.equal(muddy[:, 0], muddy[:, 1])


def test_dotted_line_is_dashed() -> None:
    out = DottedLine()(torch.zeros(50, 1, 28, 28), derive(0))
    lit = out.amax((0, 1, 2)) > 0
    assert lit.nonzero().flatten().tolist() == [c for c in range(27) if c % 4 >= 2]
    flat = DottedLine().line(torch.tensor([[5.0], [5.0]]), 28, 28)[0, :, 2]
    assert flat[4:7].tolist() == pytest.approx([1 + np.log(1 - 1 / 2.3), 1, 1 + np.log(1 - 1 / 2.3)])
    assert flat.count_nonzero() == 3


def test_zigzag_turns_at_its_points() -> None:
    drawn = Zigzag().pattern(torch.tensor([14.0]), 0, 28, 28)[0].clamp(0, 1)
    assert [int(drawn[:, c].argmax()) for c in (4, 8, 12, 16, 20)] == [16, 12, 16, 12, 16]
    assert not drawn[:, :2].any()
    assert not drawn[:, 25:].any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.7, 1.0, 1.6]))
def test_canny_agrees_with_scikit_image(seed: int, sigma: float) -> None:
    x = pictures(1, 1, 24, 31, seed=seed)
    image = x[0, 0].double().numpy()
    theirs = feature.canny(image, sigma, low_threshold=0.1, high_threshold=0.2)  # type: ignore[no-untyped-call]
    ours = CannyEdges(sigma=sigma)(x, derive(0))[0, 0].numpy() > 0.5
    assert (ours ^ theirs).sum() <= 0.01 * theirs.sum()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 4), st.integers(0, 1000))
def test_filters_agree_with_scipy(sigma: float, seed: int) -> None:
    x = pictures(1, 1, 17, 23, seed=seed).double()
    image = x[0, 0].numpy()
    nearest = gaussian(x, sigma)[0, 0].numpy()
    assert nearest == pytest.approx(ndimage.gaussian_filter(image, sigma, mode="nearest"), abs=1e-12)
    constant = gaussian(x, sigma, border="constant")[0, 0].numpy()
    assert constant == pytest.approx(ndimage.gaussian_filter(image, sigma, mode="constant"), abs=1e-12)
    one = gaussian(x, sigma, axes=(-2,))[0, 0].numpy()
    assert one == pytest.approx(ndimage.gaussian_filter1d(image, sigma, axis=0, mode="nearest"), abs=1e-12)
    for axis in (-2, -1):
        assert sobel(x, axis)[0, 0].numpy() == pytest.approx(ndimage.sobel(image, axis), abs=1e-12)
