import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.data import status, verify
from assay.data.generated import GENERATED
from assay.data.places import EMBEDDED, cache_folder
from assay.errors import BadValueError

WriteSet = Callable[..., tuple[Path, Path]]


def test_status_lists_what_is_embedded_and_what_is_missing() -> None:
    rows = {(row.name, row.split): row for row in status()}
    assert rows["mnist", "train"][2:] == ("embedded", 60_000, "")
    assert rows["mnist", "test"][2:] == ("embedded", 10_000, "")
    assert rows["fashion_mnist", "outliers"][2:] == ("embedded", 10_000, "")
    assert rows["mnist", "outliers"][2:] == ("embedded", 10_000, "")  # the first of the 60,000
    assert rows["kmnist", "test"][2:] == ("", None, "KMNIST is not here; run `assay data fetch kmnist`")
    assert rows["blobs", "test"][2:] == ("generated", None, "")
    assert rows["mnist_c", "test"][2:] == ("", None, "MNIST-C is not here; run `assay data fetch mnist_c`")
    assert len(rows) == 3 * 3 + len(GENERATED) + 1


def test_status_lists_ones_own_sets_and_what_is_wrong_with_them(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "t10k", 7)
    images, _ = write_set(tmp_path / "letters", "train", 5)
    images.write_bytes(b"no gzip")
    rows = {(row.name, row.split): row for row in status(tmp_path)}
    assert rows["letters", "test"][2:] == ("folder", 7, "")
    assert rows["letters", "train"].images is None
    assert str(images) in rows["letters", "train"].reason


def test_status_sees_the_archive_of_mnist_c(tmp_path: Path) -> None:
    archive = tmp_path / "mnist_c" / "mnist_c.zip"
    archive.parent.mkdir()
    archive.write_bytes(b"")
    assert status(tmp_path)[-1] == ("mnist_c", "test", "folder", 160_000, "")


def test_verify_finds_every_embedded_file_intact() -> None:
    checks = verify()
    assert {check.path for check in checks} == set(EMBEDDED.rglob("*.gz"))
    assert all(check.ok for check in checks)


def test_verify_says_what_is_wrong_with_each_file(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "letters", "t10k", 7)
    altered, _ = write_set(tmp_path / "mnist", "t10k", 7)
    _, cut = write_set(cache_folder() / "kmnist", "t10k", 3)
    cut.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x03\1"))
    archive = cache_folder() / "mnist_c" / "mnist_c.zip"
    archive.parent.mkdir()
    archive.write_bytes(b"PK")
    checks = {check.path: check for check in verify(tmp_path)}
    assert checks[tmp_path / "letters" / "t10k-images-idx3-ubyte.gz"].ok
    assert "differs from the published file" in checks[altered].problem
    assert "announces 3 bytes, and there are only 1" in checks[cut].problem
    assert "assay data fetch mnist_c" in checks[archive].problem
    assert not checks[archive].ok
    assert len(checks) == 2 + 2 + 2 + 1 + len(list(EMBEDDED.rglob("*.gz")))


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    for question in (status, verify):
        with pytest.raises(BadValueError, match="no such folder"):
            question(tmp_path / "none")
