import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from assay.analysis.ranking import rank, shares, weights_by_name
from assay.analysis.zoo import Floats
from assay.errors import BadValueError

VALUES = arrays(np.float64, st.tuples(st.integers(2, 10), st.integers(1, 4)), elements=st.integers(0, 5).map(float))


def test_by_hand() -> None:
    accuracy_and_error = np.array([[0.9, 0.3], [0.8, 0.1], [0.7, 0.3]])
    found = rank(accuracy_and_error, [True, False])
    assert found.shares.tolist() == [[1.0, 0.25], [0.5, 1.0], [0.0, 0.25]]
    assert [(item.recipe, item.rank, item.score) for item in found.order] == [
        (1, 1, 0.75),
        (0, 2, 0.625),
        (2, 3, 0.125),
    ]
    heavy = rank(accuracy_and_error, [True, False], weights=(3, 1))
    assert [(item.recipe, item.score) for item in heavy.order] == [(0, 0.8125), (1, 0.625), (2, 0.0625)]


@given(VALUES)
def test_shares_are_normalised_mid_ranks(values: Floats) -> None:
    expected = (rankdata(values, axis=0) - 1) / (len(values) - 1)
    assert shares(values, [0.0] * values.shape[1]) == pytest.approx(expected)


@given(VALUES, st.floats(0.1, 9))
def test_only_proportions_of_weights_matter(values: Floats, factor: float) -> None:
    up, weights = [True] * values.shape[1], [float(k + 1) for k in range(values.shape[1])]
    first, second = rank(values, up, weights), rank(values, up, [factor * weight for weight in weights])
    assert [(item.recipe, item.rank) for item in first.order] == [(item.recipe, item.rank) for item in second.order]


def test_within_the_margin_recipes_tie() -> None:
    found = rank(np.array([[0.90], [0.91], [0.95]]), [True], margins=(0.02,))
    assert found.shares[:, 0].tolist() == [0.25, 0.25, 1.0]
    assert [item.rank for item in found.order] == [1, 2, 2]


def test_nothing_is_imputed() -> None:
    values = np.array([[1.0, 0.0], [2.0, np.nan], [3.0, 1.0]])
    found = rank(values, [True, True])
    assert [item.recipe for item in found.order] == [2, 0]
    assert found.left_out == {1: (1,)}
    free = rank(values, [True, True], weights=(1, 0))
    assert [item.recipe for item in free.order] == [2, 1, 0]
    assert free.left_out == {}


def test_a_recipe_alone_is_in_the_middle() -> None:
    assert rank(np.array([[1.0]]), [True]).order[0].score == 0.5


@pytest.mark.parametrize(
    ("weights", "text"),
    [((1.0,), "expected 2 numbers"), ((-1, 1), ">= 0"), ((float("nan"), 1), ">= 0"), ((0, 0), "at least one axis")],
)
def test_bad_weights(weights: tuple[float, ...], text: str) -> None:
    with pytest.raises(BadValueError, match=text):
        rank(np.zeros((2, 2)), [True, True], weights)


def test_weights_by_name() -> None:
    assert weights_by_name({"attack": 3}, ("clean", "attack")) == (1.0, 3)
    with pytest.raises(BadValueError, match=r"'atack'; did you mean attack"):
        weights_by_name({"atack": 1}, ("clean", "attack"))
