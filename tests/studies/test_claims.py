"""Every claim of the study on trade-offs: a world in which it must replicate, and one in which it must not."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from assay.analysis.claims import Checked, Claim, check
from assay.analysis.zoo import Zoo
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
    changed = Zoo(**(vars(true_zoo) | {"values": values}))
    assert check([claim("o2")], changed)[0].outcome == "does not replicate"


def test_nothing_is_concluded_from_nothing(true_zoo: Zoo) -> None:
    empty = Zoo(**(vars(true_zoo) | {"values": np.full(true_zoo.values.shape, np.nan)}))
    for checked in check(CLAIMS, empty):
        assert checked.outcome == "not measured"
        assert any(finding.missing for finding in checked.findings)
        assert not any(finding.numbers for finding in checked.findings)


def test_a_slice_names_what_it_lacks(true_zoo: Zoo) -> None:
    kept = [
        place for place, kind in enumerate(true_zoo.families)
        if kind != "ensemble" or true_zoo.parameters[place]["ensemble.members"] < 10
    ]  # fmt: skip
    rows = ("values", "draws", "seeds", "spread")
    part = Zoo(
        **(
            vars(true_zoo)
            | {name: getattr(true_zoo, name)[kept] for name in rows}
            | {
                name: tuple(getattr(true_zoo, name)[place] for place in kept)
                for name in ("recipes", "families", "parameters")
            }
        )
    )
    finding = check([claim("s3")], part, true_zoo.recipes)[0].findings[0]
    assert finding.outcome == "replicates"
    assert [lack.recipes for lack in finding.missing] == [("ensemble(members=10)", "ensemble(members=15)")]
    assert check([claim("s3")], part)[0].findings[0].missing == ()
