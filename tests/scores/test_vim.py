import numpy as np
import pytest
import torch
from torch import nn

from assay.architectures.ensemble import Ensemble
from assay.classifier import Classifier, Outputs, predict_all, wrap
from assay.errors import BadValueError
from assay.randomness import derive
from assay.scores import ViM
from assay.scores.base import Training
from assay.scores.vim import principal_dimensions


def network(seed: int, *, linear: bool = True) -> Classifier:
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(16, 11), nn.ReLU(), nn.Linear(11, 4)]
    model = nn.Sequential(*layers, *([] if linear else [nn.Tanh()]))
    generator = derive(seed, "vim")
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    return wrap(model, images(2))


def images(n: int, *names: object) -> torch.Tensor:
    return torch.rand(n, 1, 4, 4, generator=derive(0, "images", *names))


def trained(model: Classifier, n: int) -> Training:
    return Training(*predict_all(model, images(n, "train")), torch.arange(n) % 4)


def from_the_paper(weight: np.ndarray, bias: np.ndarray, train: Training, test: Outputs, p: int) -> np.ndarray:
    """Section 4 of Wang et al. 2022, by singular vectors instead of eigenvectors."""
    origin = -np.linalg.pinv(weight) @ bias
    x = train.features.double().numpy() - origin
    _, _, vt = np.linalg.svd(x, full_matrices=True)
    projection = vt[p:].T @ vt[p:]
    residual = np.linalg.norm(x @ projection, axis=1)
    alpha = train.logits.double().numpy().max(1).mean() / residual.mean()
    virtual = alpha * np.linalg.norm((test.features.double().numpy() - origin) @ projection, axis=1)
    return np.asarray(virtual - np.log(np.exp(test.logits.double().numpy()).sum(1)))


@pytest.mark.parametrize("members", [1, 3])
def test_equals_the_papers_formulas(members: int) -> None:
    models = [network(seed) for seed in range(members)]
    model = models[0] if members == 1 else Ensemble(models)
    train, test = trained(model, 300), predict_all(model, images(40, "test"))
    head = model.linear_head
    assert head is not None
    width = 11 * members
    expected = from_the_paper(
        head.weight.detach().double().numpy(), head.bias.detach().double().numpy(), train, test, width // 2
    )
    found = ViM().fit(model, train)(test).numpy()
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_features_off_the_training_space_are_more_anomalous() -> None:
    model = network(0)
    train = trained(model, 300)
    score = ViM().fit(model, train)
    far = Outputs(train.features + 30 * torch.randn(300, 11, generator=derive(1)), train.logits)
    assert bool((score(far) > score(Outputs(train.features, train.logits))).float().mean() > 0.99)


@pytest.mark.parametrize(
    ("features", "dimensions"), [(2048, 1000), (768, 512), (2047, 512), (767, 383), (84, 42), (1, 0)]
)
def test_principal_dimensions(features: int, dimensions: int) -> None:
    assert principal_dimensions(features) == dimensions


def test_what_it_needs() -> None:
    model = network(0)
    with pytest.raises(BadValueError, match="training images"):
        ViM().fit(model, None)
    bent = network(0, linear=False)
    with pytest.raises(BadValueError, match="linear"):
        ViM().fit(bent, trained(bent, 10))
    with pytest.raises(BadValueError, match="more training images"):
        ViM().fit(model, trained(model, 1))
