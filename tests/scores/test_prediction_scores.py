"""Scores of predictions: KL matching, tempered MSP, ODIN, and the disagreement of an ensemble's members."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr, softmax
from scipy.stats import rankdata
from torch import Tensor, nn

from assay.architectures.ensemble import Ensemble
from assay.classifier import Classifier, Outputs, predict_all, wrap
from assay.errors import BadValueError, GradientError
from assay.randomness import derive
from assay.scores import ODIN, Disagreement, KLMatching, TemperedMSP
from assay.scores.base import Training

MakeScene = Callable[..., Any]
LOGITS = st.lists(st.lists(st.integers(-30, 30), min_size=3, max_size=3), min_size=2, max_size=8).map(
    lambda rows: torch.tensor(rows).float()
)


def outputs(logits: Tensor) -> Outputs:
    return Outputs(torch.empty(len(logits), 0), logits)


# KL matching


@pytest.mark.parametrize("missing", [None, 0, 2])
def test_kl_matching_equals_scipys_divergence(missing: int | None, scene: MakeScene) -> None:
    model, train, test = scene()
    if missing is not None:  # a class that the model predicts for no training image
        train = Training(*(tensor[train.logits.argmax(1) != missing] for tensor in train))
    p, past = (softmax(x.logits.double().numpy(), axis=1) for x in (test, train))
    predicted = past.argmax(1)
    assert len(np.unique(predicted)) == (4 if missing is None else 3)
    typical = [past[predicted == k].mean(0) for k in np.unique(predicted)]
    expected = np.min([rel_entr(p, one).sum(1) for one in typical], axis=0)
    mislabelled = train._replace(labels=(train.labels + 1) % 4)  # labels do not enter
    for given_ in (train, mislabelled):
        assert KLMatching().fit(model, given_)(test).numpy() == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_kl_matching_is_finite_where_probabilities_are_0_in_floats() -> None:
    logits = torch.tensor([[500.0, 0, -500], [0, 900, 0]])
    score = KLMatching().fit(None, Training(torch.empty(2, 0), logits, torch.arange(2)))  # type: ignore[arg-type]
    found = score(outputs(torch.tensor([[500.0, 0, -500], [-500, 0, 500], [0, 0, 0]])))
    # By hand: all of p is on class 2, where log d is -1000 for the first class and -900 for the second.
    assert found.tolist()[:2] == pytest.approx([0, 900])
    assert found.tolist()[2] == pytest.approx(-math.log(3) + 1500 / 3)


def test_kl_matching_needs_training(scene: MakeScene) -> None:
    with pytest.raises(BadValueError, match="kl_matching: expected the model's outputs on training images"):
        KLMatching().fit(scene().model, None)


# Tempered MSP


@given(logits=LOGITS, temperature=st.sampled_from([0.5, 1.0, 3.0, 1000.0]))
def test_tempered_msp_is_a_falling_function_of_the_papers_score(logits: Tensor, temperature: float) -> None:
    found = TemperedMSP(temperature=temperature).fit(None)(outputs(logits))  # type: ignore[arg-type]
    p = (1 / (1 + 2 * torch.exp(found / temperature))).numpy()
    assert p == pytest.approx(softmax(logits.double().numpy() / temperature, axis=1).max(1), rel=1e-9)
    assert float(found.max()) <= 0


def test_tempered_msp_keeps_apart_what_float32_would_tie() -> None:
    logits = torch.randn(2000, 10, generator=derive(0)) * 3
    p = softmax(logits.double().numpy() / 1000, axis=1).max(1)
    found = TemperedMSP().fit(None)(outputs(logits)).float()  # type: ignore[arg-type]
    assert len(found.unique()) == len(np.unique(p))  # type: ignore[no-untyped-call]
    assert len(np.unique(p.astype(np.float32))) < len(np.unique(p))
    assert np.array_equal(rankdata(found.numpy()), rankdata(-p))
    limit = (logits.sum(1) - logits.amax(1)) / 9 - logits.amax(1)
    hot = TemperedMSP(temperature=1e7).fit(None)(outputs(logits))  # type: ignore[arg-type]
    torch.testing.assert_close(hot.float(), limit, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [TemperedMSP, ODIN])
def test_a_temperature_is_above_0(kind: type) -> None:
    for temperature in (0, -1):
        with pytest.raises(BadValueError, match="temperature: expected a number >"):
            kind(temperature=temperature)


# ODIN


def test_odin_equals_the_papers_formula_on_a_linear_model(linear: Any) -> None:
    weight = torch.randn(3, 16, generator=derive(5), dtype=torch.float64)
    model, x = linear(weight), torch.rand(20, 1, 4, 4, generator=derive(6), dtype=torch.float64)
    w = weight.numpy()
    z = x.flatten(1).numpy() @ w.T
    p = softmax(z / 1000, axis=1)
    # The gradient of log p_c is (w_c - sum_k p_k w_k) / T; x' = x - eps sign(-gradient).
    moved = x.flatten(1).numpy() - 0.1 * np.sign(-(w[z.argmax(1)] - p @ w))
    expected = softmax(np.clip(moved, 0, 1) @ w.T / 1000, axis=1).max(1)
    found = ODIN(eps=0.1).fit(model)(predict_all(model, x), x)
    assert (1 / (1 + 2 * torch.exp(found / 1000))).numpy() == pytest.approx(expected, rel=1e-12)


def test_odins_step_raises_confidence_and_none_is_tempered_msp(small: Classifier) -> None:
    x = torch.rand(300, 1, 12, 12, generator=derive(7)) * 0.8 + 0.1
    seen = predict_all(small, x)
    still = ODIN(eps=0).fit(small)(seen, x)
    torch.testing.assert_close(still, TemperedMSP().fit(small)(seen), rtol=1e-4, atol=1e-4)
    assert float((ODIN(eps=0.01).fit(small)(seen, x) < still).float().mean()) > 0.99


def test_odin_leaves_everything_as_found_and_takes_bytes(small: Classifier) -> None:
    pixels = torch.randint(0, 256, (9, 1, 12, 12), generator=derive(8), dtype=torch.uint8)
    small.train()
    with torch.inference_mode():
        seen = predict_all(small, pixels)
    copy = pixels.clone()
    score = ODIN().fit(small)
    found = score(seen, pixels)
    torch.testing.assert_close(score(seen, pixels / 255), found)
    with torch.inference_mode():
        torch.testing.assert_close(score(seen, pixels), found)
    assert all(module.training for module in small.modules())
    assert all(weight.grad is None for weight in small.parameters())
    assert torch.equal(copy, pixels)


def test_odin_needs_a_gradient() -> None:
    class Cut(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.detach().flatten(1)

    x = torch.rand(4, 1, 2, 2, generator=derive(0))
    model = wrap(Cut(), x)
    with pytest.raises(GradientError, match="depend on the image differentiably"):
        ODIN().fit(model)(predict_all(model, x), x)


# Disagreement


def ensemble(linear: Any, members: int) -> tuple[Ensemble, Tensor]:
    models = [linear(torch.randn(5, 16, generator=derive(seed, "member"))) for seed in range(members)]
    return Ensemble(models), torch.rand(30, 1, 4, 4, generator=derive(1))


def test_of_two_members_it_is_scipys_jensen_shannon_divergence(linear: Any) -> None:
    model, x = ensemble(linear, 2)
    one, two = (softmax(member(x).detach().double().numpy(), axis=1) for member in model.members)
    found = Disagreement().fit(model)(predict_all(model, x)).numpy()
    assert found == pytest.approx(jensenshannon(one, two, axis=1) ** 2, rel=1e-5)  # scipy gives its square root


def test_it_is_the_mutual_information_of_member_and_prediction(linear: Any) -> None:
    model, x = ensemble(linear, 4)
    p = np.stack([softmax(member(x).detach().double().numpy(), axis=1) for member in model.members])
    entropy = -(p.mean(0) * np.log(p.mean(0))).sum(1) + (p * np.log(p)).sum(2).mean(0)
    assert Disagreement().fit(model)(predict_all(model, x)).numpy() == pytest.approx(entropy, rel=1e-5, abs=1e-7)


def test_members_that_agree_give_0_and_such_as_are_sure_of_different_classes_log_m(linear: Any) -> None:
    x = torch.ones(1, 1, 1, 3)
    same = Ensemble([linear(torch.eye(3)) for _ in range(3)])
    assert Disagreement().fit(same)(predict_all(same, x)).tolist() == pytest.approx([0], abs=1e-12)
    split = Ensemble([linear(1000 * torch.eye(3)[k][:, None].expand(3, 3)) for k in range(3)])
    assert Disagreement().fit(split)(predict_all(split, x)).tolist() == pytest.approx([math.log(3)])


def test_a_model_that_is_no_ensemble_has_none(linear: Any, scene: MakeScene) -> None:
    for model in (scene().model, Ensemble([linear(torch.eye(3))])):
        with pytest.raises(BadValueError, match="expected an ensemble of at least two members"):
            Disagreement().fit(model)
