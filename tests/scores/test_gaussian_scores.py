from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.covariance import EmpiricalCovariance
from torch import Tensor

from assay.classifier import Outputs
from assay.errors import BadValueError
from assay.randomness import derive
from assay.scores import Mahalanobis, RelativeMahalanobis
from assay.scores.base import Training

MakeScene = Callable[..., Any]


def from_sklearn(train: Training, features: Tensor, *, background: bool) -> np.ndarray:
    """Distances by scikit-learn, which inverts by the pseudo-inverse: within classes, less those of all where asked."""
    x, y, new = (tensor.double().numpy() for tensor in (train.features, train.labels, features))
    means = {label: x[y == label].mean(0) for label in np.unique(y)}
    within = EmpiricalCovariance(assume_centered=True).fit(x - np.stack([means[label] for label in y]))
    nearest = np.min([within.mahalanobis(new - mean) for mean in means.values()], axis=0)
    return np.asarray(nearest - (EmpiricalCovariance().fit(x).mahalanobis(new) if background else 0))


def outputs(features: Tensor) -> Outputs:
    return Outputs(features, torch.zeros(len(features), 4, dtype=features.dtype))


def blobs(n: int, width: int, *, classes: int = 4, name: str = "train") -> Training:
    g = derive(0, "blobs", name)
    y = torch.arange(n) % classes
    centres = 3 * torch.randn(classes, width, generator=derive(1), dtype=torch.float64)
    mix = torch.randn(width, width, generator=derive(2), dtype=torch.float64)
    x = centres[y] + torch.randn(n, width, generator=g, dtype=torch.float64) @ mix
    return Training(x, torch.zeros(n, classes), y)


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("shape", [(300, 11), (40, 60)], ids=["more images", "more features"])
def test_equals_scikit_learns_distances(background: bool, shape: tuple[int, int], scene: MakeScene) -> None:
    model = scene().model
    train, new = blobs(*shape), blobs(50, shape[1], name="test").features
    part = RelativeMahalanobis() if background else Mahalanobis()
    found = part.fit(model, train)(outputs(new)).numpy()
    assert found == pytest.approx(from_sklearn(train, new, background=background), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("part", [Mahalanobis(), RelativeMahalanobis()])
def test_on_a_network_in_either_precision(part: Mahalanobis | RelativeMahalanobis, scene: MakeScene) -> None:
    model, train, test = scene()
    found = part.fit(model, train)(test)
    expected = from_sklearn(train, test.features, background=part.name == "relative_mahalanobis")
    assert found.numpy() == pytest.approx(expected, rel=1e-6, abs=1e-6)
    double = scene(double=True)
    fine = part.fit(double.model, double.train)(double.test)
    torch.testing.assert_close(found, fine, rtol=1e-3, atol=1e-3)


def test_by_hand() -> None:
    # Two classes at (-2, 0) and (2, 0), each with spread 1 along both axes: the covariance is I / 2.
    spread = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    x = torch.cat([spread - torch.tensor([2.0, 0]), spread + torch.tensor([2.0, 0])])
    train = Training(x, torch.zeros(8, 2), torch.tensor([0] * 4 + [1] * 4))
    new = outputs(torch.tensor([[2.0, 0], [0, 0], [0, 3]]))
    assert Mahalanobis().fit(None, train)(new).tolist() == pytest.approx([0, 8, 26])  # type: ignore[arg-type]
    # Of all images the variance is 4.5 along the first axis.
    expected = [0 - 4 / 4.5, 8, 26 - 18]
    assert RelativeMahalanobis().fit(None, train)(new).tolist() == pytest.approx(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_directions_that_training_never_takes_are_left_out(kind: torch.dtype, scene: MakeScene) -> None:
    model, train = scene().model, blobs(200, 6)
    base = train._replace(features=train.features.to(kind))
    x = base.features
    # A unit that never fires, one that is constant, and one that repeats another up to rounding.
    more = torch.cat([x, torch.zeros(200, 1, dtype=kind), torch.full((200, 1), 7.3, dtype=kind), x[:, :1] * 1.1], 1)
    found = Mahalanobis().fit(model, base._replace(features=more))
    new = blobs(30, 6, name="test").features.to(kind)
    odd = torch.cat(
        [new, torch.full((30, 1), 5, dtype=kind), torch.full((30, 1), 7.3, dtype=kind), new[:, :1] * 1.1], 1
    )
    expected = Mahalanobis().fit(model, base)(outputs(new))
    torch.testing.assert_close(found(outputs(odd)), expected, rtol=1e-4, atol=1e-4)


def test_a_class_without_training_images_has_no_mean(scene: MakeScene) -> None:
    model, train = scene().model, blobs(300, 5)
    for missing in (0, 2, 3):
        kept = Training(*(tensor[train.labels != missing] for tensor in train))
        new = train.features[train.labels == missing]
        found = Mahalanobis().fit(model, kept)(outputs(new)).numpy()
        assert found == pytest.approx(from_sklearn(kept, new, background=False), rel=1e-6)


@pytest.mark.parametrize("part", [Mahalanobis(), RelativeMahalanobis()])
def test_what_it_needs(part: Mahalanobis | RelativeMahalanobis, scene: MakeScene) -> None:
    model, train, _ = scene()
    with pytest.raises(BadValueError, match=f"{part.name}: expected the model's outputs on training images"):
        part.fit(model, None)
    one_each = Training(*(tensor[:1] for tensor in train))
    with pytest.raises(BadValueError, match="vary within a class, got none; give more training images"):
        part.fit(model, one_each)
