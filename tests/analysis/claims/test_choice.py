"""An opponent chosen among many by its noisy value is the unluckiest too: that does not refute."""

from dataclasses import replace

import numpy as np
import pytest

from assay.analysis.claims import Compare, Evidence, Group, Measures, Region
from assay.analysis.claims.judge import Case
from assay.analysis.effects import Effect
from assay.analysis.families import family, parameters
from assay.analysis.zoo import Key, Zoo

MANY = 200
LABELS = ("baseline", "mixup(alpha=1)", *(f"fgsm(eps={0.1 + place / 1000:g})" for place in range(MANY)))
NOISE = 0.002


def zoo(random: np.random.Generator, gap: float) -> Zoo:
    """MixUp's error is larger than all others' by the gap, plus the noise of one training."""
    values = 0.02 + NOISE * random.standard_normal((len(LABELS), 1))
    values[1] += gap
    seeds, spread = np.ones(values.shape, dtype=np.int64), np.full(values.shape, np.nan)
    seeds[0], spread[0] = 15, NOISE
    draws = values[..., None] + NOISE / 10 * random.standard_normal((*values.shape, 200))
    return Zoo(
        recipes=LABELS,
        baseline=0,
        families=tuple(map(family, LABELS)),
        parameters=tuple(map(parameters, LABELS)),
        keys=(Key("calibration", "ece", ()),),
        higher_is_better=(False,),
        values=values,
        draws=draws.astype(np.float32),
        seeds=seeds,
        spread=spread,
        noise=np.array([NOISE]),
        replicates=np.array([15]),
        reasons={},
    )


@pytest.fixture(scope="module")
def worst() -> Compare:
    return Compare(
        text="",
        left=(Group(name="MixUp", families=("mixup",)),),
        right=(Group(name="others", families=("fgsm",)),),
        right_as="worst",
        measures=(Measures(name="ECE", evaluation="calibration", metric="ece"),),
        region=Region(high=0.0),
    )


def outcomes(worst: Compare, gap: float, times: int) -> list[str]:
    random = np.random.default_rng(0)
    return [worst.test(Evidence(zoo=zoo(random, gap))).outcome for _ in range(times)]


def test_the_unluckiest_of_many_does_not_refute_what_is_true(worst: Compare) -> None:
    assert outcomes(worst, 0.1 * NOISE, 60).count("does not replicate") <= 3


def test_what_is_clear_is_seen_both_ways(worst: Compare) -> None:
    assert set(outcomes(worst, 10 * NOISE, 5)) == {"replicates"}
    assert set(outcomes(worst, -10 * NOISE, 5)) == {"does not replicate"}


def test_only_the_side_that_was_chosen_is_corrected() -> None:
    case = Case(name="", values="", effect=Effect(1, 0.5, 1.5, 0, 0.5 / 1.96, 0), region=Region(low=0.0), percent=True)
    assert replace(case, chosen=(1, 50)).inside == case.inside
    assert replace(case, chosen=(50, 1)).inside == pytest.approx(50 * case.inside)
    below = replace(case, region=Region(high=0.0))
    assert replace(below, chosen=(50, 1)).outside == pytest.approx(50 * below.outside)
    assert replace(below, chosen=(1, 50)).outside == below.outside
