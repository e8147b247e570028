"""Outputs of a small rectified network with a linear head, and a second implementation's way to read them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from assay.classifier import Classifier, Outputs, predict_all, wrap
from assay.randomness import derive
from assay.scores.base import Training

FEATURES, CLASSES = 11, 4


class Scene(NamedTuple):
    """A model, its outputs on training images with labels, and on others."""

    model: Classifier
    train: Training
    test: Outputs


MakeScene = Callable[..., Scene]


def network(seed: int = 0, *, linear: bool = True) -> Classifier:
    layers: list[Any] = [nn.Flatten(), nn.Linear(16, FEATURES), nn.ReLU(), nn.Linear(FEATURES, CLASSES)]
    model = nn.Sequential(*layers, *([] if linear else [nn.Tanh()]))
    generator = derive(seed, "score")
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
        layers[3].bias -= model[:4](images(200)).mean(0)  # so that it predicts every class
    return wrap(model, images(2))


def images(n: int, *names: object) -> torch.Tensor:
    return torch.rand(n, 1, 4, 4, generator=derive(0, "images", *names))


@pytest.fixture
def scene() -> MakeScene:
    """Makes a scene of `n` training images, in float64 where asked, whose labels are what the model predicts."""

    def make(n: int = 300, *, double: bool = False, model: Classifier | None = None) -> Scene:
        model = network() if model is None else model
        model = model.double() if double else model
        kind = torch.float64 if double else torch.float32
        train = predict_all(model, images(n, "train").to(kind))
        return Scene(model, Training(*train, train.logits.argmax(1)), predict_all(model, images(40, "test").to(kind)))

    return make


@pytest.fixture
def bent() -> Classifier:
    """A network whose head is not linear."""
    return network(linear=False)
