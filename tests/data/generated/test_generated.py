"""Generated sets: each against what it says of itself."""

import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from skimage.filters import gaussian

from assay.data import Images, generated, kind_of, load, load_task, sample
from assay.data.generated import CHUNK, GENERATED, letters
from assay.errors import BadValueError, MissingDataError
from assay.pictures import mixing_pictures

NEEDLESS = sorted(set(GENERATED) - {"glyphs"})  # glyphs have a file of their own, since they need matplotlib


def images(count: int, channels: int = 1, height: int = 12, width: int = 12) -> Images:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (count, channels, height, width), generator=generator, dtype=torch.uint8)
    return Images(name="some/test", x=x, y=torch.arange(count) % 2, classes=("a", "b"))


@pytest.mark.parametrize("name", NEEDLESS)
@settings(max_examples=8)
@given(
    count=st.integers(1, 5), channels=st.sampled_from((1, 3, 4)), height=st.integers(4, 40), width=st.integers(4, 40)
)
def test_any_shape(name: str, count: int, channels: int, height: int, width: int) -> None:
    like = images(count, channels, height, width)
    before = like.x.clone()
    made = generated(name, like)
    assert made.x.shape == like.x.shape
    assert made.x.dtype == torch.uint8
    assert made.name == f"{name}/test"
    assert torch.equal(like.x, before)


@pytest.mark.parametrize("name", NEEDLESS)
def test_the_same_from_a_seed_whatever_ran_before(name: str) -> None:
    like = images(CHUNK + 20)
    first = generated(name, like)
    torch.rand(3)
    assert generated(name, like).fingerprint == first.fingerprint
    if name != "inverted":
        assert generated(name, like, seed=1).fingerprint != first.fingerprint
        assert len({image.numpy().tobytes() for image in first.x}) == len(like)  # the second chunk is another one


def test_uniform_noise_is_uniform() -> None:
    values = generated("uniform_noise", images(40, 3, 28, 28)).x.double() / 255
    assert stats.kstest(values.flatten().numpy(), "uniform").statistic < 0.01
    assert abs(float(torch.corrcoef(torch.stack([values[..., 1:].flatten(), values[..., :-1].flatten()]))[0, 1])) < 0.01


def test_gaussian_noise_is_normal_and_clipped() -> None:
    values = generated("gaussian_noise", images(40, 3, 28, 28)).x
    tail = stats.norm.cdf(-1)  # of N(0.5, 0.5^2) below 0, as much as above 1; rounding widens both by half a level
    assert float((values == 0).double().mean()) == pytest.approx(stats.norm.cdf(-1 + 0.5 / 127.5), abs=0.005)
    inside = values[(values > 0) & (values < 255)].double() / 255
    expected = stats.norm(0.5, 0.5)
    for level in (0.25, 0.5, 0.75):
        wanted = (expected.cdf(level) - tail) / (1 - 2 * tail)
        assert float((inside < level).double().mean()) == pytest.approx(wanted, abs=0.01)


def test_blobs_are_black_or_light_in_whole_patches() -> None:
    x = generated("blobs", images(60, 1, 28, 28)).x
    assert not bool(((x > 0) & (x < 191)).any())  # 0.75 * 255 = 191.25
    light = x > 0
    # The share of light pixels: simulated by scikit-image's filter with numpy's draws.
    blur: Callable[..., np.ndarray[Any, Any]] = gaussian
    rng = np.random.default_rng(0)
    by_hand = [blur((rng.random((28, 28)) < 0.7).astype(float), sigma=1.5) >= 0.75 for _ in range(400)]
    assert float(light.double().mean()) == pytest.approx(np.mean(by_hand), abs=0.02)
    alike = float((light[..., 1:] == light[..., :-1]).double().mean())
    assert alike == pytest.approx(np.mean([field[:, 1:] == field[:, :-1] for field in by_hand]), abs=0.02)


def test_channels_of_blobs_are_independent() -> None:
    light = (generated("blobs", images(60, 3, 28, 28)).x > 0).double()
    assert abs(float(torch.corrcoef(light.transpose(0, 1).flatten(1))[0, 1])) < 0.03


