"""Scores that read the features through a linear head: ReAct, DICE, ASH and GradNorm."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp, softmax
from torch import nn
from torch.nn import functional as F

from assay.architectures.ensemble import Ensemble
from assay.classifier import Classifier, Outputs, wrap
from assay.errors import BadValueError
from assay.randomness import derive
from assay.scores import ASH, DICE, Energy, GradNorm, ReAct
from assay.scores.ash import shaped
from assay.scores.base import Score, Training, kept

MakeScene = Callable[..., Any]
PARTS: list[Any] = [ReAct(), DICE(), ASH(), GradNorm()]


def head_of(model: Classifier) -> tuple[np.ndarray, np.ndarray]:
    head = model.linear_head
    assert head is not None
    return head.weight.detach().double().numpy(), head.bias.detach().double().numpy()


def energy(features: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return np.asarray(-logsumexp(features @ weight.T + bias, axis=1))


def from_the_papers(name: str, percentile: float, model: Classifier, train: Training, test: Outputs) -> np.ndarray:
    """Each score row by row, in float64."""
    weight, bias = head_of(model)
    past, f = train.features.double().numpy(), test.features.double().numpy()
    if name == "react":
        return energy(np.minimum(f, np.percentile(past, percentile)), weight, bias)
    if name == "dice":
        contributions = np.array([[w * m for w, m in zip(row, past.mean(0), strict=True)] for row in weight])
        goes = int(np.round(contributions.size * percentile / 100))
        weight = weight.copy()
        weight[np.unravel_index(contributions.argsort(axis=None)[:goes], weight.shape)] = 0
        return energy(f, weight, bias)
    if name == "ash":
        g = np.zeros_like(f)
        for row, shaped_row in zip(f, g, strict=True):
            stays = np.argsort(row)[int(np.round(len(row) * percentile / 100)) :]
            if row.any():
                shaped_row[stays] = row[stays] * np.exp(row.sum() / row[stays].sum())
        return energy(g, weight, bias)
    p = softmax(f @ weight.T + bias, axis=1)
    return np.asarray(-np.abs(f).sum(1) * np.abs(p - 1 / p.shape[1]).sum(1))


@pytest.mark.parametrize("part", [*PARTS, ReAct(percentile=55), DICE(percentile=40), ASH(percentile=60)], ids=repr)
@pytest.mark.parametrize("members", [1, 3])
def test_equals_the_papers_formulas_in_either_precision(part: Any, members: int, scene: MakeScene) -> None:
    model = scene().model if members == 1 else Ensemble([network(seed) for seed in range(members)])
    for double in (False, True):
        _, train, test = scene(model=model, double=double)
        expected = from_the_papers(part.name, getattr(part, "percentile", 0), model, train, test)
        found = part.fit(model, train)(test).double().numpy()
        assert found == pytest.approx(expected, rel=1e-9 if double else 1e-5, abs=1e-9 if double else 1e-5)


def network(seed: int) -> Classifier:
    layers = nn.Sequential(nn.Flatten(), nn.Linear(16, 20), nn.ReLU(), nn.Linear(20, 4))
    with torch.no_grad():
        for weight in layers.parameters():
            weight.copy_(torch.randn(weight.shape, generator=derive(seed, tuple(weight.shape))))
    return wrap(layers, torch.rand(2, 1, 4, 4, generator=derive(0)))


def test_gradnorm_is_the_norm_of_the_gradient_that_autograd_finds(scene: MakeScene) -> None:
    model, _, test = scene(double=True)
    found = GradNorm().fit(model)(test)
    for features, value in zip(test.features, found, strict=True):
        head = model.linear_head
        assert head is not None
        weight = head.weight.detach().clone().requires_grad_()
        logs = F.log_softmax(features.clone() @ weight.T + head.bias.detach(), dim=0)
        (gradient,) = torch.autograd.grad(-logs.mean(), weight)
        assert float(value) == pytest.approx(-float(gradient.abs().sum()), rel=1e-9)


@pytest.mark.parametrize("part", [ReAct(percentile=100), DICE(percentile=0)], ids=repr)
def test_with_nothing_cut_it_is_the_energy(part: Score, scene: MakeScene) -> None:
    model, train, _ = scene(double=True)
    seen = Outputs(train.features, train.logits)
    torch.testing.assert_close(part.fit(model, train)(seen), Energy().fit(model)(seen))


def test_dice_by_hand_and_ties_stay() -> None:
    linear = nn.Linear(3, 2)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, 2, -5], [4, 1, 1]]))
        linear.bias.copy_(torch.tensor([0.5, 0]))
    model = wrap(nn.Sequential(nn.Flatten(), linear), torch.rand(2, 1, 1, 3))
    # Means 2, 1, 4: contributions (2, 2, -20) and (8, 1, 4).
    x = torch.tensor([[1.0, 0, 8], [3, 2, 0]])
    train = Training(x, linear(x).detach(), torch.tensor([0, 1]))
    new = Outputs(torch.tensor([[1.0, 1, 1]]), torch.zeros(1, 2))
    for percentile, logits in ((90, [0.5, 4.0]), (67, [0.5, 5.0]), (50, [3.5, 5.0]), (33, [3.5, 5.0]), (0, [-1.5, 6])):
        found = DICE(percentile=percentile).fit(model, train)(new)
        assert found.tolist() == pytest.approx([-float(torch.tensor(logits).logsumexp(0))])


def test_ash_by_hand() -> None:
    rows = torch.tensor([[4.0, 1, 2, 1, 0], [2, 2, 1, 0, 0], [0, 0, 0, 0, 0], [-1, 3, -2, -9, 0]])
    e = torch.tensor([4 / 3, 5 / 4, 0, 1], dtype=torch.float32).exp()
    expected = torch.tensor([[4.0, 0, 2, 0, 0], [2, 2, 0, 0, 0], [0, 0, 0, 0, 0], [0, 3, 0, 0, 0]]) * e[:, None]
    torch.testing.assert_close(shaped(rows, 60), expected)
    tied = shaped(torch.tensor([[2.0, 2, 2, 1]]), 50)  # two are to stay, and a third ties
    torch.testing.assert_close(tied, torch.tensor([[2.0, 2, 2, 0]]) * torch.tensor(7 / 6).exp())


@pytest.mark.parametrize(("count", "percentile", "stay"), [(200, 90, 20), (200, 100, 1), (7, 0, 7), (10, 70, 3)])
def test_how_many_stay(count: int, percentile: float, stay: int) -> None:
    assert kept(count, percentile) == stay


def test_react_takes_more_values_than_torch_quantile(scene: MakeScene) -> None:
    model, train, test = scene()
    many = 1_500_000  # times 11 features, above 2^24 values
    pieces = train.features.repeat(many // len(train.features), 1)
    long = Training(pieces, train.logits, train.labels)
    torch.testing.assert_close(ReAct().fit(model, long)(test), ReAct().fit(model, train)(test), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_what_it_needs(part: Any, scene: MakeScene, bent: Classifier) -> None:
    model, train, test = scene()
    with pytest.raises(BadValueError, match=f"{part.name}: expected a head that is linear"):
        part.fit(bent, train)
    if part.needs_train:
        with pytest.raises(BadValueError, match=f"{part.name}: expected the model's outputs on training images"):
            part.fit(model, None)
    else:
        assert torch.equal(part.fit(model, None)(test), part.fit(model, train)(test))
    if hasattr(part, "percentile"):
        for percentile in (-1, 101):
            with pytest.raises(BadValueError, match="percentile: expected a number in"):
                replace(part, percentile=percentile)
