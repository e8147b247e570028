from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assay.analysis.hypervolume import contributions, group_contributions, hypervolume
from assay.analysis.zoo import Floats
from assay.errors import BadValueError

POINTS = arrays(
    np.float64, st.tuples(st.integers(1, 7), st.integers(1, 5)), elements=st.integers(-1, 6).map(lambda k: k / 4)
)


def by_inclusion_and_exclusion(points: Floats) -> float:
    """The volume of a union of boxes [0, p] from the volumes of their intersections."""
    boxes = np.clip(points, 0, None)
    return sum(
        (1.0 if size % 2 else -1.0) * float(np.min(boxes[list(chosen)], axis=0).prod())
        for size in range(1, len(boxes) + 1)
        for chosen in combinations(range(len(boxes)), size)
    )


def by_slices(points: Floats) -> float:
    """The volume of a union of boxes [0, p], slice by slice along the last axis."""
    if points.shape[1] == 1:
        return float(points.max())
    heights = np.unique(points[:, -1])
    return sum(
        float(height - below) * by_slices(np.unique(points[points[:, -1] >= height, :-1], axis=0))
        for below, height in zip([0.0, *heights[:-1]], heights, strict=True)
    )


@given(POINTS)
def test_agrees_with_inclusion_and_exclusion(points: Floats) -> None:
    assert hypervolume(points, np.zeros(points.shape[1])) == pytest.approx(by_inclusion_and_exclusion(points), abs=1e-9)


@given(POINTS)
def test_a_contribution_is_what_is_lost_without_the_point(points: Floats) -> None:
    zero = np.zeros(points.shape[1])
    whole = hypervolume(points, zero)
    for place, own in enumerate(contributions(points, zero)):
        without = np.delete(points, place, axis=0)
        assert own == pytest.approx(whole - hypervolume(without, zero), abs=1e-9)


@given(POINTS, st.data())
def test_groups_add_what_is_lost_without_all_of_their_points(points: Floats, data: st.DataObject) -> None:
    groups = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(points), max_size=len(points))))
    zero = np.zeros(points.shape[1])
    for group, own in enumerate(group_contributions(points, zero, groups)):
        lost = by_inclusion_and_exclusion(points) - by_inclusion_and_exclusion(points[groups != group])
        assert own == pytest.approx(lost, abs=1e-9)


@pytest.mark.parametrize(("axes", "n"), [(1, 9), (2, 99), (3, 99), (4, 32), (5, 18), (6, 10)])
def test_many_points_agree_with_slices(axes: int, n: int) -> None:
    points = np.random.default_rng(axes).random((n, axes)) ** 0.2  # most of them on the front
    assert hypervolume(points, np.zeros(axes)) == pytest.approx(by_slices(points), rel=1e-12)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).random((40, 5))
    groups = np.arange(40) % 7
    whole = hypervolume(points, np.zeros(5)), group_contributions(points, np.zeros(5), groups)
    for name in ("BLOCK", "KEEN", "FEW"):
        monkeypatch.setattr(f"assay.analysis.hypervolume.{name}", 1)
    assert hypervolume(points, np.zeros(5)) == pytest.approx(whole[0], rel=1e-12)
    assert group_contributions(points, np.zeros(5), groups) == pytest.approx(whole[1], abs=1e-12)


@pytest.mark.parametrize("axes", [2, 3, 4, 5])
def test_agrees_with_monte_carlo(axes: int) -> None:
    random = np.random.default_rng(axes)
    points = random.random((30, axes)) ** 0.5
    samples = random.random((200_000, axes))
    hit = np.zeros(len(samples), dtype=bool)
    for point in points:
        hit |= (samples <= point).all(axis=1)
    assert hypervolume(points, np.zeros(axes)) == pytest.approx(hit.mean(), abs=5 * hit.std() / np.sqrt(len(hit)))


def test_closed_forms() -> None:
    assert hypervolume(np.array([[3.0, 5.0, 2.0, 4.0]]), (1, 1, 1, 1)) == 2 * 4 * 1 * 3
    stairs = np.array([[k, 10 - k] for k in range(1, 10)], dtype=float)
    assert hypervolume(stairs, (0, 0)) == 45  # columns of width 1 and heights 9..1
    # k + l + m = n + 2: the unit cubes under the plane, n (n + 1) (n + 2) / 6 of them
    plane = np.array([[k, m, 7 - k - m] for k in range(1, 6) for m in range(1, 7 - k)], dtype=float)
    assert hypervolume(plane, (0, 0, 0)) == 5 * 6 * 7 / 6
    assert hypervolume(np.zeros((0, 3)), (0, 0, 0)) == 0
    assert contributions(stairs, (0, 0)).tolist() == [1.0] * 9


@given(POINTS)
def test_dominated_points_and_order_do_not_matter(points: Floats) -> None:
    zero = np.zeros(points.shape[1])
    more = np.concatenate([points[::-1], points - 0.25])
    assert hypervolume(more, zero) == pytest.approx(hypervolume(points, zero), abs=1e-9)


@pytest.mark.parametrize(
    ("points", "reference", "text"),
    [
        (np.zeros((2, 3)), (0, 0), "expected shape"),
        (np.array([[np.nan, 1.0]]), (0, 0), "expected finite numbers"),
    ],
)
def test_bad_input(points: Floats, reference: tuple[float, ...], text: str) -> None:
    with pytest.raises(BadValueError, match=text):
        hypervolume(points, reference)
