"""Outlier exposure and the energy margin against their formulas."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from assay.attacks import FGSM
from assay.errors import BadValueError
from assay.objectives import Batch, CrossEntropy, EnergyMargin, MixedAdversarial, OutlierExposure
from assay.objectives.outlier_exposure import to_uniform


def batch(generator: torch.Generator) -> Batch:
    x, strange = torch.rand(2, 7, 1, 2, 2, generator=generator)
    return Batch(x, torch.randint(0, 3, (7,), generator=generator), strange)


def test_cross_entropy_to_uniform_is_that_of_scipy_and_at_least_log_k() -> None:
    z = torch.randn(9, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    softmax = np.exp(z.numpy() - logsumexp(z.numpy(), axis=1, keepdims=True))
    assert float(to_uniform(z)) == pytest.approx(float(-np.log(softmax).mean(1).mean()), rel=1e-12)
    assert float(to_uniform(torch.full((2, 5), 3.0))) == pytest.approx(math.log(5), rel=1e-6)


@pytest.mark.parametrize("inner", [CrossEntropy(), MixedAdversarial(attack=FGSM(eps=0.1), weight=0.7)])
def test_it_adds_to_whatever_it_wraps(inner: CrossEntropy | MixedAdversarial, linear: Any) -> None:
    g = torch.Generator().manual_seed(1)
    model, given = linear(torch.randn(3, 4, generator=g)), batch(g)
    alone = inner(model, given, g)
    assert given.outliers is not None
    z = model(given.outliers).detach().numpy()
    wrapped = OutlierExposure(objective=inner, weight=0.3)(model, given, g)
    added = 0.3 * (logsumexp(z, axis=1) - z.mean(1)).mean()
    assert float(wrapped.value.detach()) == pytest.approx(float(alone.value.detach()) + added, rel=1e-5)
    torch.testing.assert_close(wrapped.logits, model(given.x))


def test_the_energy_margin_is_two_squared_hinges(linear: Any) -> None:
    g = torch.Generator().manual_seed(2)
    model, given = linear(3 * torch.randn(3, 4, generator=g)), batch(g)
    assert given.outliers is not None
    inside, outside = (-logsumexp(model(x).detach().numpy(), axis=1) for x in (given.x, given.outliers))
    low, high = float(np.median(inside)), float(np.median(outside)) + 1
    low, high = min(low, high - 0.1), high
    hinges = (np.maximum(0, inside - low) ** 2).mean() + (np.maximum(0, high - outside) ** 2).mean()
    found = EnergyMargin(weight=0.2, inside=low, outside=high)(model, given, g).value
    alone = CrossEntropy()(model, given, g).value
    assert hinges > 0
    assert float(found.detach()) == pytest.approx(float(alone.detach()) + 0.2 * hinges, rel=1e-5)


def test_energies_beyond_their_margins_cost_nothing(linear: Any) -> None:
    given = Batch(torch.ones(2, 1, 1, 1), torch.zeros(2, dtype=torch.int64), torch.zeros(2, 1, 1, 1))
    model = linear(torch.tensor([[50.0], [0.0]]))  # energies -50 inside and -log 2 outside
    assert float(EnergyMargin(weight=5)(model, given, torch.Generator()).value.detach()) == pytest.approx(0, abs=1e-6)
    beyond = EnergyMargin(weight=5, inside=-51, outside=1)(model, given, torch.Generator()).value.detach()
    assert float(beyond) == pytest.approx(5 * ((51 - 50) ** 2 + (1 + math.log(2)) ** 2), rel=1e-5)


def test_what_cannot_be_wrapped_is_refused(linear: Any) -> None:
    with pytest.raises(BadValueError, match="expected one without outliers of its own, got outlier_exposure"):
        EnergyMargin(objective=OutlierExposure())
    with pytest.raises(BadValueError, match="objective: expected an objective, such as cross_entropy, got 3"):
        OutlierExposure(objective=3)  # type: ignore[arg-type]
    with pytest.raises(BadValueError, match="source: expected a source of outliers, such as fractals, got 'noise'"):
        OutlierExposure(source="noise")  # type: ignore[arg-type]
    with pytest.raises(BadValueError, match="weight: expected a number >= 0, got -1"):
        OutlierExposure(weight=-1)
    with pytest.raises(BadValueError, match="inside: expected a number below outside=-5, got -4"):
        EnergyMargin(inside=-4)
    with pytest.raises(BadValueError, match="expected a batch with outliers, got none"):
        OutlierExposure()(
            linear(torch.ones(2, 1)), Batch(torch.ones(1, 1, 1, 1), torch.zeros(1).long()), torch.Generator()
        )
