import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assay.analysis.pareto import oriented, pareto, undominated
from assay.analysis.zoo import Floats
from assay.errors import BadValueError

SMALL = arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 4).map(float))


def beats(a: Floats, b: Floats) -> bool:
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(x > y for x, y in zip(a, b, strict=True))


def test_directions_ties_and_missing_values() -> None:
    accuracy_and_error = np.array([[0.9, 0.1], [0.8, 0.05], [0.8, 0.2], [0.9, 0.1], [np.nan, 0.0], [0.7, 0.3]])
    found = pareto(accuracy_and_error, [True, False])
    assert found.front == (0, 1, 3)  # equals share the front
    assert found.ranks.tolist() == [1, 1, 2, 1, 0, 3]
    assert found.left_out == (4,)


def test_nothing_at_all() -> None:
    assert pareto(np.zeros((0, 3)), [True] * 3).front == ()
    assert pareto(np.full((2, 1), np.nan), [True]).left_out == (0, 1)


@given(SMALL)
def test_agrees_with_the_definition(values: Floats) -> None:
    found = pareto(values, [True] * values.shape[1])
    for place, row in enumerate(values):
        assert (found.ranks[place] == 1) == (not any(beats(other, row) for other in values))
        ahead = [found.ranks[other] for other in range(len(values)) if beats(values[other], row)]
        assert found.ranks[place] == 1 + max(ahead, default=0)  # the longest chain of recipes that beat it
    assert np.flatnonzero(undominated(values)).tolist() == list(found.front)


def test_the_front_of_many_is_that_of_the_definition() -> None:
    values = np.random.default_rng(0).normal(size=(300, 3)).round(1)  # some of them equal
    expected = [not any(beats(other, row) for other in values) for row in values]
    assert undominated(values).tolist() == expected


@given(SMALL)
def test_turning_an_axis_with_its_direction_changes_nothing(values: Floats) -> None:
    turned = values.copy()
    turned[:, 0] *= -1
    up = [True] * values.shape[1]
    assert pareto(values, up).ranks.tolist() == pareto(turned, [False, *up[1:]]).ranks.tolist()


def test_shapes_must_fit() -> None:
    with pytest.raises(BadValueError, match=r"expected shape \(R, 3\)"):
        oriented(np.zeros((2, 2)), [True] * 3)
