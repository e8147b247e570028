"""The two claims of the study on PixMix and outlier exposure: its own table, worlds in which they fail, slices."""

from dataclasses import replace

import numpy as np
import pytest

from assay.analysis.claims import Checked, check
from assay.analysis.families import family, parameters
from assay.analysis.zoo import Key, Zoo
from assay.studies import pixmix_oe
from assay.studies.claims import CLAIMED, CLAIMS, claims_of
from assay.studies.claims.pixmix_oe import EXPOSED as EXPOSED_GROUPS

LABELS = tuple(recipe.label for recipe in pixmix_oe.recipes)
SALT, PIXMIX, EXPOSED = LABELS[2], "pixmix", "outlier_exposure"
WITH = {"baseline": EXPOSED, SALT: f"{SALT} > {EXPOSED}", PIXMIX: f"{PIXMIX} > {EXPOSED}"}
FASHION, KMNIST = "fashion_mnist", "kmnist"
DRAWS = 100
Values = dict[tuple[str, Key], float]


def shift(metric: str, **setting: str) -> Key:
    return Key("shift", metric, tuple(setting.items()))


def auroc(outliers: str, score: str) -> Key:
    return Key("anomaly", "auroc", (("outliers", outliers), ("score", score)))


CLEAN, MEAN, MCE = shift("accuracy", corruption="clean"), shift("mean_accuracy"), shift("mce")
AUROCS = tuple(auroc(outliers, score) for outliers in (FASHION, KMNIST) for score in ("msp", "cross_entropy"))
KEYS = (CLEAN, MEAN, MCE, *AUROCS)


def table() -> dict[tuple[str, Key], float]:
    """The study's own table; accuracies and mean corruption errors that it does not give are made up."""
    assert pixmix_oe.published is not None
    found = {
        (item.recipe, Key(item.evaluation, item.metric, tuple(sorted(item.setting.items())))): item.value
        for item in pixmix_oe.published.numbers
    }
    made_up = {(label, key): 0.8 for label in LABELS for key in (CLEAN, MEAN)}
    return made_up | {(label, MCE): 1.0 for label in LABELS} | found


def true_world() -> dict[tuple[str, Key], float]:
    """The study's table, with room left for exposure to add to PixMix on Fashion-MNIST."""
    return table() | {(PIXMIX, auroc(FASHION, "msp")): 0.9997}


def make_zoo(values: Values, scatter: float = 1e-6) -> Zoo:
    array = np.array([[values[label, key] for key in KEYS] for label in LABELS])
    random = np.random.default_rng(0).standard_normal((*array.shape, DRAWS))
    seeds, spread = np.ones(array.shape, dtype=np.int64), np.full(array.shape, np.nan)
    seeds[0], spread[0] = 3, scatter
    return Zoo(
        recipes=LABELS,
        baseline=0,
        families=tuple(map(family, LABELS)),
        parameters=tuple(map(parameters, LABELS)),
        keys=KEYS,
        higher_is_better=tuple(key != MCE for key in KEYS),
        values=array,
        draws=(array[..., None] + scatter * random).astype(np.float32),
        seeds=seeds,
        spread=spread,
        noise=spread[0],
        replicates=seeds[0],
        reasons={},
        seen={(label, auroc(FASHION, score)): FASHION for label in WITH.values() for score in ("msp", "cross_entropy")},
    )


def verdicts(zoo: Zoo) -> dict[str, Checked]:
    return {item.claim.key: item for item in check(claims_of("pixmix_oe"), zoo, LABELS)}


def parts(zoo: Zoo, key: str) -> list[str]:
    return [finding.outcome for finding in verdicts(zoo)[key].findings]


def test_each_study_has_its_own_claims() -> None:
    assert set(CLAIMED) == {"tradeoffs", "pixmix_oe"}
    own = claims_of("pixmix_oe")
    assert [item.key for item in own] == ["s8", "o8"]
    assert not {item.key for item in own} & {item.key for item in CLAIMS}
    assert pixmix_oe.published is not None
    assert {item.source for item in own} == {pixmix_oe.published.title}
    for item in own:
        assert item.weakness is not None
        assert all(text.endswith(".") for text in (item.text, item.weakness, *(part.text for part in item.parts)))


def test_both_replicate_where_they_are_true() -> None:
    for item in verdicts(make_zoo(true_world())).values():
        assert item.outcome == "replicates", item.findings


def test_the_studys_own_table_leaves_no_room_for_one_part() -> None:
    zoo = make_zoo(table())
    assert verdicts(zoo)["s8"].outcome == "replicates"
    assert parts(zoo, "o8") == ["replicates", "inconclusive", "replicates", "replicates", "replicates"]
    assert "ceiling" in " ".join(verdicts(zoo)["o8"].findings[1].notes)


def scores(label: str, outliers: str, value: float) -> Values:
    return {(label, auroc(outliers, score)): value for score in ("msp", "cross_entropy")}


