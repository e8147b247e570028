import numpy as np
import pytest

from assay.analysis.pareto import pareto
from assay.analysis.volume import Volume, volume
from assay.analysis.zoo import Floats

UP = (True, False)


def of(values: Floats, families: tuple[str, ...], baseline: int | None = 0) -> Volume:
    return volume(values, UP, pareto(values, UP), families, baseline)


def test_by_hand() -> None:
    # accuracy from 0.5 to 0.9, error from 0.3 to 0.1: in the unit box (0, 1), (0.5, 0.5), (0.5, 0.5), (1, 0)
    values = np.array([[0.5, 0.1], [0.7, 0.2], [0.7, 0.2], [0.9, 0.3], [0.6, np.nan]])
    found = of(values, ("a", "b", "b", "c", "d"), baseline=1)
    assert found.value == pytest.approx(0.25)
    assert found.reference == pytest.approx((0.5, 0.3))
    assert found.ideal == pytest.approx((0.9, 0.1))
    assert found.baseline == pytest.approx(0.25)
    assert found.recipes == pytest.approx({0: 0.0, 1: 0.0, 2: 0.0, 3: 0.0})  # the twins cover each other
    assert found.families == pytest.approx({"a": 0.0, "b": 0.25, "c": 0.0})


def test_one_recipe_best_at_everything_fills_the_box() -> None:
    found = of(np.array([[0.9, 0.1], [0.5, 0.3]]), ("a", "b"), baseline=None)
    assert (found.value, found.baseline) == (1.0, None)


@pytest.mark.parametrize(
    ("values", "reason"),
    [([[0.9, 0.1]], "1 recipes with all"), ([[0.9, 0.1], [0.9, 0.2]], "the same value on one of the axes")],
)
def test_reasons(values: list[list[float]], reason: str) -> None:
    found = of(np.array(values), ("a",) * len(values))
    assert found.value is None
    assert reason in found.reason
