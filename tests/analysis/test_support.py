import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from assay.analysis.support import FRONTS, front_support


def still(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.repeat(values[:, :, None], 500, axis=2).astype(np.float32)


def test_without_noise_the_front_stands() -> None:
    values = np.array([[0.9, 0.1], [0.5, 0.05], [0.5, 0.2]])
    training = np.array([[0.0, np.nan]] * 3)
    assert front_support(values, still(values), training, (True, False)).tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("scales", [(1.0, 1.0), (2.0, 0.0)])
def test_with_noise_alone_by_probability(scales: tuple[float, float]) -> None:
    """Of two recipes on one axis, the worse one leads with the chance that the difference of their errors undoes it."""
    values = np.array([[1.0], [0.0]])
    found = front_support(values, still(values), np.array(scales)[:, None], (True,))
    chance = norm.cdf(-1 / np.hypot(*scales))
    assert abs(found[1] - chance) < 4 * np.sqrt(chance * (1 - chance) / FRONTS)
    assert found.sum() == 1


def test_draws_give_their_spread_and_not_their_centre() -> None:
    """As draws of calibration errors, these lie above the values, and more so where the value is better."""
    random = np.random.default_rng(0)
    values = np.array([[0.0020], [0.0025]])
    draws = np.array([[0.0030], [0.0027]])[:, :, None] + 0.0003 * random.standard_normal((2, 1, 1000))
    found = front_support(values, draws.astype(np.float32), np.zeros((2, 1)), (False,))
    chance = norm.cdf(0.0005 / (0.0003 * np.sqrt(2)))
    assert abs(found[0] - chance) < 4 * np.sqrt(chance * (1 - chance) / FRONTS)
    assert found.sum() == 1


def test_recipes_without_draws_have_no_support() -> None:
    values = np.array([[0.9, 0.1], [0.5, 0.2]])
    draws = still(values)
    draws[0, 1, 3] = np.nan
    found = front_support(values, draws, np.zeros((2, 2)), (True, False))
    assert np.isnan(found[0])
    assert found[1] == 1
    assert np.isnan(front_support(values, draws[:, :, :0], np.zeros((2, 2)), (True, False))).all()
