"""One measure against another on the same recipes."""

from dataclasses import dataclass

from assay.analysis.claims.against import UNJUDGED, between
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding, Missing
from assay.analysis.claims.group import Group, Measures
from assay.analysis.claims.judge import EVERY, Amount, Case, Region
from assay.analysis.claims.summarise import summarise


@dataclass(frozen=True, kw_only=True)
class Between:
    """On each recipe, one measure minus another of the same unit and direction lies in the region; positive is better.

    Both are of the same model and the same images, and their difference is judged on the same draws. Every group must
    have been measured on both measures of every pair with all their settings, else the part cannot hold.

    Attributes:
        text: the part in a sentence.
        groups: each recipe of them is a comparison of its own.
        pairs: (one, other), such as two anomaly scores against the same outlier set.
        region: where the difference must lie.
        amount: how many of all comparisons must.
    """

    text: str
    groups: tuple[Group, ...]
    pairs: tuple[tuple[Measures, Measures], ...]
    region: Region
    amount: Amount = EVERY

    def test(self, evidence: Evidence) -> Finding:
        """Hold every comparison against the region."""
        cases, gaps, missing, used = list[Case](), list[str](), list[Missing](), set[int]()
        for pair in self.pairs:
            gaps += [f"{one.name}: {lacks}" for one in pair if (lacks := evidence.lacks(one)) and evidence.columns(one)]
            for group in self.groups:
                missing += [item for one in pair for item in evidence.lacking(group, one)]
                gaps += [reason for one in pair if (reason := evidence.gap(group, one))]
                places = self._places(evidence, group, *pair)
                found = between(evidence, places, *pair, self.region) if places else []
                cases += [case for case in found if case is not None]
                used |= {place for place, case in zip(places, found, strict=True) if case is not None}
                if None in found:
                    missing.append(Missing(pair[0].name, (), UNJUDGED))
        recipes = [evidence.zoo.recipes[place] for place in sorted(used)]
        return summarise(self.text, cases, self.amount, gaps=gaps, missing=missing, recipes=recipes)

    def _places(self, evidence: Evidence, group: Group, one: Measures, other: Measures) -> list[int]:
        columns = [evidence.columns(measures) for measures in (one, other)]
        return evidence.measured(evidence.members(group), columns[0] + columns[1]) if all(columns) else []
