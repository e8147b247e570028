"""What the tests of several packages share: small models, and how hypothesis runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from torch import Tensor, nn

from assay.classifier import Classifier

# The same examples in each run, and no deadline: a busy machine fails no test.
settings.register_profile("assay", deadline=None, derandomize=True)
settings.load_profile("assay")

torch.set_num_threads(1)  # several threads a worker fight over two cores, and change sums in the last digit

MakeLinear = Callable[[Tensor], Classifier]


class Linear(Classifier):
    """logits = weight @ pixels, in training and evaluation mode alike."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.n_classes = len(weight)
        self.weight = nn.Parameter(weight.clone())

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def head(self, features: Tensor) -> Tensor:
        return features @ self.weight.T


@pytest.fixture
def linear() -> MakeLinear:
    """Makes the classifier whose logits are weight (K, C * H * W) times the pixels."""
    return Linear


@pytest.fixture
def small() -> Classifier:
    """An untrained network with convolution, batch norm and dropout for images (1, 12, 12), 4 classes."""
    return Small()


class Small(Classifier):
    def __init__(self) -> None:
        super().__init__()
        self.n_classes = 4
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.body = nn.Sequential(
                *(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
                *(nn.Dropout(0.2), nn.Linear(150, 20), nn.ReLU()),
            )
            self.last = nn.Linear(20, 4)

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.body(x)
        return features

    def head(self, features: Tensor) -> Tensor:
        logits: Tensor = self.last(features)
        return logits


def write_idx(path: Path, values: Tensor) -> None:
    """Write uint8 values as an idx file."""
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(header + values.numpy().tobytes())


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data set "tiny": 28 x 28 greys of 3 classes, 120 to train on and 60 to test on."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "tiny").mkdir()
    generator = torch.Generator().manual_seed(0)
    for prefix, count in (("train", 120), ("t10k", 60)):
        y = torch.arange(count) % 3
        x = torch.randint(0, 100, (count, 28, 28), generator=generator)
        for label in range(3):
            x[y == label, 8 * label : 8 * label + 8] += 100
        write_idx(folder / "tiny" / f"{prefix}-images-idx3-ubyte", x.to(torch.uint8))
        write_idx(folder / "tiny" / f"{prefix}-labels-idx1-ubyte", y.to(torch.uint8))
    return folder
