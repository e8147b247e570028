"""Glyphs: strokes like MNIST's in figures, none empty or cut, and none of a letter that looks like a digit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.morphology import skeletonize
from torch import Tensor

from assay.data import Images, generated, load, sample
from assay.data.generated.glyphs import BOX, FRAME, centred, drawn
from assay.data.generated.letters import ALIKE, BY_EYE, LETTERS, SCRIPTS, boxed, strokes

pytest.importorskip("matplotlib", reason="glyphs are drawn from a font that matplotlib brings")

INK = 25  # a tenth of white


def blank(count: int, channels: int = 1, height: int = FRAME, width: int = FRAME) -> Images:
    x = torch.zeros(count, channels, height, width, dtype=torch.uint8)
    return Images(name="some/test", x=x, y=torch.zeros(count, dtype=torch.int64), classes=("a",))


@pytest.fixture(scope="module")
def made() -> Tensor:
    return generated("glyphs", blank(600)).x[:, 0]


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return sample(load("mnist", "test"), 600).x[:, 0]


@settings(max_examples=20)
@given(count=st.integers(1, 4), channels=st.sampled_from((1, 3)), height=st.integers(8, 70), width=st.integers(8, 70))
def test_any_shape(count: int, channels: int, height: int, width: int) -> None:
    like = blank(count, channels, height, width)
    x = generated("glyphs", like).x
    assert x.shape == like.x.shape
    assert bool((x.flatten(1).amax(1) - x.flatten(1).amin(1) >= 100).all())  # none is empty


def test_the_same_from_a_seed() -> None:
    one, two = generated("glyphs", blank(40)), generated("glyphs", blank(40), seed=1)
    assert generated("glyphs", blank(40)).fingerprint == one.fingerprint
    assert two.fingerprint != one.fingerprint
    assert len({image.numpy().tobytes() for image in torch.cat([one.x, two.x])}) == 80


thin: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]] = skeletonize


def extents(x: Tensor) -> tuple[Tensor, Tensor]:
    """Width and height of each image's ink."""
    found = []
    for axis in (1, 2):
        inked = (x > INK).any(axis).int()
        found.append(inked.shape[1] - inked.argmax(1) - inked.flip(1).argmax(1))
    return found[0], found[1]


def test_ink_fits_mnists_box_and_none_is_cut(made: Tensor) -> None:
    width, height = extents(made)
    longer = torch.maximum(width, height)
    assert int(longer.max()) <= BOX
    assert int(longer.min()) >= BOX - 2
    assert bool(((made > 200).flatten(1).sum(1) >= 10).all())


def test_centres_of_mass_are_in_the_middle(made: Tensor, digits: Tensor) -> None:
    for axis in (1, 2):
        places = torch.arange(FRAME).double()
        ours, theirs = ((x.double().sum(axis) * places).sum(1) / x.double().sum((1, 2)) for x in (made, digits))
        assert float(ours.mean()) == pytest.approx(float(theirs.mean()), abs=0.1)
        assert float((ours - FRAME / 2).abs().median()) < 0.35  # moved by whole pixels, as MNIST's are


def test_ink_and_strokes_are_like_mnists(made: Tensor, digits: Tensor) -> None:
    """Mean grey within a fifth of MNIST's, ink per length of middle line within a tenth, in mean and in spread."""
    assert float(made.double().mean()) == pytest.approx(float(digits.double().mean()), rel=0.2)
    ours, theirs = (
        torch.tensor([float(image.sum()) / 255 / max(1, thin(image.numpy() > 127).sum()) for image in x])
        for x in (made, digits)
    )
    assert float(ours.mean()) == pytest.approx(float(theirs.mean()), rel=0.1)
    assert float(ours.std()) == pytest.approx(float(theirs.std()), rel=0.2)
    greys = [float(((x > INK) & (x < 230)).sum() / (x > INK).sum()) for x in (made, digits)]
    assert greys[0] == pytest.approx(greys[1], abs=0.1)


def test_twice_the_size_is_the_same_picture() -> None:
    points = boxed(torch.rand(1, 30, 2, generator=torch.Generator().manual_seed(0))) * 15 + 14
    pen, edge = torch.tensor([3.0]), torch.tensor([1.5])
    small = drawn(points, pen, edge, (28, 28), 1.0)
    large = torch.nn.functional.avg_pool2d(drawn(points, pen, edge, (112, 112), 4.0), 4)
    assert float((small - large).abs().max()) < 0.2  # a pixel's middle stands for its area
    assert float((small - large).mean().abs()) < 0.005


def test_ink_is_the_area_of_a_pen() -> None:
    """A single point is a disc of the pen's width: its ink is the disc's area, whatever the edge, but for its curve."""
    ink = drawn(torch.full((1, 1, 2), 56.0), torch.tensor([40.0]), torch.tensor([1.0]), (112, 112), 1.0)
    assert float(ink.sum()) == pytest.approx(3.14159 * 20**2, rel=0.005)


def test_centred_moves_ink_and_keeps_all_of_it() -> None:
    ink = torch.zeros(2, 1, 9, 9)
    ink[0, 0, 1, 2] = 1
    ink[1, 0, 0, :] = 0.1
    ink[1, 0, 0, 0] = 1  # a bar across the image cannot be moved sideways
    found = centred(ink)
    assert found[0, 0].nonzero().tolist() == [[4, 4]]
    assert torch.equal(found[1, 0, 4], ink[1, 0, 0])
    assert float(found.sum()) == pytest.approx(float(ink.sum()))


def test_letters_are_those_that_look_like_no_digit() -> None:
    """The rule of `letters`, computed anew: plain drawings against MNIST's test images."""
    every = "".join(SCRIPTS.values())
    x = load("mnist", "test").x.flatten(1).float()
    digits = torch.nn.functional.normalize(x - x.mean(1, keepdim=True))
    likeness = torch.zeros(len(every))
    found = strokes(every)
    for slant in (-0.25, 0.0, 0.25):
        drawings = []
        for points in found:
            right, down = points.unbind(1)
            fitted = boxed(torch.stack([right - slant * down, down], 1)[None]) * 17 + 14
            drawings.append(drawn(fitted, torch.tensor([2.5]), torch.tensor([1.2]), (28, 28), 1.0))
        plain = centred(torch.cat(drawings)).flatten(1)
        plain = torch.nn.functional.normalize(plain - plain.mean(1, keepdim=True))
        likeness = torch.maximum(likeness, (plain @ digits.T).topk(10, 1).values[:, 9])
    rounding = 0.002  # of other versions of the font and of libraries
    for letter, value in zip(every, likeness.tolist(), strict=True):
        assert value < ALIKE + rounding if letter in LETTERS + BY_EYE else value > ALIKE - rounding, letter
    assert not set(LETTERS) & set("ОоΟοЗзВΒІΙՕօסЧчбБ")  # such as these
    assert len(LETTERS) == len(set(LETTERS)) > 100
