from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from assay.analysis.effects import Comparison, Effect
from assay.analysis.tradeoffs import tradeoffs
from assay.analysis.zoo import Key, Zoo

# measures 0 and 2 stand for the axes; measure 1 is another that must not count
MEASURES = (0, 2)
Verdict = Literal["better", "worse", "noise", "unjudged"]


def zoo(values: list[list[float]], families: tuple[str, ...], baseline: int | None = 0) -> Zoo:
    """Recipes r0, r1 ... with these values, three draws about them, and training noise 0.01 from two replicates."""
    table = np.array(values)
    size = table.shape[1]
    return Zoo(
        recipes=tuple(f"r{place}" for place in range(len(table))),
        baseline=baseline,
        families=families,
        parameters=({},) * len(table),
        keys=tuple(Key("made up", f"m{place}", ()) for place in range(size)),
        higher_is_better=(True,) * size,
        values=table,
        draws=(table[:, :, None] + np.array([-0.001, 0.0, 0.001])).astype(np.float32),
        seeds=np.ones(table.shape, dtype=np.int64),
        spread=np.full(table.shape, np.nan),
        noise=np.full(size, 0.01),
        replicates=np.full(size, 2),
        reasons={},
    )


def compared(recipe: int, measure: int, value: float, verdict: Verdict) -> Comparison:
    effect = Effect(value, value - 0.1, value + 0.1, 0.01, 0.05, 0.01)
    return Comparison(recipe, measure, effect, 0.01, verdict)


ZOO = zoo(
    [[0.5, 0.5, 0.5], [0.9, 0.1, 0.2], [0.7, 0.1, 0.5], [0.5, 0.9, 0.1], [0.5, 0.5, 0.5], [0.8, 0.5, np.nan]],
    ("baseline", "attack", "attack", "attack", "cut", "cut"),
)
COMPARISONS = [
    compared(1, 0, 0.4, "better"),
    compared(1, 2, -0.3, "worse"),
    compared(2, 0, 0.2, "better"),
    compared(2, 2, 0.0, "noise"),
    compared(3, 0, 0.0, "noise"),
    compared(3, 1, 0.4, "better"),
    compared(3, 2, -0.4, "worse"),
    compared(4, 0, 0.0, "noise"),
    compared(4, 2, 0.0, "unjudged"),
    compared(5, 0, 0.3, "better"),
]
FOUND = tradeoffs(ZOO, COMPARISONS, MEASURES)


def test_outcomes() -> None:
    assert [item.recipe for item in FOUND.outcomes] == [1, 2, 3, 4, 5]  # not the baseline
    assert [item.kind for item in FOUND.outcomes] == ["trades", "gains", "loses", "level", "gains"]
    assert [item.gained for item in FOUND.outcomes] == [(0,), (0,), (), (), (0,)]
    assert [item.lost for item in FOUND.outcomes] == [(1,), (), (1,), (), ()]
    assert [item.unjudged for item in FOUND.outcomes] == [(), (), (), (1,), (1,)]
    assert FOUND.outcomes[4].comparisons[1] is None


def test_techniques() -> None:
    attack, cut = FOUND.techniques
    assert (attack.family, attack.recipes, attack.free, attack.futile) == ("attack", (1, 2, 3), (2,), (3,))
    assert (cut.family, cut.recipes, cut.free, cut.futile, cut.pairs) == ("cut", (4, 5), (5,), (), ())
    assert [share[:4] for share in attack.shares] == [(2, 1, 0, 0), (0, 1, 2, 0)]
    assert [share[:4] for share in cut.shares] == [(1, 1, 0, 0), (0, 0, 0, 2)]
    (pair,) = attack.pairs
    assert (pair.gained, pair.lost, pair.recipes, pair.judged) == (0, 1, (1,), 3)
    assert (pair.gain, pair.loss) == pytest.approx((0.4, -0.3))


def test_a_technique_has_the_difference_of_its_mean_to_the_baseline() -> None:
    attack, cut = FOUND.techniques
    means = [share.mean for share in (*attack.shares, *cut.shares)]
    assert all(mean is not None and mean.low <= mean.value <= mean.high for mean in means)
    # of the recipes that have a value: (0.9 + 0.7 + 0.5) / 3 - 0.5, (0.2 + 0.5 + 0.1) / 3 - 0.5, 0.65 - 0.5, 0.5 - 0.5
    assert [mean.value for mean in means if mean] == pytest.approx([0.2, 0.8 / 3 - 0.5, 0.15, 0.0])


def test_pairs_come_most_frequent_first_and_in_both_directions() -> None:
    many = zoo([[0.5] * 3] * 5, ("baseline", "x", "x", "x", "x"))
    verdicts: list[tuple[Verdict, Verdict]] = [("worse", "better"), ("better", "worse"), ("better", "worse")]
    comparisons = [
        compared(recipe, measure, 0.1, verdict)
        for recipe, both in enumerate(verdicts, start=1)
        for measure, verdict in zip(MEASURES, both, strict=True)
    ]
    found = tradeoffs(many, comparisons, MEASURES)
    assert [(pair.gained, pair.lost, pair.recipes) for pair in found.techniques[0].pairs] == [
        (0, 1, (2, 3)),
        (1, 0, (1,)),
    ]
    assert found.outcomes[3].kind == "unjudged"
    assert found.techniques[0].pairs[0].judged == 3


def test_without_a_baseline_there_is_nothing_to_trade_against() -> None:
    alone = zoo([[0.5] * 3], ("x",), baseline=None)
    assert tradeoffs(alone, [], MEASURES).outcomes == ()


def test_of_a_recipe_that_learned_nothing_only_losses_count() -> None:
    found = tradeoffs(replace(ZOO, unlearned=("r1", "r4")), COMPARISONS, MEASURES)
    idle = found.outcomes[0]
    assert (idle.kind, idle.gained, idle.lost, idle.unjudged) == ("loses", (), (1,), (0,))
    assert found.outcomes[3].kind == "unjudged"  # neither is level any more
    attack, cut = found.techniques
    gain, loss = attack.shares
    assert (gain.better, gain.noise, gain.worse, gain.unjudged) == (1, 1, 0, 1)
    assert (loss.better, loss.noise, loss.worse, loss.unjudged) == (0, 1, 2, 0)
    assert attack.pairs == ()
    assert gain.mean is not None
    assert gain.mean.value == pytest.approx((0.7 + 0.5) / 2 - 0.5)  # of the two that learned
    assert cut.shares[1].mean is None
