"""Claims held against a zoo."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from assay.analysis.claims.claim import Claim
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Checked, Finding, Outcome
from assay.analysis.claims.words import list_text
from assay.analysis.zoo import Zoo


def check(claims: Iterable[Claim], zoo: Zoo, whole: Sequence[str] = ()) -> list[Checked]:
    """The verdict on each claim.

    Args:
        claims: of the zoo's study.
        zoo: what was measured.
        whole: labels of the whole study's recipes, where the zoo holds a slice: what a claim speaks of and the slice
            does not have is then named as missing.
    """
    evidence = Evidence(zoo=zoo, whole=tuple(whole))
    checked = []
    for claim in claims:
        findings = tuple(_warned(part.test(evidence), zoo) for part in claim.parts)
        outcome = outcome_of([finding.outcome for finding in findings])
        checked.append(Checked(claim=claim, outcome=outcome, findings=findings))
    return checked


def _warned(finding: Finding, zoo: Zoo) -> Finding:
    """The finding with the recipes named that have learned nothing; it is open where they are half of it or more.

    So it is where the baseline itself has learned nothing.
    """
    idle = [label for label in finding.recipes if label in zoo.unlearned]
    if not idle:
        return finding
    note = f"Among them are models that answer one class for every image, having learned nothing: {list_text(idle)}."
    base = None if zoo.baseline is None else zoo.recipes[zoo.baseline]
    if base in idle or 2 * len(idle) >= len(finding.recipes):
        note = f"Undecided, since models that answer one class for every image decide it: {list_text(idle)}."
        finding = replace(finding, outcome="inconclusive")
    return replace(finding, notes=(note, *finding.notes))


def outcome_of(parts: Sequence[Outcome]) -> Outcome:
    """A claim's verdict from its parts'.

    It does not replicate if any part is refuted; it replicates if every part was measured and holds; it is not
    measured if none was; otherwise it is inconclusive, a part that was not measured being open.
    """
    if "does not replicate" in parts:
        return "does not replicate"
    if set(parts) == {"replicates"}:
        return "replicates"
    return "not measured" if set(parts) <= {"not measured"} else "inconclusive"
