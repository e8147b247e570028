"""What the tests of objectives share: a loss as a function of logits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from assay.classifier import Classifier
from assay.objectives import Batch

Taken = Callable[[Any, Tensor, Tensor], tuple[Tensor, Tensor]]


class Given(Classifier):
    """A model whose logits are its only parameter, whatever the images."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.n_classes, self.logits = logits.shape[1], torch.nn.Parameter(logits)

    def features(self, x: Tensor) -> Tensor:  # noqa: ARG002 - the contract's signature
        return self.logits

    def head(self, features: Tensor) -> Tensor:
        return features


def _taken(objective: Any, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of these logits, and its gradient with respect to them."""
    model = Given(logits.clone())
    value = objective(model, Batch(torch.zeros(len(logits), 1, 1, 1), y), torch.Generator()).value
    return value.detach(), torch.autograd.grad(value, model.logits)[0]


@pytest.fixture
def taken() -> Taken:
    """Gives an objective's loss of logits (B, K) and labels, and its gradient with respect to those logits."""
    return _taken
