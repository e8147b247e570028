"""No consistent effect: better here and worse there."""

from dataclasses import dataclass

from assay.analysis.claims.compare import Compare, Comparisons
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding
from assay.analysis.claims.group import Group, Measures
from assay.analysis.claims.judge import EVERY, SOME, Case, Region, State, decide
from assay.analysis.claims.summarise import OUTCOME, cautions, merge, not_measured
from assay.analysis.claims.words import case_text

BETTER, WORSE = Region(low=0.0), Region(high=0.0)


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Of all comparisons of a recipe with the other group on a measure, some are better and some are worse.

    It holds where at least one is better and at least one is worse, both beyond noise and corrected for their number;
    it is refuted where every one is better beyond noise, or every one is worse.

    Attributes:
        text: the part in a sentence.
        left: each recipe of it is compared.
        right: with the mean of this group.
        measures: on each of these.
    """

    text: str
    left: Group
    right: Group
    measures: tuple[Measures, ...]

    def test(self, evidence: Evidence) -> Finding:
        """Look for a gain and for a loss, and for agreement."""
        gains, losses = (self._ask(evidence, region) for region in (BETTER, WORSE))
        if not gains.cases:
            return not_measured(self.text, gains.missing)
        best = max(gains.cases, key=lambda case: case.effect.value)
        worst = min(losses.cases, key=lambda case: case.effect.value)
        counts = [sum(case.state == "holds" for case in cases) for cases in (gains.cases, losses.cases)]
        return Finding(
            text=self.text,
            outcome=OUTCOME[_state(gains.cases, losses.cases)],
            numbers=(
                f"Of {len(gains.cases)} comparisons {counts[0]} show a gain and {counts[1]} a loss, each by its own "
                "interval; one of each must stand when corrected for their number",
                f"Largest gain: {case_text(best)}",
                f"Largest loss: {case_text(worst)}",
            ),
            cases=(best, worst),
            notes=tuple(cautions(gains.cases)),
            missing=merge(gains.missing),
            recipes=tuple(gains.recipes),
        )

    def _ask(self, evidence: Evidence, region: Region) -> Comparisons:
        compare = Compare(
            text="", left=(self.left,), right=(self.right,), measures=self.measures, region=region, left_as="each"
        )
        return compare.comparisons(evidence)


def _state(gains: list[Case], losses: list[Case]) -> State:
    if decide(gains, SOME) == decide(losses, SOME) == "holds":
        return "holds"
    return "refuted" if "holds" in (decide(gains, EVERY), decide(losses, EVERY)) else "open"
