"""Verdicts from intervals: agreement with them, corrections for many, and logic that never contradicts itself."""

from math import hypot, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from assay.analysis.claims.check import outcome_of
from assay.analysis.claims.finding import OUTCOMES, Outcome
from assay.analysis.claims.judge import EVERY, MOST, NEARLY_ALL, SOME, Amount, Case, Region, at_least, decide
from assay.analysis.claims.words import case_text, decimals
from assay.analysis.effects import Effect


def effect(value: float, half: float) -> Effect:
    """As the normal distribution gives it."""
    return Effect(value, value - half, value + half, 0.5, half / float(norm.ppf(0.975)), 0.0)


def case(value: float, half: float, region: Region, **changes: object) -> Case:
    fields = {"name": "x", "values": "", "effect": effect(value, half), "region": region, "percent": True}
    return Case(**(fields | changes))  # type: ignore[arg-type]


REGIONS = st.sampled_from([Region(low=0.0), Region(high=0.0), Region(-0.5, 0.5), Region(low=0.3), Region(-0.2, 0.0)])
CASES = st.builds(case, st.floats(-2, 2), st.floats(0.01, 2), REGIONS)


@given(CASES)
def test_a_single_case_agrees_with_its_interval(one: Case) -> None:
    low, high = one.region
    inside = one.effect.low > low + 1e-9 and one.effect.high < high - 1e-9
    outside = one.effect.high < low - 1e-9 or one.effect.low > high + 1e-9
    if inside:
        assert one.state == "holds"
    if outside:
        assert one.state == "refuted"
    if one.effect.low < low - 1e-9 < one.effect.high - 2e-9 or one.effect.low < high - 1e-9 < one.effect.high - 2e-9:
        assert one.state == "open"


def test_p_values_are_those_of_the_distribution_that_the_interval_was_made_with() -> None:
    half = float(norm.ppf(0.975)) * 0.01
    assert case(0.03, half, Region(low=0.0)).inside == pytest.approx(2 * norm.sf(3), rel=1e-3)
    few = Effect(0.03, 0.03 - t.ppf(0.975, 4) * 0.01, 0.03 + t.ppf(0.975, 4) * 0.01, 0.04, 0.006, 0.008)
    assert hypot(few.sampling, few.training) == pytest.approx(0.01)
    assert case(0, 1, Region(low=0.0), effect=few).inside == pytest.approx(2 * t.sf(3, 4), rel=1e-3)
    alone = Effect(0.03, 0.03 - half, 0.03 + half, 0.04, 0.01, nan)
    assert case(0, 1, Region(low=0.0), effect=alone).inside == pytest.approx(2 * norm.sf(3), rel=1e-3)


def test_an_effect_of_nothing_at_all_decides_nothing() -> None:
    assert case(0.0, 0.0, Region(low=0.0)).state == "open"
    assert case(0.0, 0.0, Region(high=0.0)).state == "open"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.data())
def test_partial_conjunction_has_bonferroni_and_the_maximum_at_its_ends(p: list[float], data: st.DataObject) -> None:
    n = len(p)
    assert at_least(p, n) == max(p)
    assert at_least(p, 1) == min(1, n * min(p))
    count = data.draw(st.integers(1, n))
    assert at_least(p, count) == min(1, (n - count + 1) * sorted(p)[count - 1])


@given(st.integers(1, 600))
def test_amounts(n: int) -> None:
    assert EVERY.of(n) == n
    assert SOME.of(n) == 1
    assert MOST.of(n) * 2 > n >= (MOST.of(n) - 1) * 2
    assert NEARLY_ALL.of(n) >= 0.9 * n - 1e-9 > NEARLY_ALL.of(n) - 1 - 1e-6
    assert Amount("a third", 1 / 3).of(3 * n) == n


