"""One class against the rest: rotations by hand, and which images go where."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from assay.data import Images, Task, load_task, one_class
from assay.data.one_class import turned
from assay.errors import BadValueError, MissingDataError


def test_turned_counter_clockwise() -> None:
    x = torch.tensor([[1, 2], [3, 4]])[None, None]
    expected = {0: [[1, 2], [3, 4]], 1: [[2, 4], [1, 3]], 2: [[4, 3], [2, 1]], 3: [[3, 1], [4, 2]]}
    for quarters, image in expected.items():
        assert turned(x, quarters)[0, 0].tolist() == image


def images(name: str, labels: list[int], channels: int = 1) -> Images:
    """Images (N, C, 2, 2) of which no two are alike: the first pixel is the image's number, the others tell corners."""
    x = torch.zeros(len(labels), channels, 2, 2, dtype=torch.uint8)
    x[:, :, 0, 0] = torch.arange(len(labels), dtype=torch.uint8)[:, None] + 1
    x[:, :, 0, 1], x[:, :, 1, 0] = 100, 200
    return Images(name=name, x=x, y=torch.tensor(labels), classes=("cat", "dog", "owl"))


@pytest.fixture
def task() -> Task:
    return Task(
        name="toy",
        train=images("toy/train", [0, 1, 2, 1], channels=3),
        validation=images("toy/validation", [1, 0, 2], channels=3),
        test=images("toy/test", [2, 1, 0, 0, 1], channels=3),
    )


def test_labels_are_rotations_of_images_of_the_class(task: Task) -> None:
    found = one_class(task, 1)
    assert found.train is not None
    assert found.train.classes == ("0", "90", "180", "270")
    assert found.train.y.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    by_hand = {0: [[2, 100], [200, 0]], 1: [[100, 0], [2, 200]], 2: [[0, 200], [100, 2]], 3: [[200, 2], [0, 100]]}
    for rotation, image in by_hand.items():  # of the second training image, the first dog, in each colour channel
        own = found.train.x[found.train.y == rotation]
        assert own[0].tolist() == [image] * 3
    assert len(found.train) == 4 * 2
    assert found.validation is not None
    assert found.validation.x[:, 0].amin(dim=(1, 2)).tolist() == [0] * 4
    assert found.validation.y.tolist() == [0, 1, 2, 3]


def test_inside_is_upright_and_the_rest_are_all_other_classes(task: Task) -> None:
    found = one_class(task, 1)
    assert found.inside is not None
    assert found.inside.x[:, 0, 0, 0].tolist() == [2, 5]  # the second and the fifth test image
    assert found.inside.y.tolist() == [0, 0]
    assert found.test.y.tolist() == [0, 1]  # each image once, in turns
    assert torch.equal(found.test.x[0], found.inside.x[0])
    assert torch.equal(found.test.x[1], found.inside.x[1].rot90(1, dims=(1, 2)))
    assert list(found.outliers) == ["rest"]
    assert found.outliers["rest"].x[:, 0, 0, 0].tolist() == [1, 3, 4]
    assert found.outliers["rest"].y.tolist() == [2, 0, 0]
    assert found.outliers["rest"].classes == ("cat", "dog", "owl")


def rows(x: Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in x}


def test_no_test_image_is_trained_on(tiny_folder: Path) -> None:
    whole = load_task("tiny", outliers=(), folder=tiny_folder)
    for kept in range(3):
        found = one_class(whole, kept)
        assert found.train is not None
        assert found.validation is not None
        assert found.inside is not None
        seen = rows(found.train.x) | rows(found.validation.x)
        tested = rows(found.test.x) | rows(found.inside.x) | rows(found.outliers["rest"].x)
        assert not seen & tested
        assert not rows(found.train.x) & rows(found.validation.x)
        assert len(found.inside) + len(found.outliers["rest"]) == len(whole.test)
        names = [part.name for part in (found.train, found.validation, found.test, found.inside)]
        assert names == [f"tiny-{kept}/{name}" for name in ("train", "validation", "test", "inside")]


def test_other_outlier_sets_stay(task: Task) -> None:
    other = images("other/test", [0], channels=3)
    assert one_class(replace(task, outliers={"other": other}), 0).outliers["other"] is other


def test_refused(task: Task) -> None:
    with pytest.raises(BadValueError, match=r"there is no class 3; expected 0 to 2"):
        one_class(task, 3)
    with pytest.raises(MissingDataError, match="no training images"):
        one_class(replace(task, train=None), 0)
    few = replace(task, validation=images("toy/validation", [0, 0], channels=3))
    with pytest.raises(BadValueError, match="toy/validation: expected images of class dog, got none"):
        one_class(few, 1)
    alone = replace(task, test=images("toy/test", [1, 1], channels=3))
    with pytest.raises(BadValueError, match="expected images of a class other than dog"):
        one_class(alone, 1)
    with pytest.raises(BadValueError, match='other than "rest"'):
        one_class(replace(task, outliers={"rest": task.test}), 0)
    flat = replace(task.test, x=task.test.x[:, :, :1])
    with pytest.raises(BadValueError, match="expected square images"):
        one_class(replace(task, test=flat), 0)
