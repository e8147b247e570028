from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadValueError
from assay.metrics.thinning import thinned

STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(any), min_size=1, max_size=60)


def test_a_corner_is_kept_and_what_lies_on_a_line_is_not() -> None:
    x, y = np.array([0.0, 0, 0, 1, 2, 3]), np.array([0.0, 1, 2, 2, 2, 2])
    assert thinned(x, y, points=10).tolist() == [0, 2, 5]
    assert thinned(x, y, points=2).tolist() == [0, 5]
    assert thinned(x, y, points=10, tolerance=3).tolist() == [0, 5]  # the corner is off by 2.4
    assert thinned(x[:1], y[:1], points=10).tolist() == [0]


@given(steps=STEPS, points=st.integers(2, 20), tolerance=st.sampled_from([0.0, 0.5, 2.0]))
def test_what_is_left_out_is_off_by_no_more_than_the_tolerance(
    steps: list[tuple[int, int]], points: int, tolerance: float
) -> None:
    x, y = (np.cumsum([0, *values]).astype(float) for values in zip(*steps, strict=True))
    kept = thinned(x, y, points=points, tolerance=tolerance)
    assert len(kept) <= points
    assert kept[[0, -1]].tolist() == [0, len(x) - 1]
    assert bool((np.diff(kept) > 0).all())
    if len(kept) < points:
        # Between two points kept, each point's distance from the line through them, measured across the diagonal.
        for a, b in pairwise(kept):
            rise = ((y[b] - x[b]) - (y[a] - x[a])) / ((x[b] + y[b]) - (x[a] + y[a]))
            for k in range(a, b):
                line = (y[a] - x[a]) + rise * ((x[k] + y[k]) - (x[a] + y[a]))
                assert abs((y[k] - x[k]) - line) <= tolerance + 1e-9


def test_fewer_than_two_points_are_refused() -> None:
    with pytest.raises(BadValueError, match=r"points: expected a whole number >= 2, got 1"):
        thinned(np.zeros(1), np.zeros(1), points=1)
