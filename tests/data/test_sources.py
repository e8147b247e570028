import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from assay.data import load
from assay.data.known import KNOWN
from assay.data.places import EMBEDDED, Found, cache_folder, find
from assay.errors import BadValueError, DamagedDataError, MissingDataError

WriteSet = Callable[..., tuple[Path, Path]]

# Labels per class of MNIST: the counts that the literature gives, which also follow from the published files.
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def located(name: str, split: str, folder: Path | None = None) -> Found:
    found = find(name, split, folder)
    assert found is not None
    return found


def copy_embedded(place: Path, name: str, split: str, *, level: int = 1) -> None:
    """Copy a split's embedded files, recompressed."""
    found = located(name, split)
    place.mkdir(parents=True)
    for path in (found.images, found.labels):
        (place / path.name).write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), level))


@pytest.mark.parametrize(("split", "counts"), [("train", MNIST_TRAIN), ("test", MNIST_TEST)])
def test_mnist_is_embedded(split: str, counts: list[int]) -> None:
    images = load("mnist", split)
    assert images.name == f"mnist/{split}"
    assert images.x.shape == (sum(counts), 1, 28, 28)
    assert torch.bincount(images.y).tolist() == counts
    assert images.classes == tuple("0123456789")


def test_mnist_means_are_the_known_ones() -> None:
    pixels = load("mnist", "train").x.float() / 255
    assert float(pixels.mean()) == pytest.approx(0.1307, abs=5e-5)  # the constants that everyone normalises by
    assert float(pixels.std()) == pytest.approx(0.3081, abs=5e-5)


def test_fashion_mnist_test_and_outliers_are_embedded() -> None:
    test, outliers = load("fashion_mnist", "test"), load("fashion_mnist", "outliers")
    assert torch.bincount(test.y).tolist() == [1000] * 10
    assert outliers.x.shape == (10_000, 1, 28, 28)
    assert test.classes[0] == "T-shirt/top"
    assert test.classes[9] == "Ankle boot"


def test_nothing_of_kmnist_is_embedded() -> None:
    assert {path.parent.name for path in EMBEDDED.rglob("*.gz")} == {"mnist", "fashion_mnist"}


def test_embedded_files_hold_the_published_bytes() -> None:
    for path in EMBEDDED.rglob("*.gz"):
        payload = gzip.decompress(path.read_bytes())
        assert hashlib.md5(payload).hexdigest() == KNOWN[path.parent.name].files[path.name.removesuffix(".gz")].idx
        assert path.read_bytes()[4:8] == bytes(4), "a gzip header with a time is not reproducible"
        assert path.read_bytes()[3] == 0, "a gzip header with a name is not reproducible"


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_embedded_outliers_start_the_real_training_set(real_data: Path, file: str) -> None:
    kind = file.removeprefix("train")
    header = 16 if "images" in file else 8
    real = gzip.decompress((real_data / "fashion_mnist" / f"{file}.gz").read_bytes())[header:]
    ours = gzip.decompress((EMBEDDED / "fashion_mnist" / f"outliers{kind}.gz").read_bytes())[header:]
    assert len(ours) == 10_000 * (784 if "images" in file else 1)
    assert real.startswith(ours)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_checksums_are_those_of_the_real_files(real_data: Path, name: str) -> None:
    checked = 0
    for file, checksums in KNOWN[name].files.items():
        path = real_data / name / f"{file}.gz"
        if path.is_file():
            content = path.read_bytes()
            assert hashlib.md5(content).hexdigest() == checksums.gz
            assert hashlib.md5(gzip.decompress(content)).hexdigest() == checksums.idx
            checked += 1
    assert checked >= 2


def test_real_kmnist_loads(real_data: Path) -> None:
    images = load("kmnist", "test", folder=real_data)
    assert torch.bincount(images.y).tolist() == [1000] * 10
    assert images.classes[-1] == "wo"


def test_outliers_of_mnist_are_its_first_training_images() -> None:
    train, outliers = load("mnist", "train"), load("mnist", "outliers")
    assert torch.equal(outliers.x, train.x[:10_000])
    assert torch.equal(outliers.y, train.y[:10_000])
    assert outliers.x.untyped_storage().nbytes() == 10_000 * 784  # does not hold the other 50,000


def test_loading_again_reads_nothing() -> None:
    assert load("mnist", "test") is load("mnist", "test")


def test_the_folder_comes_first_then_the_cache_then_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert located("mnist", "test").source == "embedded"
    copy_embedded(cache_folder() / "mnist", "mnist", "test")
    assert located("mnist", "test").source == "cache"
    copy_embedded(tmp_path / "named" / "mnist", "mnist", "test")
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "named"))
    assert located("mnist", "test").images.is_relative_to(tmp_path / "named")
    copy_embedded(tmp_path / "given" / "mnist", "mnist", "test")
    found = located("mnist", "test", tmp_path / "given")
    assert found.source == "folder"
    assert found.images.is_relative_to(tmp_path / "given")  # the argument goes before ASSAY_DATA
    assert located("mnist", "train").source == "embedded"  # what the folder lacks comes from elsewhere


