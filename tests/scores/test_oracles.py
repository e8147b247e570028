"""Scores against pytorch-ood on the same outputs: the same numbers where the definitions agree, else the same ranks."""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.classifier import Outputs
from assay.scores import (
    ASH,
    DICE,
    KNN,
    ODIN,
    Energy,
    GradNorm,
    KLMatching,
    Mahalanobis,
    MaxLogit,
    ReAct,
    RelativeMahalanobis,
    ViM,
)
from assay.scores.base import Score

pytestmark = pytest.mark.oracle

MakeScene = Callable[..., Any]


@pytest.fixture(scope="module")
def ood() -> ModuleType:
    """The detectors alone: the rest of the package asks for torchvision."""
    spec = importlib.util.find_spec("pytorch_ood")
    if spec is None:
        pytest.skip("pytorch-ood is not installed; make test-oracles installs it")
    package = ModuleType("pytorch_ood")
    package.__path__ = list(spec.submodule_search_locations or [])
    sys.modules["pytorch_ood"] = package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("pytorch_ood.detector")


def head_of(scene: Any) -> nn.Linear:
    head = scene.model.linear_head
    linear = nn.Linear(head.weight.shape[1], head.weight.shape[0], dtype=head.weight.dtype)
    linear.load_state_dict({"weight": head.weight.detach(), "bias": head.bias.detach()})
    return linear.requires_grad_(False)


def same(score: Score, scene: Any, theirs: Tensor) -> None:
    found = score.fit(scene.model, scene.train)(scene.test)
    torch.testing.assert_close(found.double(), theirs.double(), rtol=1e-6, atol=1e-6)


def test_scores_of_logits(ood: ModuleType, scene: MakeScene) -> None:
    one = scene(double=True)
    same(MaxLogit(), one, ood.MaxLogit.score(one.test.logits))
    same(Energy(), one, ood.EnergyBased.score(one.test.logits))
    detector = ood.KLMatching(None).to("cpu").fit_logits(one.train.logits)
    same(KLMatching(), one, detector.predict_logits(one.test.logits))


def test_scores_of_features(ood: ModuleType, scene: MakeScene) -> None:
    one = scene(double=True)
    x, y, new = one.train.features.float(), one.train.labels, one.test.features.float()
    single = one._replace(test=Outputs(new, one.test.logits))
    same(KNN(k=7), single, ood.KNN(None, k=7).fit_features(x, y).predict_features(new))
    # Theirs is half of the distance under the sum, not the mean, of the products, with a ridge of 1e-6.
    found = 2 * len(x) * ood.Mahalanobis(None).to("cpu").fit_features(x, y).predict_features(new)
    ours = Mahalanobis().fit(one.model, one.train)(one.test)
    torch.testing.assert_close(ours, found.double(), rtol=1e-3, atol=1e-3)
    found = len(x) * ood.RMD(None).to("cpu").fit_features(x, y).predict_features(new)
    ours = RelativeMahalanobis().fit(one.model, one.train)(one.test)
    torch.testing.assert_close(ours, found.double(), rtol=1e-3, atol=1e-3)


def test_scores_through_the_head(ood: ModuleType, scene: MakeScene) -> None:
    one, single = scene(double=True), scene()
    linear, flat = head_of(one), nn.Sequential(nn.Flatten(), head_of(one))
    x, y, new = one.train.features, one.train.labels, one.test.features
    same(ReAct(), one, ood.ReAct(None, flat).fit_feature_maps(x, y).predict_feature_maps(new))
    same(ASH(), one, ood.ASH(None, flat, percentile=0.9).predict_feature_maps(new[:, :, None, None]))
    same(GradNorm(), one, ood.GradNorm(linear, param_filter=lambda name: name == "weight").predict(new))
    head = head_of(single)
    detector = ood.DICE(None, head.weight, head.bias, 0.75).fit_features(single.train.features, y)
    found = detector.predict_features(single.test.features)
    torch.testing.assert_close(
        DICE(percentile=75).fit(single.model, single.train)(single.test), found, rtol=1e-4, atol=1e-4
    )
    detector = ood.ViM(None, 5, head.weight, head.bias).fit_features(single.train.features, y)
    found = detector.predict_features(single.test.features)
    ours = ViM().fit(single.model, single.train)(single.test)
    torch.testing.assert_close(ours, found.to(ours), rtol=1e-3, atol=1e-3)


def test_odin(ood: ModuleType, scene: MakeScene) -> None:
    one = scene(double=True)
    x = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.9 + 0.05
    with torch.no_grad():
        outputs = one.model.outputs(x)
    found = -ood.ODIN(one.model, eps=0.03).predict(x)  # nowhere does the step leave [0, 1]
    ours = ODIN(eps=0.03).fit(one.model)(outputs, x)
    torch.testing.assert_close(1 / (1 + 3 * torch.exp(ours / 1000)), found, rtol=1e-12, atol=0)
