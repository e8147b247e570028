"""No consistent effect: better for some and worse for others."""

from dataclasses import dataclass, replace

from assay.analysis.claims.compare import Compare
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding
from assay.analysis.claims.group import Group, Measures
from assay.analysis.claims.judge import BETTER, NEARLY_ALL, SOME, WORSE, Case, State, decide
from assay.analysis.claims.summarise import OUTCOME, cautions, incomplete, merge, not_measured
from assay.analysis.claims.words import case_text


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Of all recipes of a group, some are better than the other group on a measure, and some are worse.

    It is refuted where at least 90 % of them are better beyond noise, or at least 90 % are worse; else it holds where
    at least one is better and at least one is worse, both beyond noise and corrected for their number. A measure
    without all its settings decides nothing.

    Attributes:
        text: the part in a sentence.
        left: each recipe of it is compared.
        right: with the mean of this group.
        measures: on this one.
    """

    text: str
    left: Group
    right: Group
    measures: Measures

    def test(self, evidence: Evidence) -> Finding:
        """Look for a gain and for a loss, and for agreement."""
        compare = Compare(
            text="", left=(self.left,), right=(self.right,), measures=(self.measures,), region=BETTER, left_as="each"
        )
        found = compare.comparisons(evidence)
        if not found.cases:
            return not_measured(self.text, found.missing)
        gains, losses = found.cases, [replace(case, region=WORSE) for case in found.cases]
        best = max(gains, key=lambda case: case.effect.value)
        worst = min(losses, key=lambda case: case.effect.value)
        counts = [sum(case.state == "holds" for case in cases) for cases in (gains, losses)]
        return Finding(
            text=self.text,
            outcome=OUTCOME[_state(gains, losses)],
            numbers=(
                f"Of {len(gains)} recipes {counts[0]} gain and {counts[1]} lose, each by its own interval; one of each "
                "must stand when corrected for their number, and less than 90 % go one way",
                f"Largest gain: {case_text(best)}",
                f"Largest loss: {case_text(worst)}",
            ),
            cases=(best, worst),
            notes=(*incomplete(found.gaps), *cautions(gains)),
            missing=merge(found.missing),
            recipes=tuple(evidence.zoo.recipes[place] for place in sorted(set(found.used))),
        )


def _state(gains: list[Case], losses: list[Case]) -> State:
    if "holds" in (decide(gains, NEARLY_ALL), decide(losses, NEARLY_ALL)):
        return "refuted"
    return "holds" if decide(gains, SOME) == decide(losses, SOME) == "holds" else "open"
