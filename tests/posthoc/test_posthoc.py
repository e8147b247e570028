"""Calibrators: their optima, their limits, and agreement with scikit-learn and netcal."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F

from assay import posthoc
from assay.architectures import Ensemble
from assay.attacks import PGD
from assay.classifier import Classifier, predict_all, predict_logits, wrap
from assay.data import Images
from assay.errors import BadValueError, GradientError
from assay.metrics.proper_scores import nll
from assay.posthoc import Calibrator, Histogram, Isotonic, Matrix, Platt, Temperature, Vector
from assay.posthoc.bbq import binning, mixed
from assay.posthoc.isotonic import rising
from assay.posthoc.platt import log_odds
from assay.randomness import derive
from assay.recipe import part_classes

KINDS = [part for kind in part_classes(posthoc).values() if isinstance(part := kind(), Calibrator)]
kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def drawn(n: int, sharpness: float = 1.0, classes: int = 4, name: str = "drawn") -> tuple[Tensor, Tensor]:
    """Logits, and labels drawn from their softmax; then the logits are sharpened."""
    generator = derive(0, "posthoc", name)
    z = 3 * torch.randn(n, classes, generator=generator, dtype=torch.float64)
    return z * sharpness, torch.multinomial(z.softmax(1), 1, generator=generator).squeeze(1)


def images(count: int = 60) -> Images:
    g = torch.Generator().manual_seed(0)
    x = torch.randint(256, (count, 1, 12, 12), generator=g, dtype=torch.uint8)
    return Images(name="toy", x=x, y=torch.randint(4, (count,), generator=g), classes=("a", "b", "c", "d"))


@kinds
def test_a_calibrated_model_keeps_the_contract(kind: Calibrator, small: Classifier) -> None:
    stream, modes = torch.get_rng_state(), [module.training for module in small.modules()]
    fitted = kind.fit(small, images())
    assert torch.equal(torch.get_rng_state(), stream)
    assert [module.training for module in small.modules()] == modes
    before, after = predict_all(small, images().x), predict_all(fitted, images().x)
    assert torch.equal(predict_logits(kind.fit(small, images()), images().x), after.logits)
    assert torch.equal(before.features, after.features)
    assert after.logits.dtype == before.logits.dtype
    torch.testing.assert_close(fitted.head(after.features), after.logits, rtol=1e-4, atol=1e-4)
    if fitted.log_probabilities:
        torch.testing.assert_close(after.logits.logsumexp(1), torch.zeros(60), rtol=0, atol=1e-5)
    assert len(list(fitted.parameters())) == len(list(small.parameters()))


@kinds
def test_a_linear_head_stays_linear_where_the_calibration_is_affine(kind: Calibrator) -> None:
    torch.manual_seed(0)
    model = wrap(nn.Sequential(nn.Flatten(), nn.Linear(144, 4)), images().x)
    fitted = kind.fit(model, images())
    assert (fitted.linear_head is not None) == (kind.name in ("temperature", "vector", "matrix"))
    if fitted.linear_head is not None:
        found = predict_all(fitted, images().x)
        own = F.linear(found.features, *fitted.linear_head).detach()
        torch.testing.assert_close(own, found.logits, rtol=1e-3, atol=1e-3)


@kinds
def test_gradients_are_there_or_clearly_not(kind: Calibrator, small: Classifier) -> None:
    x = images().x[:6] / 255
    for inside in (small.eval(), Ensemble([small, small]).eval()):
        model = kind.fit(inside, images())
        y = model(x).argmax(1)
        if kind.differentiable:
            assert not torch.equal(PGD(eps=0.3, steps=3)(model, x, y, derive(0)), x)
        else:
            with pytest.raises(GradientError, match="differentiably"):
                PGD(eps=0.3, steps=3)(model, x, y, derive(0))


@kinds
def test_it_brings_sharpened_logits_near_calibration(kind: Calibrator) -> None:
    z, y = drawn(6000, 2.5)
    fitted = kind.fit_logits(z[:3000], y[:3000])
    found = nll(fitted(z[3000:]), y[3000:])
    # Ten bins are coarse: the histogram gains less.
    assert found < nll(z[3000:] / 2.5, y[3000:]) + (0.15 if kind.name == "histogram" else 0.05)
    assert found < nll(z[3000:], y[3000:]) - 0.05
    if kind.name in ("temperature", "vector", "matrix"):
        assert nll(fitted(z[:3000]), y[:3000]) <= nll(z[:3000], y[:3000])


@kinds
def test_edges(kind: Calibrator) -> None:
    one = kind.fit_logits(torch.tensor([[5.0, 0.0, 1.0]]), torch.tensor([0]))  # one image
    assert bool(one(torch.tensor([[1000.0, -1000.0, 0.0], [0.0, 0.0, 0.0]])).isfinite().all())
    z, y = drawn(50)
    same = kind.fit_logits(z, torch.zeros_like(y))  # one class alone
    assert math.isfinite(nll(same(z), y))
    ties = kind.fit_logits(torch.zeros(30, 3), torch.arange(30) % 3)
    torch.testing.assert_close(ties(torch.zeros(1, 3)).softmax(1), torch.full((1, 3), 1 / 3), rtol=0, atol=1e-4)
    with pytest.raises(BadValueError, match="labels"):
        kind.fit_logits(torch.zeros(2, 3), torch.tensor([0, 3]))


@pytest.mark.parametrize("known", [0.5, 1.0, 3.0])
def test_a_known_temperature_is_found(known: float) -> None:
    z, y = drawn(40_000, known)
    fitted = Temperature().fit_logits(z, y)
    found = float(z[0, 0] / fitted(z)[0, 0])
    assert found == pytest.approx(known, rel=0.03)
    assert torch.equal(fitted(z).argmax(1), z.argmax(1))
    sharpness = torch.tensor(1 / found, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(F.cross_entropy(z * sharpness, y), sharpness)
    assert float(slope.abs()) < 1e-9


def test_temperatures_have_their_bounds() -> None:
    z, _ = drawn(50)
    assert float(z[0, 0] / Temperature().fit_logits(z, z.argmax(1))(z)[0, 0]) == pytest.approx(1 / 20)
    assert float(z[0, 0] / Temperature().fit_logits(z, z.argmin(1))(z)[0, 0]) == pytest.approx(20)


@pytest.mark.parametrize("kind", [Vector(), Matrix()])
def test_affine_fits_are_at_the_minimum(kind: Any) -> None:
    z, y = drawn(800, 2.0)
    fitted = kind.fit_logits(z, y)
    weight, bias = fitted.weight.clone().requires_grad_(), fitted.bias.clone().requires_grad_()
    loss = F.cross_entropy(z @ weight.T + bias, y)
    loss = loss + ((weight - torch.eye(4)).square().sum() + bias.square().sum()) / 1600
    slopes = torch.autograd.grad(loss, (weight, bias))
    free = slopes[0].diag() if kind.name == "vector" else slopes[0]
    assert float(free.abs().max()) < 1e-5
    assert float(slopes[1].abs().max()) < 1e-5
    assert bool((fitted.weight.diag().diag() == fitted.weight).all()) == (kind.name == "vector")


def test_matrix_is_logistic_regression_but_for_its_penalty() -> None:
    # Without a penalty scikit-learn's NLL bounds ours from below, and one image's worth of penalty costs little.
    z, y = drawn(3000, 2.0)
    free = LogisticRegression(C=1e6, max_iter=5000, tol=1e-6).fit(z.numpy(), y.numpy())
    best = -float(np.log(free.predict_proba(z.numpy()))[np.arange(3000), y.numpy()].mean())
    assert best - 1e-6 <= nll(Matrix().fit_logits(z, y)(z), y) <= best + 5e-4


class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator whose scores are its input."""

    def fit(self, x: Any, y: Any) -> "Given":  # noqa: ARG002
        self.classes_ = np.arange(4)
        return self

    def predict(self, x: Any) -> Any:
        return x.argmax(1)

    def decision_function(self, x: Any) -> Any:
        return x


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_platt_and_isotonic_equal_scikit_learn(method: str) -> None:
    z, y = drawn(1500, 2.0)
    other, _ = drawn(400, 2.0, name="other")
    scores, seen = ((log_odds(a) if method == "sigmoid" else a.softmax(1)).numpy() for a in (z, other))
    theirs = CalibratedClassifierCV(FrozenEstimator(Given().fit(None, None)), method=method).fit(scores, y.numpy())
    kind: Calibrator = Platt() if method == "sigmoid" else Isotonic()
    ours = kind.fit_logits(z, y)(other).softmax(1).numpy()
    # Theirs stops its search early, and has no floor.
    np.testing.assert_allclose(ours, theirs.predict_proba(seen), rtol=0, atol=2e-3)