@pytest.mark.parametrize(
    ("key", "part", "change"),
    [
        ("s8", 0, {(PIXMIX, CLEAN): 0.96}),
        ("s8", 0, {(SALT, CLEAN): 0.96}),
        ("s8", 1, {(PIXMIX, MEAN): 0.85}),
        ("s8", 1, {(SALT, MEAN): 0.85}),
        *(("o8", 0, scores(label, KMNIST, 0.97)) for label in WITH.values()),
        *(("o8", 1, scores(label, FASHION, 0.97)) for label in WITH.values()),
        *(("o8", 2, {(PIXMIX, key): 0.998}) for key in AUROCS),
        *(("o8", 3, {(label, auroc(FASHION, "cross_entropy")): 0.97}) for label in LABELS),
        *(("o8", 3, {(label, auroc(KMNIST, "cross_entropy")): 0.97}) for label in LABELS),
        *(("o8", 4, scores(SALT, outliers, 0.9999)) for outliers in (FASHION, KMNIST)),
    ],
)
def test_a_part_is_refuted_where_it_is_false(key: str, part: int, change: Values) -> None:
    zoo = make_zoo(true_world() | change)
    assert parts(zoo, key)[part] == "does not replicate"
    assert verdicts(zoo)[key].outcome == "does not replicate"


def test_cross_entropy_may_be_below_by_less_than_a_tenth_of_a_point() -> None:
    change = {("baseline", auroc(KMNIST, "cross_entropy")): 0.9937}  # max softmax has 0.9942
    assert parts(make_zoo(true_world() | change), "o8")[3] == "replicates"


def test_values_near_the_ceiling_are_told_apart() -> None:
    """PixMix has 99.97 % without exposure and 99.98 % with it: with one decimal both would be 100.0 %."""
    numbers = " ".join(verdicts(make_zoo(true_world()))["o8"].findings[1].numbers)
    assert "99.98 % against" in numbers or "99.99 % against" in numbers or "100.00 % against" in numbers
    assert "100.0 % against 100.0 %" not in numbers
    assert "+0.0 points" not in numbers


def test_exposure_to_another_data_set_is_another_group() -> None:
    """On KMNIST, "which exposure has not shown", a model that was exposed to KMNIST says nothing."""
    label = "outlier_exposure(source=data_set(of='kmnist'))"
    assert [group.holds(family(EXPOSED), parameters(EXPOSED)) for group in EXPOSED_GROUPS] == [True, False, False]
    assert not any(group.holds(family(label), parameters(label)) for group in EXPOSED_GROUPS)


def test_noise_leaves_them_open() -> None:
    found = verdicts(make_zoo(true_world(), scatter=0.02))
    assert {item.outcome for item in found.values()} == {"inconclusive"}


def test_what_exposure_has_shown_is_told_from_what_it_has_not() -> None:
    unseen, seen, *_ = verdicts(make_zoo(true_world()))["o8"].findings
    assert not any("training has shown" in note for note in unseen.notes)
    note = next(note for note in seen.notes if "training has shown" in note)
    assert note.startswith("In 3 of 3 comparisons")
    assert "Fashion-MNIST: " in note
    assert all(label in note for label in WITH.values())
    assert all(case.seen for case in seen.cases)


def without(zoo: Zoo, *labels: str) -> Zoo:
    kept = [place for place, label in enumerate(LABELS) if label not in labels]
    return replace(
        zoo,
        recipes=tuple(LABELS[place] for place in kept),
        families=tuple(zoo.families[place] for place in kept),
        parameters=tuple(zoo.parameters[place] for place in kept),
        **{name: getattr(zoo, name)[kept] for name in ("values", "draws", "seeds", "spread")},
    )


def test_a_pair_that_was_not_measured_leaves_exposure_open_and_is_named() -> None:
    found = verdicts(without(make_zoo(true_world()), WITH[PIXMIX]))
    assert found["s8"].outcome == "replicates"  # speaks of none with exposure
    outcomes = [finding.outcome for finding in found["o8"].findings]
    assert outcomes == ["inconclusive", "inconclusive", "replicates", "inconclusive", "replicates"]
    for place in (0, 1, 3):
        finding = found["o8"].findings[place]
        assert "PixMix with outlier exposure: not in this slice" in finding.notes[0]
        assert (WITH[PIXMIX],) in [lack.recipes for lack in finding.missing]


def test_a_score_that_was_not_measured_leaves_open_what_names_it() -> None:
    zoo = make_zoo(true_world())
    there = [place for place, key in enumerate(KEYS) if ("score", "cross_entropy") not in key.setting]
    lone = replace(
        zoo,
        keys=tuple(KEYS[place] for place in there),
        higher_is_better=tuple(zoo.higher_is_better[place] for place in there),
        **{name: getattr(zoo, name)[:, there] for name in ("values", "draws", "seeds", "spread")},
        **{name: getattr(zoo, name)[there] for name in ("noise", "replicates")},
    )
    assert parts(lone, "o8") == ["inconclusive"] * 3 + ["not measured", "inconclusive"]


def test_nothing_is_concluded_from_nothing() -> None:
    zoo = make_zoo(true_world())
    for item in verdicts(replace(zoo, values=np.full(zoo.values.shape, np.nan))).values():
        assert item.outcome == "not measured"
        assert all(finding.missing for finding in item.findings)
