"""What the tests of attacks share: a small trained network."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assay.classifier import Classifier


class Net(Classifier):
    def __init__(self) -> None:
        super().__init__()
        self.n_classes = 5
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 24))
        self.last = nn.Linear(24, 5)

    def features(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x))

    def head(self, features: Tensor) -> Tensor:
        logits: Tensor = self.last(features)
        return logits


@pytest.fixture(scope="package")
def trained() -> tuple[Classifier, Tensor, Tensor]:
    """A network trained on noisy versions of five random patterns, with 200 images that it has not seen."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, patterns = Net(), torch.rand(5, 1, 12, 12)
        y = torch.arange(1000) % 5
        x = (0.5 * patterns[y] + 0.25 + 0.3 * torch.randn(1000, 1, 12, 12)).clamp(0, 1)
        optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
        for start in range(0, 800, 20):
            optimiser.zero_grad()
            loss = F.cross_entropy(model(x[start : start + 20]), y[start : start + 20])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return model.eval(), x[800:], y[800:]
