import gzip
import hashlib
import struct
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from assay.data.idx import IMAGES, LABELS, LARGEST, read_idx, read_shape
from assay.errors import DamagedDataError


def encode(array: np.ndarray) -> bytes:
    """An encoder of the tests' own, after the description of the format on the MNIST page."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


IMAGE = encode(np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4))


@settings(max_examples=50, deadline=None)
@given(
    array=st.sampled_from([IMAGES, LABELS]).flatmap(
        lambda n: hnp.arrays(np.uint8, hnp.array_shapes(min_dims=n, max_dims=n, min_side=0, max_side=9))
    ),
    compressed=st.booleans(),
)
def test_reads_back_what_was_encoded(array: np.ndarray, compressed: bool) -> None:
    content = encode(array)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a-ubyte.gz" if compressed else "a-ubyte")
        path.write_bytes(gzip.compress(content) if compressed else content)
        data, md5 = read_idx(path, array.ndim)
        assert read_shape(path, array.ndim) == array.shape
    assert data.dtype == torch.uint8
    assert tuple(data.shape) == array.shape
    assert np.array_equal(data.numpy(), array)
    assert md5 == hashlib.md5(content).hexdigest()


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, len(IMAGE) - 1), compressed=st.booleans())
def test_a_cut_file_is_damaged(cut: int, compressed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.gz" if compressed else "a")
        path.write_bytes(gzip.compress(IMAGE[:cut]) if compressed else IMAGE[:cut])
        with pytest.raises(DamagedDataError, match="replace it with an intact copy"):
            read_idx(path, IMAGES)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_cut_gzip_is_damaged(data: st.DataObject) -> None:
    content = gzip.compress(IMAGE)
    cut = data.draw(st.integers(0, len(content) - 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gz"
        path.write_bytes(content[:cut])
        with pytest.raises(DamagedDataError, match=r"a\.gz"):
            read_idx(path, IMAGES)


short = st.integers(0, 3).map(lambda size: size.to_bytes(4, "big"))
almost_idx = st.tuples(
    st.sampled_from([b"\0\0\x08\x03", b"\0\0\x08\x01"]), st.lists(short, max_size=3), st.binary(max_size=9)
)


@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=64) | almost_idx.map(lambda parts: parts[0] + b"".join(parts[1]) + parts[2]),
    compressed=st.booleans(),
    dimensions=st.sampled_from([IMAGES, LABELS]),
)
def test_any_bytes_are_read_or_damaged_and_nothing_else(content: bytes, compressed: bool, dimensions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.gz" if compressed else "a")
        path.write_bytes(gzip.compress(content) if compressed else content)
        with suppress(DamagedDataError):
            data, _ = read_idx(path, dimensions)
            assert encode(data.numpy()) == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG" + IMAGE[4:], "expected an idx file that starts with 00 00 08 03"),
        (encode(np.zeros(5, np.uint8)), "expected an idx file that starts with 00 00 08 03"),
        (IMAGE[:10], "ends inside its header"),
        (IMAGE + b"\0", "announces 24 bytes, and there are more"),
        (IMAGE[:-1], "announces 24 bytes, and there are only 23"),
        (b"", "expected an idx file"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_says_what_is_wrong(tmp_path: Path, content: bytes, said: str, compressed: bool) -> None:
    path = tmp_path / ("images.gz" if compressed else "images")
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(DamagedDataError, match=said) as caught:
        read_idx(path, IMAGES)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_wrong_crc_is_damage(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(IMAGE))
    content[-8] ^= 1  # the CRC is in bytes -8..-5
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DamagedDataError, match="does not decompress"):
        read_idx(path, IMAGES)


def test_bytes_behind_the_gzip_stream_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(IMAGE) + b"tail")
    with pytest.raises(DamagedDataError, match="does not decompress"):
        read_idx(path, IMAGES)


def test_a_plain_file_named_gz_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(IMAGE)
    with pytest.raises(DamagedDataError, match="does not decompress"):
        read_idx(path, IMAGES)


def test_a_bomb_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    read = gzip.GzipFile.read

    def counting(self: gzip.GzipFile, size: int | None = -1) -> bytes:
        asked.append(size)
        return read(self, size)

    monkeypatch.setattr(gzip.GzipFile, "read", counting)
    squeeze = zlib.compressobj(9, wbits=31)
    path = tmp_path / "images.gz"
    with path.open("wb") as file:
        file.write(squeeze.compress(IMAGE))
        for _ in range(64):
            file.write(squeeze.compress(bytes(1 << 20)))
        file.write(squeeze.flush())
    with pytest.raises(DamagedDataError, match="announces 24 bytes, and there are more"):
        read_idx(path, IMAGES)
    assert asked == [4, 12, 25]  # the header in two parts, and one byte more than it announces


def test_a_header_that_announces_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF))
    with pytest.raises(DamagedDataError, match=f"more than the {LARGEST} that are read"):
        read_idx(path, IMAGES)


def test_a_file_that_is_not_there_or_a_folder_is_damage(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DamagedDataError, match="cannot be read"):
            read_idx(path, IMAGES)