@pytest.mark.parametrize("ties", [False, True])
def test_the_rising_curve_is_that_of_scikit_learn(ties: bool) -> None:
    z, _ = drawn(500)
    p = z.softmax(1)[:, 0].sort().values
    p = (p * 20).round() / 20 if ties else p
    hits = (torch.rand(500, generator=derive(3), dtype=torch.float64) < p).double()
    knots, values = rising(p, hits)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(p.numpy(), hits.numpy())
    at = np.linspace(0, 1, 301)
    np.testing.assert_allclose(np.interp(at, knots.numpy(), values.numpy()), theirs.predict(at), atol=1e-9)


def test_log_odds_by_hand() -> None:
    p = torch.tensor([[0.7, 0.2, 0.1], [1 / 3, 1 / 3, 1 / 3]], dtype=torch.float64)
    torch.testing.assert_close(log_odds(p.log()), (p / (1 - p)).log())
    far = log_odds(torch.tensor([[100.0, 0.0]], dtype=torch.float64))
    torch.testing.assert_close(far, torch.tensor([[100.0, -100.0]], dtype=torch.float64))


def test_histogram_by_hand_and_its_floor() -> None:
    # p_1 = 0.1, 0.2, 0.8, 0.9, two bins: below 0.5 none of class 1, above one of two.
    p = torch.tensor([0.1, 0.2, 0.8, 0.9], dtype=torch.float64)
    z = torch.stack([1 - p, p], 1).log()
    found = Histogram(bins=2).fit_logits(z, torch.tensor([0, 0, 1, 0]))(z).exp()
    floor = 1 / (2 * 6)
    assert found[:2, 1].tolist() == pytest.approx([floor / (1 + floor)] * 2)
    assert found[2:, 1].tolist() == pytest.approx([0.5, 0.5])


