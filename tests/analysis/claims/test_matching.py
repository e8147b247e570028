"""Matched groups: setting against the same setting."""

from collections.abc import Callable
from typing import Any

import pytest

from assay.analysis.claims import Compare, Evidence, Finding, Group, Measures, Region
from assay.analysis.claims.judge import NEARLY_ALL

PGD = "pgd(eps=0.3, steps=40)"
CUTOUTS = [f"cutout(length={length}, holes=1)" for length in (7, 10, 14)]
FIRST, LAST = ([f"{cutout} > {PGD}" for cutout in CUTOUTS], [f"{PGD} > {cutout}" for cutout in CUTOUTS])
Test = Callable[..., Finding]


@pytest.fixture
def orders(
    evidence: Callable[..., Evidence], families: Callable[..., Group], measures: Callable[[str], Measures]
) -> Test:
    def run(values: dict[str, float], **changes: Any) -> Finding:
        test = Compare(
            text="",
            left=(families("cutout > pgd"),),
            right=(families(changes.pop("right", "pgd > cutout")),),
            matched=True,
            measures=(measures("fgsm"),),
            **({"region": Region(-0.05, 0.05)} | changes),
        )
        return test.test(evidence({"baseline": {"fgsm": 0.1}} | {label: {"fgsm": v} for label, v in values.items()}))

    return run


def test_differences_that_cancel_in_the_mean_do_not_where_each_counts(orders: Test) -> None:
    opposite = dict(zip((*FIRST[:2], *LAST[:2]), (0.9, 0.5, 0.5, 0.9), strict=True))
    assert orders(opposite).outcome == "replicates"  # the means are the same
    each = orders(opposite, left_as="each", amount=NEARLY_ALL)
    assert each.outcome == "does not replicate"
    assert each.numbers[-1].startswith("Mean over settings of fgsm, cutout > pgd, mean of 2 against pgd > cutout")
    assert "±0.00 points" in each.numbers[-1]


def test_only_settings_that_both_have_are_compared(orders: Test) -> None:
    uneven = dict(zip((*FIRST, LAST[0]), (0.8, 0.1, 0.1, 0.81), strict=True))
    found = orders(uneven)
    assert found.outcome == "replicates"
    assert found.recipes == (FIRST[0], LAST[0])
    assert f"no other has the same settings: {FIRST[1]}; {FIRST[2]}." in found.notes[0]
    assert orders({FIRST[0]: 0.8, LAST[1]: 0.8}).outcome == "not measured"


def test_a_combination_meets_its_attack_with_the_same_settings(orders: Test) -> None:
    alone = {"pgd(eps=0.2, steps=40)": 0.980, PGD: 0.940}
    combined = {FIRST[0]: 0.95, FIRST[1]: 0.95}
    worse = orders(alone | combined, right="pgd", region=Region(high=0.0))
    assert worse.outcome == "does not replicate"  # 95 % against 94 %, not against the mean of 94 % and 98 %
    assert "pgd(eps=0.2, steps=40)" in worse.notes[0]


def test_every_setting_has_the_same_weight_on_both_sides(orders: Test) -> None:
    weak, strong = "pgd(eps=0.2, steps=40)", PGD
    values = {weak: 0.9, strong: 0.5, f"{CUTOUTS[0]} > {weak}": 0.9}
    values |= {f"{cutout} > {strong}": 0.5 for cutout in CUTOUTS}
    case = orders(values, right="pgd").cases[0]
    assert case.effect.value == pytest.approx(0)
