from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assay.analysis.axes import find_axes
from assay.analysis.build import build_zoo
from assay.results import Results


def test_axes_are_the_primary_columns_of_the_headline(made_up: Results) -> None:
    zoo = build_zoo(made_up)
    found = {axis.name: axis for axis in find_axes(made_up, zoo)}
    assert list(found) == ["clean", "attack", "shift", "anomaly", "calibration"]
    assert [axis.higher_is_better for axis in found.values()] == [True, True, True, True, False]
    assert found["attack"].title == "Attack: worst case, ε = 0.3"
    for axis in found.values():
        assert axis.place is not None
        assert zoo.keys[axis.place] == axis.key
        assert axis.replicates == 5
        assert axis.training == zoo.noise[axis.place]
        assert axis.noise == pytest.approx(np.sqrt(axis.sampling**2 + axis.training**2))
    shares = zoo.values[:, found["clean"].place]
    # the spread of a share over n = 300 resampled images is sqrt(p (1 - p) / n)
    assert found["clean"].sampling == pytest.approx(np.median(np.sqrt(shares * (1 - shares) / 300)), rel=0.1)
    assert found["clean"].margin == pytest.approx(1.959964 * np.sqrt(2) * found["clean"].noise)


def test_an_axis_that_was_not_measured_says_why(make: Callable[..., Results]) -> None:
    results = make(keep=lambda _recipe, _seed, evaluation: evaluation != "shift", trainings=1)
    found = {axis.name: axis for axis in find_axes(results, build_zoo(results))}
    assert found["shift"].place is None
    assert "no shift results are stored" in found["shift"].reason
    assert np.isnan(found["clean"].training)  # one training of the baseline
    assert found["clean"].noise == found["clean"].sampling > 0


def test_without_draws_and_replicates_no_noise_is_known(make: Callable[..., Results]) -> None:
    results = replace(make(trainings=1), load_draws=lambda _recipe, _seed, _evaluation: None)
    for axis in find_axes(results, build_zoo(results)):
        assert np.isnan(axis.noise)
        assert axis.margin == 0
