import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from assay.data import load_mnist_c, mnist_c
from assay.data.places import cache_folder
from assay.errors import BadValueError, DamagedDataError, MissingDataError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9], dtype=np.int64)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def write_archive(path: Path, monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    monkeypatch.setattr(mnist_c, "MD5", hashlib.md5(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("from_cache", [False, True])
def test_reads_a_set_from_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_cache: bool) -> None:
    place = cache_folder() if from_cache else tmp_path
    members = {"mnist_c/fog/test_images.npy": npy(PIXELS), "mnist_c/fog/test_labels.npy": npy(LABELS)}
    write_archive(place / "mnist_c" / "mnist_c.zip", monkeypatch, members)
    images = load_mnist_c("fog", folder=None if from_cache else tmp_path)
    assert images.name == "mnist_c/fog"
    assert images.x.shape == (6, 1, 28, 28)
    assert np.array_equal(images.x[:, 0].numpy(), PIXELS[..., 0])
    assert torch.equal(images.y, torch.tensor([3, 1, 4, 1, 5, 9]))
    assert images.n_classes == 10


def test_an_archive_with_another_checksum_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "mnist_c" / "mnist_c.zip"
    path.parent.mkdir()
    path.write_bytes(b"PK")
    with pytest.raises(DamagedDataError, match="delete it and run `assay data fetch mnist_c`"):
        load_mnist_c("fog", folder=tmp_path)


def test_a_pickle_in_the_archive_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([object], dtype=object), allow_pickle=True)
    write_archive(tmp_path / "mnist_c" / "mnist_c.zip", monkeypatch, {"mnist_c/fog/test_images.npy": stream.getvalue()})
    with pytest.raises(DamagedDataError, match=r"mnist_c/fog/test_images\.npy cannot be read"):
        load_mnist_c("fog", folder=tmp_path)


def test_a_member_that_is_not_there_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_archive(tmp_path / "mnist_c" / "mnist_c.zip", monkeypatch, {})
    with pytest.raises(DamagedDataError, match=r"mnist_c/identity/test_images\.npy cannot be read"):
        load_mnist_c("identity", folder=tmp_path)


def test_missing_names_the_remedy() -> None:
    with pytest.raises(MissingDataError) as caught:
        load_mnist_c("fog")
    assert str(caught.value) == "MNIST-C is not here; run `assay data fetch mnist_c`"


def test_an_unknown_corruption_is_refused() -> None:
    with pytest.raises(BadValueError, match="did you mean fog"):
        load_mnist_c("frog")
