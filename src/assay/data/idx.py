"""The idx format of MNIST: a short header, then one byte a pixel or label; plain or compressed with gzip.

Header: two zero bytes, the type (0x08: unsigned bytes), the number of dimensions, then each dimension as a big-endian
32-bit number (LeCun, Cortes, Burges 1998, "The MNIST database of handwritten digits").
"""

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from assay.errors import DamagedDataError

IMAGES = 3  # dimensions of a file of images: count, height, width; a fourth may follow, the channels
LABELS = 1  # dimensions of a file of labels: count
LARGEST = 1 << 32  # bytes; a header that announces more is taken for damage
_STEP = 1 << 20  # bytes decompressed at a time


class Idx(NamedTuple):
    """What a file holds, and the md5 of the uncompressed file: uint8, images (N, H, W) or (N, H, W, C), labels (N,)."""

    data: Tensor
    md5: str


def read_idx(path: Path, dimensions: int) -> Idx:
    """Read an idx file, plain or (by its suffix .gz) compressed, with `IMAGES` or `LABELS` dimensions.

    At most one byte more than the header announces is ever decompressed, so a gzip bomb does no harm.

    Raises:
        DamagedDataError: the file cannot be read, is cut or altered, goes on behind its end, or is no such idx file.
    """
    with _opened(path) as stream:
        header = _header(stream, dimensions, path)
        shape = _shape(header, path)
        body = _read_up_to(stream, math.prod(shape) + 1)
    if len(body) != math.prod(shape):
        came = f"only {len(body)}" if len(body) < math.prod(shape) else "more"
        raise _damaged(path, f"its header announces {math.prod(shape)} bytes, and there are {came}")
    digest = hashlib.md5(header, usedforsecurity=False)
    digest.update(body)
    flat = torch.frombuffer(body, dtype=torch.uint8) if body else torch.empty(0, dtype=torch.uint8)
    return Idx(flat.reshape(shape), digest.hexdigest())


def read_shape(path: Path, dimensions: int) -> tuple[int, ...]:
    """Read the shape that the header announces: (N, H, W) or (N, H, W, C) for images, (N,) for labels.

    Raises:
        DamagedDataError: the file cannot be read, or has no such header.
    """
    with _opened(path) as stream:
        return _shape(_header(stream, dimensions, path), path)


class _Stream(Protocol):
    """What files and GzipFile have in common."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def _opened(path: Path) -> Iterator[_Stream]:
    """Open the file, and turn everything that can go wrong while reading it into DamagedDataError."""
    try:
        with path.open("rb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=file) as stream:
                    yield stream
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"it does not decompress ({str(error).rstrip('.')})") from error
    except OSError as error:
        raise _damaged(path, f"it cannot be read ({error.strerror or error})") from error


def _header(stream: _Stream, dimensions: int, path: Path) -> bytes:
    magic = stream.read(4)
    allowed = [bytes((0, 0, 8, number)) for number in ((IMAGES, IMAGES + 1) if dimensions == IMAGES else (dimensions,))]
    if magic not in allowed:
        wanted = " or ".join(start.hex(" ") for start in allowed)
        raise _damaged(path, f"expected an idx file that starts with {wanted}, got {magic.hex(' ')!r}")
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise _damaged(path, "it ends inside its header")
    return magic + sizes


def _shape(header: bytes, path: Path) -> tuple[int, ...]:
    shape = struct.unpack(f">{header[3]}I", header[4:])
    if math.prod(shape) > LARGEST:
        raise _damaged(path, f"its header announces {math.prod(shape)} bytes, more than the {LARGEST} that are read")
    return shape


def _read_up_to(stream: _Stream, size: int) -> bytearray:
    body = bytearray()
    while len(body) < size and (piece := stream.read(min(_STEP, size - len(body)))):
        body += piece
    return body


def _damaged(path: Path, what: str) -> DamagedDataError:
    return DamagedDataError(f"{path}: {what}; replace it with an intact copy")