def test_inverted_and_back() -> None:
    like = images(7)
    once = generated("inverted", like)
    assert torch.equal(once.x, 255 - like.x)
    assert torch.equal(generated("inverted", once).x, like.x)


def test_shuffled_patches_are_the_same_patches_elsewhere() -> None:
    like = images(5, 3, 28, 28)
    made = generated("shuffled_patches", like)
    for before, after in zip(like.x, made.x, strict=True):
        old, new = (
            sorted(image[:, 7 * i : 7 * i + 7, 7 * j : 7 * j + 7].numpy().tobytes() for i in range(4) for j in range(4))
            for image in (before, after)
        )
        assert old == new
        assert not torch.equal(before, after)


def test_images_too_small_to_cut_are_refused() -> None:
    with pytest.raises(BadValueError, match="grid: expected at most 3"):
        generated("shuffled_patches", images(2, 1, 3, 9))


def test_fractals_are_none_that_models_are_trained_on() -> None:
    made = {image.numpy().tobytes() for image in generated("fractals", images(60, 1, 28, 28)).x}
    for seed in (0, 1):  # of PixMix, and of the outliers to train on
        assert not made & {image.numpy().tobytes() for image in mixing_pictures(90, (1, 28, 28), seed=seed)}


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(BadValueError, match="blob: no such generated set; did you mean blobs"):
        generated("blob", images(2))


def test_beside_a_task() -> None:
    task = load_task(outliers=("inverted", "blobs", "fashion_mnist"), limit=30)
    assert list(task.outliers) == ["inverted", "blobs", "fashion_mnist"]
    assert torch.equal(task.outliers["inverted"].x, 255 - task.test.x)
    assert len(task.outliers["blobs"]) == 30
    assert task.missing == {}
    again = load_task(outliers=("blobs",), limit=30)
    assert again.outliers["blobs"].fingerprint == task.outliers["blobs"].fingerprint
    assert (
        load_task(outliers=("blobs",), limit=30, seed=1).outliers["blobs"].fingerprint
        != again.outliers["blobs"].fingerprint
    )


def test_a_folder_of_the_same_name_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "blobs").symlink_to(tiny_folder / "tiny")
    (tmp_path / "tiny").symlink_to(tiny_folder / "tiny")
    with pytest.raises(BadValueError, match="blobs: is the name of a generated set, and of a set of your own"):
        load_task("tiny", outliers=("blobs",), folder=tmp_path)
    assert len(load("blobs", "test", folder=tmp_path)) == 60  # as a set of one's own it can be used as before
    assert load_task("tiny", outliers=("inverted",), folder=tmp_path).outliers["inverted"].shape == (1, 28, 28)


def test_a_generated_set_has_no_files() -> None:
    with pytest.raises(BadValueError, match=r'blobs: is generated beside a test set.*generated\("blobs", images\)'):
        load("blobs", "test")
    with pytest.raises(BadValueError, match="blobs: is generated"):
        load_task(outliers=(), exposure=("blobs",), limit=5)


def test_glyphs_without_a_font_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    letters.strokes.cache_clear()
    task = load_task(outliers=("glyphs", "blobs"), limit=5)
    assert list(task.outliers) == ["blobs"]
    assert task.missing == {"glyphs": letters.MISSING}
    assert "`pip install matplotlib`" in letters.MISSING
    with pytest.raises(MissingDataError, match="pip install matplotlib"):
        GENERATED["glyphs"].check()


def test_kinds() -> None:
    assert kind_of("kmnist") == kind_of("glyphs") == "near"
    assert kind_of("fashion_mnist") == kind_of("uniform_noise") == "far"
    assert kind_of("mine") is None


def test_a_key_sees_the_images_not_the_name_alone() -> None:
    like = sample(load("mnist", "test"), 20)
    one = generated("inverted", like)
    x = like.x.clone()
    x[0, 0, 0, 0] += 1
    assert generated("inverted", dataclasses.replace(like, x=x)).fingerprint != one.fingerprint
