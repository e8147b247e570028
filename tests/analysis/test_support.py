import numpy as np
from scipy.stats import norm

from assay.analysis.support import FRONTS, front_support


def still(values: list[list[float]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.repeat(np.array(values, dtype=np.float32)[:, :, None], 500, axis=2)


def test_without_noise_the_front_stands() -> None:
    draws = still([[0.9, 0.1], [0.5, 0.05], [0.5, 0.2]])
    assert front_support(draws, (True, False), (0.0, float("nan"))).tolist() == [1.0, 1.0, 0.0]


def test_with_noise_alone_by_probability() -> None:
    """Of two recipes on one axis, the worse one leads with the chance that a normal error of sqrt(2) s undoes it."""
    found = front_support(still([[1.0], [0.0]]), (True,), (1.0,))
    chance = norm.cdf(-1 / np.sqrt(2))
    assert abs(found[1] - chance) < 4 * np.sqrt(chance * (1 - chance) / FRONTS)
    assert found.sum() == 1


def test_recipes_without_draws_have_no_support() -> None:
    draws = still([[0.9, 0.1], [0.5, 0.2]])
    draws[0, 1, 3] = np.nan
    found = front_support(draws, (True, False), (0.0, 0.0))
    assert np.isnan(found[0])
    assert found[1] == 1
    assert np.isnan(front_support(draws[:, :, :0], (True, False), (0.0, 0.0))).all()
