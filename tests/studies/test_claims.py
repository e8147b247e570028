"""Every claim of the study on trade-offs: a world in which it must replicate, and one in which it must not."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from assay.analysis.claims import Checked, Claim, check
from assay.analysis.zoo import Key, Zoo
from assay.studies.claims import CLAIMS, claims_of

Truth = Callable[[str, str, Mapping[str, float]], float]
Change = Callable[[str, str, Mapping[str, float]], float | None]
KEYS = [f"{axis}{n}" for axis, last in (("a", 8), ("s", 7), ("o", 7), ("c", 4), ("t", 2)) for n in range(1, last + 1)]
ATTACKS = ("fgsm", "pgd")
AUROCS = ("fashion_mnist", "kmnist")


def only(numbers: tuple[str, ...], kinds: Callable[[str], bool], value: float) -> Change:
    """That value for those numbers of those families; None leaves the rest as it is."""
    return lambda number, kind, _: value if number in numbers and kinds(kind) else None


def is_(*families: str) -> Callable[[str], bool]:
    return lambda kind: kind in families


def combined(kind: str) -> bool:
    return ">" in kind


def shrinking(number: str, kind: str, given: Mapping[str, float]) -> float | None:
    return 0.3 - 0.01 * given["ensemble.members"] if number == "pgd" and kind == "ensemble" else None


def milder(number: str, kind: str, given: Mapping[str, float]) -> float | None:
    return 0.5 + given["fgsm.eps"] / 2 if number == "mean_accuracy" and kind == "fgsm" else None


def paying(number: str, kind: str, _: Mapping[str, float]) -> float | None:
    return 0.93 if number in AUROCS and kind == "ensemble" else None


# For each claim, what makes it false.
FALSE: dict[str, Change] = {
    "a1": only(ATTACKS, is_("baseline"), 0.95),
    "a2": only(ATTACKS, is_("pgd"), 0.05),
    "a3": only(ATTACKS, combined, 0.02),
    "a4": only(ATTACKS, is_("pgd > cutout"), 0.30),
    "a5": only(ATTACKS, is_("ensemble"), 0.01),
    "a6": only(("fgsm",), is_("lenet5_large"), 0.10),
    "a7": shrinking,
    "a8": only(ATTACKS, lambda kind: "pgd" in kind or "fgsm" in kind, 0.40),
    "s1": only(("fog",), lambda _: True, 0.80),
    "s2": only(("mean_accuracy",), is_("lenet5_large"), 0.90),
    "s3": only(("mean_accuracy",), is_("ensemble"), 0.70),
    "s4": only(("mean_accuracy",), is_("fgsm"), 0.95),
    "s5": milder,
    "s6": only(("mean_accuracy",), is_("cutout"), 0.90),
    "s7": only(("mean_accuracy",), combined, 0.90),
    "o1": only(AUROCS, lambda _: True, 0.85),
    "o3": only(AUROCS, is_("ensemble"), 0.90),
    "o4": only(("kmnist",), is_("lenet5_large"), 0.80),
    "o5": only(AUROCS, is_("pgd", "fgsm"), 0.97),
    "o6": only(AUROCS, is_("mixup"), 0.97),
    "o7": only(AUROCS, is_("cutout"), 0.93),
    "c1": only(("calibration",), is_("baseline"), 0.20),
    "c2": only(("calibration",), is_("ensemble"), 0.02),
    "c3": only(("calibration",), is_("pgd", "fgsm", "mixup", "pgd > cutout"), 0.001),
    "c4": only(("calibration",), is_("lenet5_large"), 0.02),
    "t1": only(("mean_accuracy",), is_("ensemble"), 0.70),
}


@pytest.fixture(scope="module")
def verdicts(true_zoo: Zoo) -> dict[str, Checked]:
    return {item.claim.key: item for item in check(CLAIMS, true_zoo)}


def claim(key: str) -> Claim:
    return next(item for item in CLAIMS if item.key == key)


def test_every_claim_is_there_once_with_its_sentences() -> None:
    assert [item.key for item in CLAIMS] == KEYS
    for item in CLAIMS:
        assert item.text.endswith(".")
        assert item.source
        assert item.weakness is None or item.weakness.endswith(".")
        assert all(part.text.endswith(".") for part in item.parts)
    assert claims_of("tradeoffs") == CLAIMS
    assert claims_of("quickstart") == ()


@pytest.mark.parametrize("key", [key for key in KEYS if key != "t2"])
def test_a_claim_replicates_where_it_is_true(key: str, verdicts: dict[str, Checked]) -> None:
    assert verdicts[key].outcome == "replicates", verdicts[key].findings


@pytest.mark.parametrize("key", FALSE)
def test_a_claim_does_not_replicate_where_it_is_false(
    key: str, zoo_of: Callable[[Truth], Zoo], true_world: Truth
) -> None:
    def world(number: str, kind: str, given: Mapping[str, float]) -> float:
        changed = FALSE[key](number, kind, given)
        return true_world(number, kind, given) if changed is None else changed

    checked = check([claim(key)], zoo_of(world))[0]
    assert checked.outcome == "does not replicate", checked.findings


def test_the_best_of_an_axis_pays_only_where_it_does(
    verdicts: dict[str, Checked], zoo_of: Callable[[Truth], Zoo], true_world: Truth
) -> None:
    assert verdicts["t2"].outcome == "does not replicate"  # the best calibrated ensemble is better everywhere
    world: Truth = lambda *given: true_world(*given) if (value := paying(*given)) is None else value  # noqa: E731
    assert check([claim("t2")], zoo_of(world))[0].outcome == "replicates"


def test_a_score_that_wins_everywhere_refutes_that_none_is_best(true_zoo: Zoo) -> None:
    values = true_zoo.values.copy()
    for column, key in enumerate(true_zoo.keys):
        if ("score", "msp") in key.setting:
            values[:, column] = 0.99
    changed = replace(true_zoo, values=values)
    assert check([claim("o2")], changed)[0].outcome == "does not replicate"


def test_nothing_is_concluded_from_nothing(true_zoo: Zoo) -> None:
    empty = replace(true_zoo, values=np.full(true_zoo.values.shape, np.nan))
    for checked in check(CLAIMS, empty):
        assert checked.outcome == "not measured"
        assert any(finding.missing for finding in checked.findings)
        assert not any(finding.numbers for finding in checked.findings)


def kept(zoo: Zoo, wanted: Callable[[int], bool]) -> Zoo:
    """The zoo with these recipes, by their places."""
    places = [place for place in range(len(zoo.recipes)) if wanted(place)]
    return replace(
        zoo,
        recipes=tuple(zoo.recipes[place] for place in places),
        families=tuple(zoo.families[place] for place in places),
        parameters=tuple(zoo.parameters[place] for place in places),
        **{name: getattr(zoo, name)[places] for name in ("values", "draws", "seeds", "spread")},
    )


def measured(zoo: Zoo, wanted: Callable[[Key], bool]) -> Zoo:
    """The zoo with values of these measures alone."""
    values = zoo.values.copy()
    values[:, [not wanted(key) for key in zoo.keys]] = np.nan
    return replace(zoo, values=values)


def test_a_slice_names_what_it_lacks(true_zoo: Zoo) -> None:
    members = [given.get("ensemble.members", 0) for given in true_zoo.parameters]
    part = kept(true_zoo, lambda place: members[place] < 10)
    finding = check([claim("s3")], part, true_zoo.recipes)[0].findings[0]
    assert finding.outcome == "replicates"
    assert [lack.recipes for lack in finding.missing] == [("ensemble(members=10)", "ensemble(members=15)")]
    assert check([claim("s3")], part)[0].findings[0].missing == ()


def test_a_slice_without_a_whole_group_leaves_what_names_it_open(true_zoo: Zoo) -> None:
    part = kept(true_zoo, lambda place: true_zoo.families[place] not in ("ensemble", "lenet5_large"))
    finding = check([claim("a2")], part, true_zoo.recipes)[0].findings[0]
    assert finding.outcome == "inconclusive"
    assert "ensembles: not in this slice; the scaled-up model: not in this slice." in finding.notes[0]


def test_one_axis_does_not_show_that_all_are_better(true_zoo: Zoo) -> None:
    checked = check([claim("t1")], measured(true_zoo, lambda key: key.evaluation == "calibration"))[0]
    assert checked.outcome == "inconclusive"
    assert "mean MNIST-C accuracy" in checked.findings[0].notes[0]


def test_one_budget_is_not_the_mean_over_budgets(true_zoo: Zoo) -> None:
    one = measured(true_zoo, lambda key: ("eps", 0.2) in key.setting and ("attack", "fgsm") in key.setting)
    there = [place for place, key in enumerate(one.keys) if np.isfinite(one.values[0, place])]
    lone = replace(
        one,
        keys=tuple(one.keys[place] for place in there),
        higher_is_better=tuple(one.higher_is_better[place] for place in there),
        **{name: getattr(one, name)[:, there] for name in ("values", "draws", "seeds", "spread")},
        **{name: getattr(one, name)[there] for name in ("noise", "replicates")},
    )
    for finding in check([claim("a2")], lone)[0].findings:
        assert finding.outcome == "inconclusive"
        assert "FGSM accuracy (mean over budgets): 1 of its 4 settings were measured" in finding.notes[0]


def test_augmentation_of_a_baseline_at_the_floor_is_left_open(
    zoo_of: Callable[[Truth], Zoo], true_world: Truth
) -> None:
    floor = {"baseline": 0.002, "cutout": 0.003, "mixup": 0.003}

    def world(number: str, kind: str, given: Mapping[str, float]) -> float:
        return floor[kind] if number == "pgd" and kind in floor else true_world(number, kind, given)

    part = check([claim("a1")], zoo_of(world))[0].findings[2]
    assert part.outcome == "inconclusive"
    assert "the baseline itself has at most 1 % PGD accuracy" in part.notes[0]


def test_nearly_all_others_are_all_but_those_that_are_claimed_to_be_better(true_zoo: Zoo) -> None:
    better = {"baseline", "lenet5_large", "ensemble"}
    weak = {f"cutout(length=7, holes={holes})" for holes in (1, 2)}
    for part in check([claim("c3")], true_zoo)[0].findings:
        others = {
            label for label, kind in zip(true_zoo.recipes, true_zoo.families, strict=True) if kind not in better
        } - weak
        assert set(part.recipes) == others | {"baseline"}
        assert part.numbers[0].startswith(f"{len(others)} comparisons")


def test_the_worst_case_beside_is_at_the_same_budget(true_zoo: Zoo) -> None:
    for finding in check([claim("a8")], true_zoo)[0].findings:
        assert "(eps 0.3)" in finding.numbers[-1]
