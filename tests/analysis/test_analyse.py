from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assay.analysis.analyse import Analysis, analyse
from assay.analysis.build import build_zoo
from assay.analysis.effects import compare
from assay.errors import BadValueError
from assay.results import Results


def of(results: Results, **weights: float) -> Analysis:
    zoo = build_zoo(results)
    return analyse(results, zoo, compare(zoo), weights=weights)


@pytest.fixture(scope="module")
def analysis(made_up: Results) -> Analysis:
    return of(made_up)


def test_a_whole_study(analysis: Analysis, made_up: Results) -> None:
    assert [axis.name for axis in analysis.axes] == ["clean", "attack", "shift", "anomaly", "calibration"]
    assert (analysis.absent, analysis.missing) == ((), {})
    assert analysis.values.shape == (len(made_up.recipes), 5)
    assert all(not isinstance(item, str) for item in analysis.tiers)
    assert len(analysis.correlations) == 10
    assert analysis.within == {}  # no family has four recipes
    assert analysis.too_small["pgd"] == 2
    assert "baseline" not in analysis.too_small
    assert set(analysis.volume.recipes) == set(analysis.pareto.front)
    assert np.nanmax(analysis.support) <= 1


def test_what_the_made_up_recipes_were_made_to_show(analysis: Analysis) -> None:
    names = [axis.name for axis in analysis.axes]
    attack, shift = names.index("attack"), names.index("shift")
    outcomes = {analysis.recipes[item.recipe]: item for item in analysis.tradeoffs.outcomes}
    strong = outcomes["pgd(eps=0.3, steps=40)"]
    assert attack in strong.gained
    assert shift in strong.lost
    assert strong.kind == "trades"
    techniques = {item.family: item for item in analysis.tradeoffs.techniques}
    assert (attack, shift) in {(pair.gained, pair.lost) for pair in techniques["pgd"].pairs}
    opposed = next(item for item in analysis.correlations if {item.first, item.second} == {attack, shift})
    assert opposed.rho is not None
    assert opposed.rho < -0.5
    labels = analysis.tiers[attack]
    assert not isinstance(labels, str)
    assert labels.labels[analysis.recipes.index("pgd(eps=0.3, steps=40)")] == len(labels.means) - 1


def test_weights_are_named(made_up: Results) -> None:
    found = of(made_up, clean=0, shift=0, anomaly=0, calibration=0, attack=2)
    assert found.ranking.weights == (0, 2, 0, 0, 0)
    best = found.ranking.order[0].recipe
    assert found.values[best, 1] == np.nanmax(found.values[:, 1])
    with pytest.raises(BadValueError, match="'atack'; did you mean attack"):
        of(made_up, atack=1)


def test_a_part_of_a_study(make: Callable[..., Results]) -> None:
    def keep(recipe: str, _seed: int, evaluation: str) -> bool:
        return evaluation != "calibration" and (recipe, evaluation) != ("lenet5_large", "anomaly")

    found = of(make(keep=keep), calibration=3)
    assert [axis.name for axis in found.absent] == ["calibration"]
    large = found.recipes.index("lenet5_large")
    anomaly = [axis.name for axis in found.axes].index("anomaly")
    assert list(found.missing) == [large]
    assert list(found.missing[large]) == [anomaly]
    assert "no anomaly results" in found.missing[large][anomaly]
    assert found.ranking.left_out == {large: (anomaly,)}
    assert found.pareto.left_out == (large,)
    outcome = next(item for item in found.tradeoffs.outcomes if item.recipe == large)
    assert anomaly in outcome.unjudged


def test_nothing_measured(make: Callable[..., Results]) -> None:
    found = of(make(keep=lambda *_: False))
    assert found.axes == ()
    assert len(found.absent) == 5
    assert found.pareto.front == ()
    assert found.volume.value is None
    assert found.ranking.order == ()
    assert found.correlations == ()


def test_without_a_baseline_or_noise(make: Callable[..., Results]) -> None:
    results = replace(make(baseline=None), load_draws=lambda _recipe, _seed, _evaluation: None)
    found = of(results)
    assert found.tradeoffs.outcomes == ()
    assert all("no noise is known" in item for item in found.tiers if isinstance(item, str))
    assert all(isinstance(item, str) for item in found.tiers)
    assert len(found.ranking.order) == len(found.recipes)


def test_recipes_that_learned_nothing_are_left_out_as_if_the_study_lacked_them(
    analysis: Analysis, made_up: Results, make: Callable[..., Results]
) -> None:
    place = next(place for place in analysis.pareto.front if place != analysis.baseline)
    idle, zoo = analysis.recipes[place], build_zoo(made_up)
    found = analyse(made_up, replace(zoo, unlearned=(idle,)), compare(zoo))
    less = of(make(labels=tuple(label for label in made_up.recipes if label != idle)))
    others = [other for other in range(len(analysis.recipes)) if other != place]
    assert found.unlearned == (place,)
    assert found.axes == less.axes
    assert [found.recipes[other] for other in found.pareto.front] == [
        less.recipes[other] for other in less.pareto.front
    ]
    assert np.isnan(found.support[place])
    assert found.support[others].tolist() == less.support.tolist()
    assert found.volume.value == less.volume.value
    assert found.correlations == less.correlations
    assert found.too_small == less.too_small
    for own, other in zip(found.tiers, less.tiers, strict=True):
        assert not isinstance(own, str)
        assert not isinstance(other, str)
        assert own.labels[place] == -1
        assert own.labels[others].tolist() == other.labels.tolist()
    assert [(found.recipes[item.recipe], item.score) for item in found.ranking.order] == [
        (less.recipes[item.recipe], item.score) for item in less.ranking.order
    ]
    assert found.missing == {}  # its numbers are there


def test_where_the_baseline_learned_nothing_the_others_are_still_ranked(made_up: Results) -> None:
    zoo = build_zoo(made_up)
    found = analyse(made_up, replace(zoo, unlearned=("baseline",)), compare(zoo))
    assert found.unlearned == (found.baseline,)
    assert len(found.ranking.order) == len(found.recipes) - 1
    assert found.volume.baseline is None
    none = analyse(made_up, replace(zoo, unlearned=zoo.recipes), compare(zoo))
    assert none.axes == ()
    assert {axis.reason for axis in none.absent} == {"no recipe that learned anything has a value"}
