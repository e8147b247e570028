from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from assay.analysis.axes import PAIRS, find_axes
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
    clean = found["clean"]
    assert clean.noise == pytest.approx(np.sqrt(clean.sampling**2 + clean.retraining**2))
    assert clean.margin == pytest.approx(1.959964 * np.sqrt(2) * clean.noise)


def test_sampling_noise_is_what_two_recipes_do_not_share(made_up: Results) -> None:
    """The difference of two shares over n = 300 resampled images varies by the spread of the images' differences."""
    (clean, *_) = find_axes(made_up, build_zoo(made_up))
    loaded = [
        [made_up.load(recipe, seed, clean.key.evaluation) for seed in ([0] if place else range(0, 5000, 1000))]
        for place, recipe in enumerate(made_up.recipes)
    ]
    images = [
        np.mean([(x.tensors["logits"].argmax(1) == x.tensors["labels"]).numpy() for x in found if x], axis=0)
        for found in loaded
    ]
    spreads = [np.std(one - other) / np.sqrt(300) for one, other in combinations(images, 2)]
    assert clean.sampling == pytest.approx(np.median(spreads) / np.sqrt(2), rel=0.05)


def test_training_noise_shrinks_with_the_trainings_behind_each_value(made_up: Results) -> None:
    zoo = build_zoo(made_up)
    once, four = (
        {axis.name: axis for axis in find_axes(made_up, replace(zoo, seeds=seeds))}
        for seeds in (zoo.seeds, np.where(zoo.seeds == 1, 4, zoo.seeds))
    )
    for name in ("clean", "shift", "anomaly", "calibration"):
        assert once[name].retraining == pytest.approx(once[name].training)
        assert four[name].retraining == pytest.approx(once[name].training / 2)
    assert np.isnan(once["attack"].retraining)  # the baseline is at 0 and most others are not
    assert once["attack"].noise == once["attack"].sampling > 0


def test_of_many_recipes_a_sample_of_pairs_stands_for_all(made_up: Results) -> None:
    """Of recipes that are ten over and over with errors of their own, the pairs are mostly those of the ten."""
    zoo, random = build_zoo(made_up), np.random.default_rng(0)
    draws = np.repeat(zoo.draws, 8, axis=0)
    draws += 0.01 * random.standard_normal((len(draws), 1, draws.shape[2])).astype(np.float32)
    many = replace(
        zoo,
        recipes=tuple(f"{label} {copy}" for label in zoo.recipes for copy in range(8)),
        families=tuple(np.repeat(zoo.families, 8)),
        parameters=tuple(np.repeat(np.array(zoo.parameters), 8)),
        values=np.repeat(zoo.values, 8, axis=0),
        seeds=np.repeat(zoo.seeds, 8, axis=0),
        spread=np.repeat(zoo.spread, 8, axis=0),
        draws=draws,
    )
    found, again = (find_axes(made_up, many)[0] for _ in range(2))
    assert found == again
    chosen = draws[:, zoo.keys.index(found.key)]
    spreads = [(one - other).std() for one, other in combinations(chosen, 2)]
    assert len(spreads) > 3 * PAIRS
    assert found.sampling == pytest.approx(np.median(spreads) / np.sqrt(2), rel=0.05)


def test_an_axis_that_was_not_measured_says_why(make: Callable[..., Results]) -> None:
    results = make(keep=lambda _recipe, _seed, evaluation: evaluation != "shift", trainings=1)
    found = {axis.name: axis for axis in find_axes(results, build_zoo(results))}
    assert found["shift"].place is None
    assert "no shift results are stored" in found["shift"].reason
    assert np.isnan(found["clean"].training)  # one training of the baseline
    assert np.isnan(found["clean"].retraining)
    assert found["clean"].noise == found["clean"].sampling > 0


def test_without_draws_and_replicates_no_noise_is_known(make: Callable[..., Results]) -> None:
    results = replace(make(trainings=1), load_draws=lambda _recipe, _seed, _evaluation: None)
    for axis in find_axes(results, build_zoo(results)):
        assert np.isnan(axis.noise)
        assert axis.margin == 0
