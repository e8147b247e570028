"""Each kind of test on handmade zoos: it replicates, is refuted, stays open, or lacks what it needs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.analysis.claims import (
    BestCosts,
    Between,
    Compare,
    Evidence,
    Finding,
    Group,
    Measures,
    Mixed,
    NoBest,
    Part,
    Region,
    Trend,
    VariesLeast,
    Wider,
)
from assay.analysis.claims.judge import MOST, SOME

Make = Callable[..., Evidence]
Families = Callable[..., Group]
Name = Callable[[str], Measures]
HOLDS, FAILS, OPEN, NOTHING = "replicates", "does not replicate", "inconclusive", "not measured"
PGD = [f"pgd(eps={eps}, steps=40)" for eps in (0.2, 0.3, 0.4)]
SIZES = [f"ensemble(members={members})" for members in (3, 5, 10, 15)]


@pytest.fixture
def outcome(evidence: Make) -> Callable[..., str]:
    def run(test: Part, rows: dict[str, dict[str, float]], **changes: Any) -> str:
        return test.test(evidence(rows, **changes)).outcome

    return run


def rows(measure: str, baseline: float, *others: tuple[str, float]) -> dict[str, dict[str, float]]:
    return {label: {measure: value} for label, value in (("baseline", baseline), *others)}


def test_a_group_against_another(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    better = Compare(
        text="",
        left=(families("pgd"),),
        right=(families("baseline"),),
        measures=(measures("fgsm"),),
        region=Region(low=0),
    )
    assert outcome(better, rows("fgsm", 0.2, (PGD[0], 0.9), (PGD[1], 0.1))) == HOLDS  # the mean decides
    assert outcome(better, rows("fgsm", 0.2, (PGD[0], 0.1))) == FAILS
    assert outcome(better, rows("fgsm", 0.2, (PGD[0], 0.21)), scatter=0.05) == OPEN
    assert outcome(better, rows("fgsm", 0.2)) == NOTHING
    assert outcome(better, rows("pgd", 0.2, (PGD[0], 0.9))) == NOTHING
    assert outcome(better, rows("fgsm", 0.2, (PGD[0], 0.9)), scatter=np.nan) == NOTHING  # no draws


def test_lower_is_better_where_it_is(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    better = Compare(
        text="",
        left=(families("pgd"),),
        right=(families("baseline"),),
        measures=(measures("ece"),),
        region=Region(low=0),
    )
    assert outcome(better, rows("ece", 0.05, (PGD[0], 0.01))) == HOLDS
    assert outcome(better, rows("ece", 0.05, (PGD[0], 0.09))) == FAILS


def test_every_most_and_some(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    def better(**changes: Any) -> Compare:
        groups = {"left": (families("pgd"),), "right": (families("baseline"),), "left_as": "each"}
        return Compare(**({"text": "", "measures": (measures("fgsm"),), "region": Region(low=0)} | groups | changes))

    two_of_three = rows("fgsm", 0.2, (PGD[0], 0.9), (PGD[1], 0.8), (PGD[2], 0.1))
    assert outcome(better(), two_of_three) == FAILS
    assert outcome(better(amount=MOST), two_of_three) == HOLDS
    one_of_three = rows("fgsm", 0.2, (PGD[0], 0.9), (PGD[1], 0.1), (PGD[2], 0.1))
    assert outcome(better(amount=MOST), one_of_three) == FAILS
    assert outcome(better(amount=SOME), one_of_three) == HOLDS
    assert outcome(better(amount=SOME), rows("fgsm", 0.2, (PGD[0], 0.1), (PGD[1], 0.1))) == FAILS


def test_best_and_worst_of_a_group_stand_for_it(
    outcome: Callable[..., str], families: Families, measures: Name
) -> None:
    def against(side: str, measure: str) -> Compare:
        return Compare(
            text="",
            left=(families("baseline"),),
            right=(families("pgd"),),
            right_as=side,  # type: ignore[arg-type]
            measures=(measures(measure),),
            region=Region(low=0),
        )

    accuracy = rows("fgsm", 0.5, (PGD[0], 0.9), (PGD[1], 0.1))
    assert outcome(against("best", "fgsm"), accuracy) == FAILS
    assert outcome(against("worst", "fgsm"), accuracy) == HOLDS
    error = rows("ece", 0.05, (PGD[0], 0.09), (PGD[1], 0.01))
    assert outcome(against("best", "ece"), error) == FAILS
    assert outcome(against("worst", "ece"), error) == HOLDS


def test_groups_are_families_within_limits(evidence: Make, families: Families) -> None:
    held = evidence(rows("fgsm", 0.2, *((label, 0.5) for label in (*PGD, "cutout(length=7, holes=1) > " + PGD[0]))))
    assert held.members(families("pgd")) == [1, 2, 3]
    assert held.members(families("pgd", pgd_eps=(0.3, 0.4))) == [2, 3]
    assert held.members(families("cutout > pgd", "baseline")) == [0, 4]
    assert held.members(families("pgd > cutout")) == []


def test_similar_within_a_margin(evidence: Make, families: Families, measures: Name) -> None:
    def found(left: float, right: float, **changes: Any) -> Finding:
        similar = Compare(
            text="",
            left=(families("fgsm"),),
            right=(families("pgd"),),
            measures=(measures("fgsm"),),
            region=Region(-0.05, 0.05),
        )
        return similar.test(evidence(rows("fgsm", 0.1, ("fgsm(eps=0.3)", left), (PGD[0], right)), **changes))

    assert found(0.90, 0.91).outcome == HOLDS
    assert found(0.90, 0.60).outcome == FAILS
    assert found(0.90, 0.91, scatter=0.05).outcome == OPEN
    floor = found(0.001, 0.002)
    assert floor.outcome == OPEN
    assert "floor" in floor.notes[0]


def test_matched_groups_are_compared_in_pairs(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    cutout = "cutout(length=7, holes=1)"
    both = rows(
        "fgsm",
        0.1,
        (f"{cutout} > {PGD[0]}", 0.8),
        (f"{PGD[0]} > {cutout}", 0.81),
        (f"{cutout} > fgsm(eps=0.3)", 0.5),
        (f"fgsm(eps=0.3) > {cutout}", 0.51),
    )

    def similar(*, matched: bool) -> Compare:
        return Compare(
            text="",
            left=(families("cutout > pgd"), families("cutout > fgsm")),
            right=(families("pgd > cutout"), families("fgsm > cutout")),
            matched=matched,
            measures=(measures("fgsm"),),
            region=Region(-0.05, 0.05),
        )

    assert outcome(similar(matched=True), both) == HOLDS
    assert outcome(similar(matched=False), both) == FAILS


def test_a_threshold(evidence: Make, families: Families, measures: Name) -> None:
    above = Compare(
        text="",
        left=(families("pgd"),),
        left_as="each",
        measures=(measures("fgsm"),),
        region=Region(low=0.9),
        amount=MOST,
    )
    values = {HOLDS: (0.95, 0.96, 0.2), FAILS: (0.95, 0.3, 0.2), OPEN: (0.95, 0.901, 0.2)}
    for outcome, given in values.items():
        found = above.test(evidence(rows("fgsm", 0.1, *zip(PGD, given, strict=True)), scatter=0.003))
        assert found.outcome == outcome
    assert above.test(evidence(rows("fgsm", 0.1))).outcome == NOTHING


def pooled(pool: Any) -> Measures:
    settings = tuple((("attack", name), ("eps", 0.3)) for name in ("fgsm", "pgd"))
    return Measures(name="", evaluation="adversarial", metric="accuracy", settings=settings, pool=pool)


def test_every_one_of_several_settings(evidence: Make, families: Families) -> None:
    held = evidence({PGD[0]: {"fgsm": 0.95, "pgd": 0.5}})

    def above(pool: Any, bound: float = 0.7) -> str:
        left = (families("pgd"),)
        return Compare(text="", left=left, measures=(pooled(pool),), region=Region(low=bound)).test(held).outcome

    assert above("every") == FAILS
    assert above("every", 0.45) == HOLDS
    assert above("mean") == HOLDS  # 0.725


@pytest.mark.parametrize("higher", [True, False])
def test_the_worst_of_several_settings_is_the_one_that_may_be_worst(
    evidence: Make, families: Families, *, higher: bool
) -> None:
    sure, wide = (0.90, 0.89) if higher else (0.10, 0.11)
    held = evidence({PGD[0]: {"fgsm": 1 - wide if higher else wide, "pgd": sure}})
    values = np.array([[wide + (0.02 if higher else -0.02), sure]])  # the wide one looks better
    draws = values[..., None] + np.array([0.05, 0.001])[:, None] * np.random.default_rng(0).standard_normal((1, 2, 400))
    zoo = replace(held.zoo, values=values, draws=draws.astype(np.float32), higher_is_better=(higher, higher))
    left, region = (families("pgd"),), Region(low=0.88) if higher else Region(high=0.12)
    test = Compare(text="", left=left, measures=(pooled("every"),), region=region)
    finding = test.test(Evidence(zoo=zoo))
    assert finding.outcome == OPEN
    effect = finding.cases[0].effect
    assert effect.value == pytest.approx(sure)
    assert (effect.low if higher else effect.high) == pytest.approx(values[0, 0] - (0.1 if higher else -0.1), abs=0.01)


def test_an_attack_is_found_by_its_name_whatever_its_settings(evidence: Make, measures: Name) -> None:
    held = evidence({"baseline": {"pgd(steps=40)": 0.4, "pgdx": 0.1}})
    assert held.columns(measures("pgd")) == [0]


def test_growth(evidence: Make, families: Families, measures: Name) -> None:
    def found(values: list[float], region: Region, **changes: Any) -> Finding:
        trend = Trend(
            text="",
            group=families("ensemble"),
            parameter="ensemble.members",
            logarithm=True,
            measures=(measures("pgd"),),
            region=region,
        )
        return trend.test(evidence(rows("pgd", 0.1, *zip(SIZES, values, strict=False)), **changes))

    grows = Region(low=0)
    assert found([0.1, 0.2, 0.3, 0.4], grows).outcome == HOLDS
    assert found([0.4, 0.3, 0.2, 0.1], grows).outcome == FAILS
    assert found([0.1, 0.11, 0.1, 0.11], grows, scatter=0.02).outcome == OPEN
    assert found([0.1], grows).outcome == NOTHING
    assert found([0.1, 0.101, 0.1, 0.101], Region(-0.02, 0.02)).outcome == HOLDS
    line = found([0.1 + 0.05 * float(np.log(x / 3)) for x in (3, 5, 10, 15)], grows).cases[0]
    assert line.effect.value == pytest.approx(0.05 * np.log(5))


def test_no_consistent_effect(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    mixed = Mixed(text="", left=families("pgd"), right=families("baseline"), measures=measures("fgsm"))
    assert outcome(mixed, rows("fgsm", 0.5, (PGD[0], 0.6), (PGD[1], 0.4))) == HOLDS
    assert outcome(mixed, rows("fgsm", 0.5, (PGD[0], 0.6), (PGD[1], 0.7))) == FAILS
    assert outcome(mixed, rows("fgsm", 0.5, (PGD[0], 0.4), (PGD[1], 0.3))) == FAILS
    assert outcome(mixed, rows("fgsm", 0.5, (PGD[0], 0.6), (PGD[1], 0.501)), scatter=0.01) == OPEN
    assert outcome(mixed, rows("fgsm", 0.5)) == NOTHING
    nine_of_ten = [(f"pgd(eps=0.3, steps={steps})", 0.4 if steps == 1 else 0.6) for steps in range(1, 11)]
    assert outcome(mixed, rows("fgsm", 0.5, *nine_of_ten)) == FAILS


def test_two_consistent_effects_of_opposite_sign_are_consistent(evidence: Make, families: Families) -> None:
    mixed = Mixed(text="", left=families("pgd"), right=families("baseline"), measures=pooled("mean"))
    both = {"baseline": {"fgsm": 0.5, "pgd": 0.5}} | {label: {"fgsm": 0.7, "pgd": 0.4} for label in PGD}
    assert mixed.test(evidence(both)).outcome == FAILS  # every one is 5 points better in the mean
    part = mixed.test(evidence({label: {"fgsm": own["fgsm"]} for label, own in both.items()}))
    assert part.outcome == OPEN
    assert "1 of its 2 settings were measured" in part.notes[0]


def test_a_loss_wider_on_one_measure(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    wider = Wider(text="", left=families("pgd"), right=families("baseline"), on=measures("pgd"), than=measures("fgsm"))

    def both(pgd: float, fgsm: float) -> dict[str, dict[str, float]]:
        return {"baseline": {"pgd": 0.5, "fgsm": 0.5}, PGD[0]: {"pgd": pgd, "fgsm": fgsm}}

    assert outcome(wider, both(0.1, 0.4)) == HOLDS
    assert outcome(wider, both(0.4, 0.1)) == FAILS
    assert outcome(wider, both(0.40, 0.401), scatter=0.01) == OPEN
    assert outcome(wider, rows("pgd", 0.5, (PGD[0], 0.1))) == NOTHING
    assert outcome(wider, {"baseline": {"pgd": 0.002, "fgsm": 0.5}, PGD[0]: {"pgd": 0.001, "fgsm": 0.1}}) == OPEN


def test_one_measure_against_another(evidence: Make, families: Families, measures: Name) -> None:
    at_least = Between(
        text="",
        groups=(families("baseline"), families("pgd")),
        pairs=((measures("one"), measures("two")),),
        region=Region(low=-0.01),
    )

    def found(*pairs: tuple[float, float], **changes: Any) -> Finding:
        labels = ("baseline", *PGD)
        given = {label: {"one": one, "two": two} for label, (one, two) in zip(labels, pairs, strict=False)}
        return at_least.test(evidence(given, **changes))

    assert found((0.9, 0.8), (0.8, 0.8)).outcome == HOLDS  # equal is within the margin
    assert found((0.9, 0.8), (0.8, 0.83)).outcome == FAILS
    assert found((0.9, 0.8), (0.8, 0.81), scatter=0.01).outcome == OPEN
    alone = found((0.9, 0.8))
    assert alone.outcome == OPEN  # a group is missing
    assert "pgd: not among the recipes" in alone.notes[0]
    assert found((0.9, 0.8), (0.8, 0.8), scatter=np.nan).outcome == NOTHING
    assert at_least.test(evidence(rows("one", 0.5, (PGD[0], 0.9)))).outcome == NOTHING
    assert found((0.9, 0.8), (0.7, 0.8)).recipes == ("baseline", PGD[0])


def test_one_error_against_another_is_better_where_it_is_lower(
    evidence: Make, families: Families, measures: Name
) -> None:
    pairs = ((measures("ece"), measures("nll")),)
    better = Between(text="", groups=(families("pgd"),), pairs=pairs, region=Region(low=0.0))
    assert better.test(evidence({PGD[0]: {"ece": 0.1, "nll": 0.2}})).outcome == HOLDS
    finding = better.test(evidence({PGD[0]: {"ece": 0.2, "nll": 0.1}}))
    assert finding.outcome == FAILS
    assert finding.cases[0].effect.value == pytest.approx(-0.1)
    assert finding.cases[0].values == "0.2000 against 0.1000, lower is better"


def test_what_training_has_shown_is_said_of_every_kind(evidence: Make, families: Families, measures: Name) -> None:
    labels = ["baseline", *PGD, *SIZES]
    held = evidence({label: {"one": 0.5 + 0.01 * place, "two": 0.7} for place, label in enumerate(labels)})
    keys = dict(zip(("one", "two"), held.zoo.keys, strict=True))
    shown = Evidence(zoo=replace(held.zoo, seen={(PGD[0], keys["one"]): "fog, fashion_mnist"}))
    base, pgd = families("baseline"), families("pgd")
    one, two = measures("one"), measures("two")
    rivals = (("one", (one,)), ("two", (two,)))
    tests: list[Part] = [
        Compare(text="", left=(pgd,), right=(base,), measures=(one,), region=Region(low=0)),
        Compare(text="", left=(pgd,), left_as="each", measures=(one,), region=Region(low=0)),
        Between(text="", groups=(pgd,), pairs=((two, one),), region=Region(low=0)),
        Trend(text="", group=pgd, parameter="pgd.eps", measures=(one,), region=Region(low=0)),
        Wider(text="", left=pgd, right=base, on=two, than=one),
        Mixed(text="", left=pgd, right=base, measures=one),
        NoBest(text="", group=pgd, rivals=rivals),
        VariesLeast(text="", group=pgd, least=two, others=(one,)),
    ]
    for test in tests:
        note = test.test(shown).notes[-1]
        assert f"(fog, Fashion-MNIST: {PGD[0]})" in note
        assert note.startswith(("Here a model", "In 1 of 3 comparisons a model"))
        assert not any("training has shown" in note for note in test.test(held).notes)


def test_no_rival_is_best(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    rivals = tuple((name, (measures(name),)) for name in ("one", "two"))
    best = NoBest(text="", group=families("pgd"), rivals=rivals)

    def two(*pairs: tuple[float, float]) -> dict[str, dict[str, float]]:
        return {label: {"one": one, "two": two} for label, (one, two) in zip(PGD, pairs, strict=False)}

    assert outcome(best, two((0.9, 0.8), (0.8, 0.9))) == HOLDS
    assert outcome(best, two((0.9, 0.8), (0.9, 0.8))) == FAILS
    assert outcome(best, two((0.9, 0.8), (0.8, 0.801)), scatter=0.01) == OPEN
    assert outcome(best, rows("one", 0.5, (PGD[0], 0.1))) == NOTHING


def test_a_rival_is_best_only_where_it_is_so_under_all_conditions(
    outcome: Callable[..., str], families: Families, measures: Name
) -> None:
    conditions = tuple((name, (measures(name), measures(f"{name}, again"))) for name in ("one", "two"))
    best = NoBest(text="", group=families("pgd"), rivals=conditions)
    assert outcome(best, {PGD[0]: {"one": 0.9, "two": 0.8}}) == OPEN
    assert outcome(best, {PGD[0]: {"one": 0.9, "two": 0.8, "one, again": 0.9, "two, again": 0.8}}) == FAILS


def test_what_varies_least(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    least = VariesLeast(text="", group=families("ensemble"), least=measures("one"), others=(measures("two"),))

    def spread(one: float, two: float) -> dict[str, dict[str, float]]:
        pattern = (-1.0, 1.0, -0.9, 1.1, -1.1, 0.9)
        labels = [f"ensemble(members={members})" for members in range(2, 8)]
        return {
            label: {"one": 0.5 + one * x, "two": 0.5 + two * y}
            for label, x, y in zip(labels, pattern, pattern[::-1], strict=True)
        }

    assert outcome(least, spread(0.01, 0.1)) == HOLDS
    assert outcome(least, spread(0.1, 0.01)) == FAILS
    assert outcome(least, spread(0.1, 0.1)) == OPEN
    assert outcome(least, {label: spread(1, 1)[label] for label in list(spread(1, 1))[:2]}) == NOTHING


def test_the_best_pays(outcome: Callable[..., str], families: Families, measures: Name) -> None:
    costs = BestCosts(
        text="",
        group=families("baseline", "pgd"),
        baseline=families("baseline"),
        axes=(("one", measures("one")), ("two", measures("two"))),
    )

    def two(**values: tuple[float, float]) -> dict[str, dict[str, float]]:
        labels = {"baseline": "baseline", "a": PGD[0], "b": PGD[1]}
        return {labels[name]: {"one": one, "two": two} for name, (one, two) in values.items()}

    assert outcome(costs, two(baseline=(0.5, 0.5), a=(0.9, 0.1), b=(0.1, 0.9))) == HOLDS
    assert outcome(costs, two(baseline=(0.5, 0.5), a=(0.9, 0.6), b=(0.1, 0.9))) == FAILS
    assert outcome(costs, two(baseline=(0.5, 0.5), a=(0.9, 0.501), b=(0.1, 0.9)), scatter=0.01) == OPEN
    assert outcome(costs, two(baseline=(0.5, 0.9), a=(0.9, 0.1))) == OPEN  # the baseline is best on the second
    assert outcome(costs, rows("one", 0.5, (PGD[0], 0.9))) == NOTHING


def test_the_best_is_best_everywhere_only_where_everything_was_measured(
    outcome: Callable[..., str], families: Families, measures: Name
) -> None:
    axes = tuple((name, measures(name)) for name in ("one", "two", "three"))
    costs = BestCosts(text="", group=families("baseline", "pgd"), baseline=families("baseline"), axes=axes)
    better = {"baseline": {"one": 0.5, "two": 0.5}, PGD[0]: {"one": 0.9, "two": 0.6}}
    assert outcome(costs, better) == OPEN
    assert outcome(costs, {label: own | {"three": own["one"]} for label, own in better.items()}) == FAILS


def test_findings_say_what_is_missing_and_why(evidence: Make, families: Families, measures: Name) -> None:
    better = Compare(
        text="",
        left=(families("pgd"),),
        right=(families("baseline"),),
        measures=(measures("fgsm"),),
        region=Region(low=0),
    )
    held = evidence({"baseline": {"fgsm": 0.1}, PGD[0]: {"fgsm": 0.9}, PGD[1]: {}}, whole=("baseline", *PGD))
    finding = better.test(held)
    assert finding.outcome == HOLDS
    assert finding.recipes == ("baseline", PGD[0])
    lacks = {lack.reason: lack.recipes for lack in finding.missing}
    assert lacks == {"not among the recipes of these results": (PGD[2],), "it has not run yet": (PGD[1],)}


def test_training_noise_that_is_not_known_is_said(evidence: Make, families: Families, measures: Name) -> None:
    better = Compare(
        text="",
        left=(families("pgd"),),
        right=(families("baseline"),),
        measures=(measures("fgsm"),),
        region=Region(low=0),
    )
    known = better.test(evidence(rows("fgsm", 0.2, (PGD[0], 0.9))))
    unknown = better.test(evidence(rows("fgsm", 0.2, (PGD[0], 0.9)), noise=np.nan))
    assert known.notes == ()
    assert "too narrow" in unknown.notes[0]


def test_a_masked_models_worst_case_stands_beside(evidence: Make, families: Families, measures: Name) -> None:
    better = Compare(
        text="",
        left=(families("fgsm"),),
        right=(families("baseline"),),
        measures=(measures("fgsm"),),
        region=Region(low=0),
        beside=measures("worst_case"),
    )
    masked = {"baseline": {"fgsm": 0.2, "worst_case": 0.1}, "fgsm(eps=0.3)": {"fgsm": 0.9, "worst_case": 0.0}}
    assert (
        better.test(evidence(masked)).numbers[-1]
        == "Beside it, deciding nothing, worst_case: fgsm(eps=0.3) 0.0 %; baseline 10.0 %"
    )


def test_a_group_may_leave_some_out(evidence: Make, families: Families) -> None:
    held = evidence(rows("fgsm", 0.2, *((label, 0.5) for label in PGD)))
    strong = replace(families("pgd"), without=(("pgd.eps", 0.2, 0.3), ("pgd.steps", 1, 40)))
    assert held.members(strong) == [3]