def test_bbq_weighs_binnings_by_their_marginal_likelihood() -> None:
    p = torch.tensor([0.1, 0.2, 0.8, 0.9], dtype=torch.float64)
    hits = torch.tensor([0.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    # One bin: middle 0.5, weight 2, alpha = beta = 1: B(3, 3) / B(1, 1) = 1 / 30.
    one, two = binning(p, hits, 1), binning(p, hits, 2)
    assert math.exp(one.evidence) == pytest.approx(1 / 30)
    assert one.estimates.tolist() == pytest.approx([0.5])
    # Two, middles 0.25 and 0.75: the likelier, of prior 0.75 of weight 1, happened twice of twice: 0.75 * 1.75 / 2.
    assert math.exp(two.evidence) == pytest.approx((0.75 * 1.75 / 2) ** 2)
    assert two.estimates.tolist() == pytest.approx([0.25 / 3, 2.75 / 3])
    places, values = mixed(p, hits)  # of four images, at five a bin, one bin is all
    assert places.tolist() == []
    assert values.tolist() == pytest.approx([0.5])


@pytest.mark.oracle
def test_histogram_equals_netcal() -> None:
    netcal = pytest.importorskip("netcal.binning", reason="netcal is not installed: make test-oracles")
    p = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000  # evenly spread: bins of equal width hold equally many
    y = (torch.rand(1000, generator=derive(4), dtype=torch.float64) < p.square()).long()
    theirs = netcal.HistogramBinning(bins=10).fit(p.numpy(), y.numpy()).transform(p.numpy())
    z = torch.stack([1 - p, p], 1).log()
    ours = Histogram().fit_logits(z, y)(z).softmax(1)[:, 1].numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)  # it has no floor


@pytest.mark.oracle
@pytest.mark.parametrize("classes", [2, 4])
def test_isotonic_equals_netcal(classes: int) -> None:
    netcal = pytest.importorskip("netcal.binning", reason="netcal is not installed: make test-oracles")
    z, y = drawn(2000, 2.0, classes, "netcal")
    p = z.softmax(1).numpy()
    theirs = netcal.IsotonicRegression(independent_probabilities=classes == 2).fit(p, y.numpy()).transform(p)
    theirs = theirs / theirs.sum(1, keepdims=True)
    ours = Isotonic().fit_logits(z, y)(z).softmax(1).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1 / 2002)  # it has no floor: ours, of all classes together


@kinds
def test_logits_made_in_inference_mode_are_taken(kind: Calibrator) -> None:
    with torch.inference_mode():
        logits = torch.randn(60, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        fitted = kind.fit_logits(logits, torch.arange(60) % 3)
    assert bool(fitted(logits.clone()).isfinite().all())