def test_who_compressed_the_files_does_not_matter(tmp_path: Path) -> None:
    copy_embedded(tmp_path / "mnist", "mnist", "test", level=0)
    found = load("mnist", "test", folder=tmp_path)
    assert torch.equal(found.x, load("mnist", "test").x)
    path = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    path.unlink()
    assert load("mnist", "test", folder=tmp_path).fingerprint == found.fingerprint


def test_an_altered_file_is_damaged_even_after_it_was_read(tmp_path: Path) -> None:
    copy_embedded(tmp_path / "mnist", "mnist", "test")
    load("mnist", "test", folder=tmp_path)
    path = tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz"
    payload = bytearray(gzip.decompress(path.read_bytes()))
    payload[8] ^= 1
    path.write_bytes(gzip.compress(payload))
    with pytest.raises(DamagedDataError, match="delete it and run `assay data fetch mnist`") as caught:
        load("mnist", "test", folder=tmp_path)
    assert str(path) in str(caught.value)


def test_a_file_whose_content_was_never_published_must_be_the_published_gz(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "kmnist", "train", 20)
    with pytest.raises(DamagedDataError, match="expected bdb82020997e1d708af4cf47b453dcf7"):
        load("kmnist", "train", folder=tmp_path)


def test_images_without_labels_are_damage(tmp_path: Path, write_set: WriteSet) -> None:
    _, labels = write_set(tmp_path / "mnist", "t10k", 5)
    labels.unlink()
    with pytest.raises(DamagedDataError, match=r"expected t10k-labels-idx1-ubyte beside it"):
        load("mnist", "test", folder=tmp_path)


def test_half_a_pair_in_the_cache_is_an_interrupted_fetch(write_set: WriteSet) -> None:
    images, _ = write_set(cache_folder() / "kmnist", "t10k", 5)
    images.unlink()
    with pytest.raises(MissingDataError, match="run `assay data fetch kmnist`"):
        load("kmnist", "test")


@pytest.mark.parametrize("split", ["train", "test", "outliers"])
def test_a_missing_set_names_the_remedy(split: str) -> None:
    with pytest.raises(MissingDataError) as caught:
        load("kmnist", split)
    assert str(caught.value) == "KMNIST is not here; run `assay data fetch kmnist`"


def test_a_missing_training_set_is_told_apart() -> None:
    with pytest.raises(MissingDataError) as caught:
        load("fashion_mnist", "train")
    assert str(caught.value) == "Fashion-MNIST's training set is not here; run `assay data fetch fashion_mnist`"


@pytest.mark.parametrize("name", ["mnits", "../mnist", "/etc", "", "."])
def test_an_unknown_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadValueError, match="no such data set"):
        load(name, "test", folder=tmp_path)


def test_near_names_are_offered(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "t10k", 3)
    with pytest.raises(BadValueError, match=r"did you mean .*mnist"):
        load("mnits", "test")
    with pytest.raises(BadValueError, match="did you mean letters"):
        load("leters", "test", folder=tmp_path)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(BadValueError, match="split: expected one of train, test, outliers, got 'validation'"):
        load("mnist", "validation")


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_folder_that_does_not_exist_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_environment: bool
) -> None:
    if by_environment:
        monkeypatch.setenv("ASSAY_DATA", str(tmp_path / "none"))
    with pytest.raises(BadValueError, match="none: no such folder"):
        load("mnist", "test", folder=None if by_environment else tmp_path / "none")


def test_own_data_is_loaded_with_numbered_classes(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "train", 12, labels=[0, 1, 2] * 4, side=7, gz=False)
    write_set(tmp_path / "letters", "t10k", 4, labels=[0, 1, 0, 1], side=7)
    train, test = (load("letters", split, folder=tmp_path) for split in ("train", "test"))
    assert train.classes == test.classes == ("0", "1", "2")
    assert train.shape == (1, 7, 7)
    assert torch.equal(load("letters", "outliers", folder=tmp_path).x, train.x)


def test_own_labels_outside_the_training_classes_are_refused(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "train", 12, labels=[0, 1, 2] * 4)
    write_set(tmp_path / "letters", "t10k", 4, labels=[0, 1, 3, 1])
    with pytest.raises(BadValueError, match=r"letters/test: y: expected labels in 0\.\.2 \(3 classes\)"):
        load("letters", "test", folder=tmp_path)


def test_own_test_set_alone_counts_its_own_classes(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "t10k", 4, labels=[0, 1, 3, 1])
    assert load("letters", "test", folder=tmp_path).n_classes == 4
    with pytest.raises(MissingDataError, match=r"letters/train is not here; put train-images-idx3-ubyte\.gz"):
        load("letters", "train", folder=tmp_path)


def test_own_data_comes_from_the_folder_alone(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "t10k", 4)
    write_set(cache_folder() / "letters", "train", 40)
    with pytest.raises(MissingDataError, match="letters/train is not here"):
        load("letters", "train", folder=tmp_path)


def test_own_labels_of_another_count_are_damage(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "t10k", 4, labels=[0, 1, 1])
    with pytest.raises(DamagedDataError, match="3 labels for 4 images"):
        load("letters", "test", folder=tmp_path)
