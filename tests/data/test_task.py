from collections.abc import Callable
from pathlib import Path

import pytest

from assay.data import Images, load, load_task
from assay.errors import BadValueError, DamagedDataError, MissingDataError

WriteSet = Callable[..., tuple[Path, Path]]


def rows(images: Images) -> set[bytes]:
    return {image.numpy().tobytes() for image in images.x}


def test_mnist_with_its_outliers() -> None:
    task = load_task()
    assert task.train is not None
    assert task.validation is not None
    assert (len(task.train), len(task.validation), len(task.test)) == (55_000, 5_000, 10_000)
    assert task.test is load("mnist", "test")
    assert list(task.outliers) == ["fashion_mnist"]
    assert task.missing == {"kmnist": "KMNIST is not here; run `assay data fetch kmnist`"}
    assert task.limit is None


def test_nothing_is_missing_where_the_real_data_are(real_data: Path) -> None:
    task = load_task(folder=real_data, limit=50)
    assert list(task.outliers) == ["fashion_mnist", "kmnist"]
    assert task.missing == {}


@pytest.mark.parametrize("limit", [1, 100])
def test_a_limit_cuts_every_set(limit: int) -> None:
    task = load_task(limit=limit)
    assert task.train is not None
    assert task.validation is not None
    for images in (task.train, task.validation, task.test, *task.outliers.values()):
        assert len(images) == limit
    assert task.limit == limit
    again = load_task(limit=limit)
    assert again.test.fingerprint == task.test.fingerprint
    assert load_task(limit=limit, seed=1).test.fingerprint != task.test.fingerprint


@pytest.mark.parametrize("limit", [0, -3, 1.5])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(BadValueError, match="limit: expected a whole number >= 1"):
        load_task(limit=limit)


def test_a_small_set_of_ones_own_gives_a_sixth_to_validation(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "train", 40)
    write_set(tmp_path / "letters", "t10k", 9)
    write_set(tmp_path / "other", "t10k", 8)
    task = load_task("letters", outliers=("other", "letters"), folder=tmp_path)
    assert task.train is not None
    assert task.validation is not None
    assert (len(task.train), len(task.validation), len(task.test)) == (34, 6, 9)
    assert rows(task.train) | rows(task.validation) == rows(load("letters", "train", folder=tmp_path))
    assert list(task.outliers) == ["other"]  # a set is no anomaly to itself


def test_too_few_images_to_split_are_refused(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "train", 5)
    write_set(tmp_path / "letters", "t10k", 5)
    with pytest.raises(BadValueError, match="letters/train: expected at least 6 images to split, got 5"):
        load_task("letters", outliers=(), folder=tmp_path)


def test_sets_of_different_shapes_are_refused(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "train", 12, side=9)
    write_set(tmp_path / "letters", "t10k", 9, side=9)
    with pytest.raises(BadValueError, match=r"fashion_mnist/test: expected images of shape \(1, 9, 9\)"):
        load_task("letters", folder=tmp_path)


def test_a_damaged_outlier_set_is_not_passed_over(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "kmnist", "t10k", 5)
    with pytest.raises(DamagedDataError, match="differs from the published file"):
        load_task(folder=tmp_path, limit=5)


def test_an_unknown_outlier_set_is_refused() -> None:
    with pytest.raises(BadValueError, match="kminst: no such data set; did you mean kmnist"):
        load_task(outliers=("kminst",), limit=5)


def test_a_training_set_that_is_not_here_is_said() -> None:
    with pytest.raises(MissingDataError, match="Fashion-MNIST's training set is not here"):
        load_task("fashion_mnist")


def test_outliers_to_train_on_are_other_images_than_those_to_test_on() -> None:
    task = load_task(exposure=("fashion_mnist",), outliers=("fashion_mnist",), limit=50)
    assert task.exposure["fashion_mnist"].name == "fashion_mnist/outliers"
    assert len(task.exposure["fashion_mnist"]) == 50


def test_a_set_is_not_its_own_outliers() -> None:
    with pytest.raises(BadValueError, match="mnist: cannot be its own outliers; choose another source"):
        load_task("mnist", exposure=("mnist",), limit=5)


def test_outliers_to_train_on_that_are_not_here_are_told(tmp_path: Path) -> None:
    task = load_task(exposure=("fashion_mnist", "kmnist"), outliers=(), folder=tmp_path, limit=5)
    assert set(task.exposure) == {"fashion_mnist"}
    assert set(task.unexposed) == {"kmnist"}
    assert "assay data fetch kmnist" in task.unexposed["kmnist"]
    assert task.missing == {}
