"""Images as PNG data URIs, written with zlib alone (PNG: Boutell et al. 1997, RFC 2083)."""

import base64
import struct
import zlib

import torch
from torch import Tensor

from assay.errors import BadValueError


def to_bytes(x: Tensor) -> Tensor:
    """Images as uint8: bytes stay, floats in [0, 1] are scaled by 255 and rounded."""
    return x if x.dtype == torch.uint8 else (x.clamp(0, 1) * 255).round().to(torch.uint8)


def png(x: Tensor) -> bytes:
    """A PNG file of one image.

    Args:
        x: (C, H, W) with C = 1 (grey) or 3 (RGB), uint8 or float in [0, 1].

    Raises:
        BadValueError: another shape.
    """
    if x.ndim != 3 or x.shape[0] not in (1, 3):
        raise BadValueError(f"picture: expected (1, H, W) or (3, H, W), got {tuple(x.shape)}")
    channels, height, width = x.shape
    pixels = to_bytes(x).permute(1, 2, 0).reshape(height, width * channels)
    lines = torch.cat([torch.zeros(height, 1, dtype=torch.uint8), pixels], dim=1)  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    body = zlib.compress(lines.numpy().tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def data_uri(x: Tensor) -> str:
    """The PNG of one image (C, H, W) as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png(x)).decode("ascii")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
