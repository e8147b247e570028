import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from assay.data import Images

REAL = os.environ.get("ASSAY_DATA")  # read before every test hides it

WriteSet = Callable[..., tuple[Path, Path]]


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the user's own data or cache, nor a proxy."""
    monkeypatch.delenv("ASSAY_DATA", raising=False)
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def real_data() -> Path:
    """The folder that ASSAY_DATA named when the tests started."""
    if not REAL:
        pytest.skip("ASSAY_DATA names no folder with the real data sets")
    return Path(REAL)


@pytest.fixture
def write_set() -> WriteSet:
    """Write one split as the two idx files, by an encoder of the tests' own."""

    def write(
        place: Path, prefix: str, n: int, *, labels: list[int] | None = None, side: int = 28, gz: bool = True
    ) -> tuple[Path, Path]:
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(n).integers(0, 256, (n, side, side), dtype=np.uint8)
        values = bytes(labels if labels is not None else [i % 10 for i in range(n)])
        contents = {
            f"{prefix}-images-idx3-ubyte": struct.pack(">4B3I", 0, 0, 8, 3, n, side, side) + pixels.tobytes(),
            f"{prefix}-labels-idx1-ubyte": struct.pack(">4BI", 0, 0, 8, 1, len(values)) + values,
        }
        paths = []
        for name, content in contents.items():
            path = place / (f"{name}.gz" if gz else name)
            path.write_bytes(gzip.compress(content, 1) if gz else content)
            paths.append(path)
        return paths[0], paths[1]

    return write


@pytest.fixture
def numbered() -> Callable[[int], Images]:
    """n images whose first two pixels spell their index, so that each can be told apart."""

    def make(n: int) -> Images:
        x = torch.zeros(n, 1, 2, 2, dtype=torch.uint8)
        index = torch.arange(n)
        x[:, 0, 0, 0], x[:, 0, 0, 1] = (index // 256).to(torch.uint8), (index % 256).to(torch.uint8)
        return Images(name="mnist/train", x=x, y=index % 10, classes=tuple("0123456789"))

    return make