@given(st.lists(CASES, min_size=1, max_size=12), st.sampled_from([EVERY, MOST, NEARLY_ALL, SOME]))
def test_decisions_agree_with_the_single_cases(cases: list[Case], amount: Amount) -> None:
    states = [one.state for one in cases]
    need, n = amount.of(len(cases)), len(cases)
    decision = decide(cases, amount)
    if decision == "holds":
        assert states.count("holds") >= need
    if decision == "refuted":
        assert states.count("refuted") >= n - need + 1
    if amount is EVERY:
        assert (decision == "holds") == (set(states) == {"holds"})
    if amount is SOME:
        assert (decision == "refuted") == (set(states) == {"refuted"})


def test_one_of_many_refutes_every_only_after_correction() -> None:
    sure = case(1.0, 0.1, Region(low=0.0))
    barely = case(-0.10, 0.09, Region(low=0.0))  # p = 0.03 on its own
    assert decide([barely], EVERY) == "refuted"
    assert decide([barely, *[sure] * 9], EVERY) == "open"
    assert decide([case(-0.2, 0.09, Region(low=0.0)), *[sure] * 9], EVERY) == "refuted"


def test_similarity_at_the_floor_does_not_count() -> None:
    trivial = case(0.0, 0.001, Region(-0.05, 0.05), trivial=True)
    real = case(0.01, 0.02, Region(-0.05, 0.05))
    assert decide([trivial], EVERY) == "open"
    assert decide([trivial, real], EVERY) == "holds"
    assert case(0.004, 0.001, Region(low=0.0), trivial=True).state == "holds"  # a difference is still one
    assert "means nothing" in case_text(trivial)


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=5))
def test_a_claim_is_as_good_as_its_parts(parts: list[Outcome]) -> None:
    outcome = outcome_of(parts)
    assert (outcome == "does not replicate") == ("does not replicate" in parts)
    assert (outcome == "replicates") == all(part == "replicates" for part in parts)
    assert (outcome == "not measured") == all(part == "not measured" for part in parts)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (case(0.1, 0.02, Region(low=0.0)), "x: +10.0 points [+8.0, +12.0]; above 0, beyond noise"),
        (case(-0.1, 0.02, Region(low=0.0)), "x: −10.0 points [−12.0, −8.0]; not above 0, beyond noise"),
        (case(0.01, 0.02, Region(low=0.0)), "x: +1.0 points [−1.0, +3.0]; the interval reaches 1.0 points past 0"),
        (case(0.01, 0.02, Region(-0.05, 0.05)), "x: +1.0 points [−1.0, +3.0]; within ±5.0 points, beyond noise"),
        (case(-0.02, 0.01, Region(-0.1, 0.0)), "x: −2.0 points [−3.0, −1.0]; between −10.0 and 0 points, beyond noise"),
        (case(0.95, 0.01, Region(low=0.9), signed=False), "x: 95.0 % [94.0 %, 96.0 %]; above 90.0 %, beyond noise"),
        (
            case(0.002, 0.003, Region(high=0.0), percent=False),
            "x: +0.0020 [−0.0010, +0.0050]; the interval reaches 0.0010 past 0",
        ),
    ],
)
def test_cases_in_words(one: Case, text: str) -> None:
    assert case_text(one) == text


@pytest.mark.parametrize(
    ("values", "difference", "expected"),
    [
        ((0.9991, 0.9994), -0.0003, 2),
        ((0.9991, 0.98), 0.0191, 1),  # one side alone is near the end
        ((0.5, 0.5004), -0.0004, 2),
        ((0.5, 0.499), 0.001, 1),
        ((0.9995,), None, 2),
        ((0.97,), None, 1),
    ],
)
def test_what_one_decimal_would_make_equal_is_shown_with_two(
    values: tuple[float, ...], difference: float | None, expected: int
) -> None:
    assert decimals(values, difference) == expected


def test_a_case_is_told_with_its_decimals() -> None:
    fine = case(0.0004, 0.0005, Region(low=0.0), values="99.99 % against 99.95 %", digits=2)
    text = "x (99.99 % against 99.95 %): +0.04 points [−0.01, +0.09]; the interval reaches 0.01 points past 0"
    assert case_text(fine) == text
    level = case(0.9995, 0.0002, Region(low=0.999), signed=False, digits=2)
    assert case_text(level) == "x: 99.95 % [99.93 %, 99.97 %]; above 99.9 %, beyond noise"
