"""Claims on a made-up study that went through the real evaluations, draws and zoo."""

import dataclasses

from assay.analysis.build import build_zoo
from assay.analysis.claims import check
from assay.results import Results
from assay.studies import tradeoffs
from assay.studies.claims import CLAIMS


def test_claims_meet_a_zoo_of_real_evaluations(made_up: Results) -> None:
    whole = tuple(recipe.label for recipe in tradeoffs.recipes)
    verdicts = {item.claim.key: item for item in check(CLAIMS, build_zoo(made_up), whole)}
    assert verdicts["c1"].outcome == "replicates"  # MixUp first has the hottest softmax by far
    assert verdicts["s1"].outcome == "does not replicate"  # nothing collapses on fog
    assert verdicts["o6"].findings[0].outcome == "replicates"  # MixUp's outliers are the nearest
    assert verdicts["a7"].outcome == "not measured"  # there is one ensemble
    budgets = [lack.reason for lack in verdicts["a2"].findings[0].missing if lack.what.startswith("FGSM accuracy")]
    assert budgets == ["2 of its 4 settings were measured"]
    for item in verdicts.values():
        for finding in item.findings:
            assert (finding.outcome == "not measured") == (not finding.numbers)
            assert finding.numbers or finding.missing


def test_a_finding_names_the_recipes_that_learned_nothing(made_up: Results) -> None:
    zoo = build_zoo(made_up)
    idle = next(label for label in zoo.recipes if label.startswith("mixup") and "pgd" in label)
    verdicts = check(CLAIMS, dataclasses.replace(zoo, unlearned=(idle,)))
    told = [
        any("one class for every image" in note and idle in note for note in finding.notes) == (idle in finding.recipes)
        for item in verdicts
        for finding in item.findings
    ]
    assert all(told)
    assert any(idle in finding.recipes for item in verdicts for finding in item.findings)


def test_nothing_is_decided_by_models_that_learned_nothing(made_up: Results) -> None:
    zoo = build_zoo(made_up)
    assert zoo.baseline is not None
    base = zoo.recipes[zoo.baseline]
    for item in check(CLAIMS, dataclasses.replace(zoo, unlearned=(base,))):
        for finding in item.findings:
            if base in finding.recipes:
                assert finding.outcome == "inconclusive"
                assert finding.notes[0].startswith("Undecided, since models that answer one class")
    everyone = check(CLAIMS, dataclasses.replace(zoo, unlearned=zoo.recipes))
    assert {item.outcome for item in everyone} <= {"inconclusive", "not measured"}
