"""SWAG: its moments against numpy, and its draws against the formula."""

import numpy as np
import pytest
import torch
from torch import nn

from assay.architectures.base import Network
from assay.errors import BadValueError
from assay.weights import SWAG, Course
from assay.weights.swag import Moments

PATH = np.random.default_rng(0).normal(size=(7, 10)) * np.linspace(0.1, 3, 10) + 5  # seven looks at ten weights


def network(weights: np.ndarray) -> Network:
    model = Network((1, 2, 2), 2, nn.Sequential(nn.Flatten()), 4)
    with torch.no_grad():
        model.last.weight.copy_(torch.from_numpy(weights[:8]).view(2, 4))
        model.last.bias.copy_(torch.from_numpy(weights[8:]))
    return model


def collected(rank: int, samples: int = 2) -> Moments:
    moments = SWAG(samples=samples, moments=6, rank=rank).collector()
    for weights in PATH:
        moments.add(network(weights))
    return moments


@pytest.mark.parametrize("rank", [2, 4, 6])
def test_the_moments_are_those_of_the_path(rank: int) -> None:
    found, path = collected(rank), PATH.astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(found.mean, path.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.square, (path**2).mean(0), rtol=1e-12)
    deviations = [
        path[n] - path[: n + 1].mean(0) for n in range(1, 7)
    ]  # from the mean so far, that of theta_n included
    np.testing.assert_allclose(torch.stack([*found.deviations]), deviations[-rank:], rtol=1e-5, atol=1e-6)


def test_draws_have_the_mean_and_the_covariance_of_the_formula() -> None:
    found, n, rank = collected(3), 40_000, 3
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([found.draw(generator) for _ in range(n)]).numpy()
    columns = np.stack([PATH[i] - PATH[: i + 1].mean(0) for i in (4, 5, 6)], axis=1)
    covariance = (np.diag(PATH.var(0)) + columns @ columns.T / (rank - 1)) / 2
    scale = np.sqrt(np.diag(covariance))
    assert np.abs((draws.mean(0) - PATH.mean(0)) / scale).max() < 5 / np.sqrt(n)
    # The standard error of a covariance of normal draws is at most sqrt(2 / n) of the two scales' product.
    error = (np.cov(draws.T) - covariance) / np.outer(scale, scale)
    assert np.abs(error).max() < 5 * np.sqrt(2 / n)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() > 0.1  # what is tested has correlations


def test_a_path_that_stands_still_gives_itself() -> None:
    moments = SWAG(samples=3, moments=2, rank=2).collector()
    for _ in range(3):
        moments.add(network(PATH[0]))
    for state in moments.states(network(PATH[0]), torch.Generator().manual_seed(0)):
        torch.testing.assert_close(state["last.bias"], torch.from_numpy(PATH[0, 8:]).float(), atol=1e-6, rtol=1e-6)


def test_states_are_draws_in_the_networks_shape_with_its_buffers() -> None:
    model = network(PATH[-1])
    model.normalise.mean.fill_(0.3)
    states = collected(6, samples=4).states(model, torch.Generator().manual_seed(1))
    again = collected(6, samples=4)
    drawn = [again.draw(generator) for generator in [torch.Generator().manual_seed(1)] for _ in range(4)]
    for state, weights in zip(states, drawn, strict=True):
        assert state.keys() == model.state_dict().keys()
        assert float(state["normalise.mean"]) == pytest.approx(0.3)
        assert torch.equal(state["last.weight"], weights[:8].view(2, 4).float())
        assert torch.equal(state["last.bias"], weights[8:].float())
    assert len({float(state["last.bias"][0]) for state in states}) == 4


def test_the_rate_is_the_recipes_until_its_epochs_end() -> None:
    course = Course(0.1, 12, 20)
    assert [SWAG(learning_rate=0.3).rate(step, course) for step in (0, 11, 12, 19)] == [0.1, 0.1, 0.3, 0.3]
    assert [SWAG().rate(step, course) for step in (0, 11, 12, 19)] == [0.1] * 4
    assert SWAG(moments=4, rank=2).marks(course) == (12, 14, 16, 18, 20)
    assert SWAG(moments=3, rank=2).marks(course) == (12, 14, 17, 20)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadValueError, match="swag: moments: expected at most one for each of the 8 steps"):
        SWAG().marks(Course(0.1, 12, 20))
    with pytest.raises(BadValueError, match="swag: moments: expected a whole number >= 20, got 19"):
        SWAG(moments=19)
    with pytest.raises(BadValueError, match="swag: rank: expected a whole number >= 2, got 1"):
        SWAG(rank=1)
    with pytest.raises(BadValueError, match="swag: learning_rate: expected a number >= 0"):
        SWAG(learning_rate=-1)
    normed = Network((1, 2, 2), 2, nn.Sequential(nn.BatchNorm2d(1), nn.Flatten()), 4)
    with pytest.raises(BadValueError, match="swag: expected a network without batch normalisation"):
        SWAG().collector().add(normed)
