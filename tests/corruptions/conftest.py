"""The first 1,000 MNIST test images and what the original generator made of them."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor


def _folder() -> Path:
    if "ASSAY_DATA" not in os.environ:
        pytest.skip("ASSAY_DATA is not set: it names the folder that holds mnist/ and mnist_c_reference/")
    return Path(os.environ["ASSAY_DATA"])


@pytest.fixture(scope="session")
def clean() -> Tensor:
    """(1000, 1, 28, 28) float in [0, 1]: the images in test order."""
    packed = (_folder() / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes()
    pixels = np.frombuffer(gzip.decompress(packed), dtype=np.uint8, offset=16).copy()
    return torch.from_numpy(pixels).view(-1, 1, 28, 28)[:1000].float() / 255


@pytest.fixture(scope="session")
def reference() -> dict[str, Tensor]:
    """By corruption (1000, 1, 28, 28) uint8: outputs of the original generator with its default severities."""
    path = _folder() / "mnist_c_reference" / "first_1000_test_images.npz"
    with np.load(path, allow_pickle=False) as file:
        return {name: torch.from_numpy(file[name])[:, None] for name in file}
