"""Counts against counts by hand."""

from typing import Any

import pytest
import torch
from torch import Tensor

from assay.architectures.ensemble import Ensemble
from assay.attacks.base import Aim, input_gradient, judge
from assay.attacks.counted import Counted
from assay.attacks.fgsm import FGSM
from assay.attacks.pgd import PGD
from assay.classifier import Classifier, evaluating, wrap


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


@pytest.fixture
def scene() -> tuple[Tensor, Tensor]:
    return torch.rand(7, 1, 4, 4, generator=generator()), torch.arange(7) % 3


@pytest.fixture(params=["plain", "ensemble", "wrapped"])
def model(request: pytest.FixtureRequest, linear: Any) -> Classifier:
    members = [linear(torch.randn(3, 16, generator=torch.Generator().manual_seed(seed))) for seed in range(3)]
    if request.param == "ensemble":
        return Ensemble(members)
    inside = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    return members[0] if request.param == "plain" else wrap(inside, torch.rand(2, 1, 4, 4))


def test_fgsm_is_one_pass_and_one_gradient(model: Classifier, scene: tuple[Tensor, Tensor]) -> None:
    counted = Counted(model)
    points = FGSM(eps=0.1)(counted, *scene, generator())
    assert (counted.forwarded, counted.differentiated) == (7, 7)
    assert torch.equal(points, FGSM(eps=0.1)(model, *scene, generator()))


def test_pgd_is_one_pass_and_one_gradient_a_step(model: Classifier, scene: tuple[Tensor, Tensor]) -> None:
    counted = Counted(model)
    PGD(eps=0.1, steps=6)(counted, *scene, generator())
    assert (counted.forwarded, counted.differentiated) == (6 * 7, 6 * 7)
    counted.reset()
    PGD(eps=0.1, steps=6, restarts=2)(counted, *scene, generator())
    assert (counted.forwarded, counted.differentiated) == (2 * (6 + 1) * 7, 2 * 6 * 7)  # each start is judged


def test_passes_without_a_gradient_are_queries(model: Classifier, scene: tuple[Tensor, Tensor]) -> None:
    counted, (x, y) = Counted(model), scene
    judge(counted, x, Aim(y))
    counted(x.requires_grad_())
    counted.head(counted.features(x[:2]))
    assert (counted.forwarded, counted.differentiated) == (7 + 7 + 2, 0)


def test_each_gradient_through_a_pass_counts(model: Classifier, scene: tuple[Tensor, Tensor]) -> None:
    counted, x = Counted(model), scene[0].requires_grad_()
    logits = counted(x)
    for one in range(3):
        torch.autograd.grad(logits[:, one].sum(), x, retain_graph=True)
    assert (counted.forwarded, counted.differentiated) == (7, 3 * 7)


def test_one_member_of_three_is_a_third_of_a_pass(linear: Any, scene: tuple[Tensor, Tensor]) -> None:
    counted = Counted(Ensemble([linear(torch.randn(3, 16, generator=generator())) for _ in range(3)]))
    input_gradient(counted.members[1], scene[0][:6], Aim(scene[1][:6]))
    assert (counted.forwarded, counted.differentiated) == (2, 2)


def test_it_is_the_model_it_holds(model: Classifier, scene: tuple[Tensor, Tensor]) -> None:
    counted = Counted(model.train())
    assert torch.equal(counted(scene[0]), model(scene[0]))
    assert counted.log_probabilities == model.log_probabilities
    mine, its = counted.linear_head, model.linear_head
    assert (mine is None) == (its is None)
    assert mine is None or its is None or torch.equal(mine.weight, its.weight)
    with evaluating(counted):
        assert not model.training
    assert model.training
