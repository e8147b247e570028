"""Images are checked when they enter."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.data import Images
from assay.errors import BadValueError


def make(n: int = 6, name: str = "set", classes: tuple[str, ...] = ("a", "b", "c")) -> Images:
    x = torch.arange(n * 2 * 3 * 4).remainder(256).to(torch.uint8).view(n, 2, 3, 4)
    return Images(name=name, x=x, y=torch.arange(n) % 3, classes=classes)


def test_properties() -> None:
    images = make()
    assert (len(images), images.n_classes, images.shape) == (6, 3, (2, 3, 4))


def test_take_keeps_pixels_labels_and_classes_together() -> None:
    images = make()
    some = images.take(torch.tensor([4, 0]), name="some")
    assert torch.equal(some.x, images.x[[4, 0]])
    assert some.y.tolist() == [1, 0]
    assert (some.name, some.classes) == ("some", images.classes)
    assert images.take(slice(2)).name == "set"
    with pytest.raises(BadValueError, match="empty set"):
        images.take(slice(0))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(2, 3, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), "x: expected uint8"),
        (torch.zeros(2, 1, 3, 4), torch.zeros(2, dtype=torch.int64), "Images.from_floats takes floats"),
        (torch.zeros(0, 1, 3, 4, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64), "empty set"),
        (torch.zeros(2, 1, 3, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), r"y: expected int64 \(2,\)"),
        (torch.zeros(2, 1, 3, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int32), "y: expected int64"),
        (torch.zeros(2, 1, 3, 4, dtype=torch.uint8), torch.tensor([0, 2]), "labels in 0..1"),
        (torch.zeros(2, 1, 3, 4, dtype=torch.uint8), torch.tensor([-1, 0]), "got labels from -1 to 0"),
    ],
)
def test_bad_sets_are_refused(x: torch.Tensor, y: torch.Tensor, message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        Images(name="set", x=x, y=y, classes=("a", "b"))


@given(level=st.integers(0, 255))
def test_eight_bits_survive_the_way_through_floats(level: int) -> None:
    x = torch.full((1, 1, 2, 2), level / 255)
    assert set(Images.from_floats(x, torch.tensor([0])).x.flatten().tolist()) == {level}


def test_from_floats_names_classes_and_rounds() -> None:
    x = torch.tensor([0.0, 0.4 / 255, 0.6 / 255, 1.0], dtype=torch.float64).view(1, 1, 2, 2)
    images = Images.from_floats(x, torch.tensor([2], dtype=torch.int32))
    assert images.x.flatten().tolist() == [0, 0, 1, 255]
    assert images.classes == ("0", "1", "2")
    assert Images.from_floats(x, torch.tensor([0]), classes=("cat", "dog")).classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.full((1, 1, 2, 2), 1.5), torch.tensor([0]), r"expected values in \[0, 1\]"),
        (torch.full((1, 1, 2, 2), torch.nan), torch.tensor([0]), "got NaN"),
        (torch.full((1, 1, 2, 2), 255, dtype=torch.uint8), torch.tensor([0]), "x: expected floats"),
        (torch.ones(1, 1, 2, 2), torch.tensor([0.5]), "y: expected whole numbers"),
        (torch.ones(0, 1, 2, 2), torch.tensor([], dtype=torch.int64), "empty set"),
        (torch.ones(1, 2, 2), torch.tensor([0]), "x: expected uint8"),
    ],
)
def test_bad_floats_are_refused(x: torch.Tensor, y: torch.Tensor, message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        Images.from_floats(x, y)


def test_the_fingerprint_knows_pixels_labels_shape_and_classes_alone() -> None:
    images = make()
    brighter, relabelled = images.x.clone(), images.y.flip(0)
    brighter[5, 1, 2, 3] += 1
    others = [
        Images(name="set", x=brighter, y=images.y, classes=images.classes),
        Images(name="set", x=images.x, y=relabelled, classes=images.classes),
        Images(name="set", x=images.x.view(6, 2, 4, 3), y=images.y, classes=images.classes),
        make(classes=("a", "b", "d")),
        images.take(slice(5)),
    ]
    assert len({images.fingerprint, *(other.fingerprint for other in others)}) == 6
    assert make(name="other").fingerprint == images.fingerprint


def test_the_fingerprint_does_not_depend_on_memory_order() -> None:
    images = make()
    turned = images.x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert not turned.is_contiguous()
    same = Images(name="set", x=turned, y=images.y, classes=images.classes)
    assert same.fingerprint == images.fingerprint
