import re
from math import asinh

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.randomness import derive
from assay.report.score_histogram import BARS, histogram_svg, roundest, shares, steps, stretch


def test_the_axis_is_even_about_the_median_and_logarithmic_beyond() -> None:
    along = stretch(torch.tensor([1.0, 2.0, 4.0, 8.0, 4.0]))  # median 4; distances that are not 0: 2, 3, 4
    assert along == (4.0, 3.0)
    assert along.place_of(10.0) == pytest.approx(asinh(2))
    assert along.place(torch.tensor([10.0])).tolist() == pytest.approx([asinh(2)])
    assert along.score_at(along.place_of(-77.0)) == pytest.approx(-77)


@pytest.mark.parametrize("value", [0.0, -1.0, 1e20])
def test_equal_scores_have_an_axis_too(value: float) -> None:
    svg = str(histogram_svg({"test": [torch.full((9,), value)]}, "test", ["test"], "x"))
    assert "nan" not in svg
    assert ">100 %</text>" in svg


def test_shares_are_counted_as_numpy_does_and_sets_weigh_the_same() -> None:
    g = derive(0, "histogram")
    inside, small, large = (
        torch.randn(500, generator=g),
        torch.randn(50, generator=g) + 3,
        torch.randn(800, generator=g),
    )
    along = stretch(inside)
    found = shares({"test": [inside], "near": [small, large]}, along)
    edges = np.linspace(found.low, found.high, BARS + 1)

    def counted(scores: torch.Tensor) -> np.ndarray:
        places = np.arcsinh((scores.double().numpy() - along.centre) / along.scale)
        return np.histogram(places.clip(found.low, found.high), edges)[0] / len(scores)

    np.testing.assert_allclose(found.groups["test"], counted(inside), atol=1e-12)
    np.testing.assert_allclose(found.groups["near"], (counted(small) + counted(large)) / 2, atol=1e-12)


def test_one_far_image_neither_widens_the_axis_nor_is_lost() -> None:
    inside = torch.randn(1000, generator=derive(0, "far"))
    far = torch.cat([inside + 5, torch.tensor([1e30])])
    found = shares({"test": [inside], "far": [far]}, stretch(inside))
    assert found.high < asinh(30)
    assert all(float(own.sum()) == pytest.approx(1) for own in found.groups.values())
    assert float(found.groups["far"][-1]) >= 1 / 1001


@given(low=st.floats(-1e6, 1e6, allow_subnormal=False), size=st.floats(1e-6, 1e6))
def test_the_roundest_number_lies_in_the_interval_and_none_there_has_fewer_decimals(low: float, size: float) -> None:
    value, text = roundest(low, low + size)
    assert low <= value <= low + size
    assert float(text.replace("−", "-")) == pytest.approx(value, rel=1e-5, abs=1e-12)
    decimals = len(text.partition(".")[2]) if "e" not in text else 0
    if decimals:  # no multiple of the next larger power of ten lies well inside
        first, last = (10 ** (decimals - 1) * (low + size * share) for share in (0.01, 0.99))
        assert np.floor(last) < np.ceil(first)


def test_round_numbers_by_hand() -> None:
    assert roundest(-0.3, 0.2) == (0, "0")
    assert roundest(0.9, 1.2) == (1, "1")
    assert roundest(-0.99993, -0.99981) == (-0.9999, "−0.9999")
    assert roundest(190.0, 420.0) == (300, "300")


def test_steps_outline_the_bars() -> None:
    assert steps([1, 3, 3, 0], 0, 4) == [(0, 1), (1, 1), (1, 3), (3, 3), (3, 0), (4, 0)]


def test_groups_and_thresholds_are_drawn() -> None:
    inside = torch.linspace(0, 1, 101)
    svg = str(histogram_svg({"a": [inside], "b": [inside + 4]}, "a", ["b", "a"], "one & all", [(0.5, "5 %")]))
    assert re.findall(r'<polygon class="(line-\d)"', svg) == ["line-1", "line-0"]
    assert 'aria-label="one &amp; all"' in svg
    assert svg.count('<line class="mark dashed"') == 1
    assert ">5 %</text>" in svg


def test_the_axis_reaches_thresholds_beyond_every_score() -> None:
    inside = torch.linspace(0, 1, 101)
    along = stretch(inside)
    found = shares({"a": [inside]}, along, [9.0])
    assert found.high == along.place_of(9.0)
    assert found.low == shares({"a": [inside]}, along).low
