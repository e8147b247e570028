"""A group of recipes against another, or against a threshold."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Literal, NamedTuple

from assay.analysis.claims.against import UNJUDGED, against, alone
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding, Missing
from assay.analysis.claims.group import Group, Measures, Subject
from assay.analysis.claims.judge import EVERY, Amount, Case, Region
from assay.analysis.claims.matching import match
from assay.analysis.claims.sides import subjects
from assay.analysis.claims.summarise import summarise
from assay.analysis.claims.words import case_text, decimals, list_text, value_text

Sides = tuple[Subject] | tuple[Subject, Subject]  # a side's own value, or one against another


class Comparisons(NamedTuple):
    """What one or several comparisons give.

    Attributes:
        cases: the comparisons.
        means: means over matched settings, where these are compared one by one.
        gaps: why whole comparisons could not be made.
        missing: what is missing for others.
        unmatched: labels of recipes that no other matches.
        used: the places of the recipes compared.
    """

    cases: list[Case]
    means: list[Case]
    gaps: list[str]
    missing: list[Missing]
    unmatched: list[str]
    used: list[int]


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Left minus right, positive where left is better, lies in the region; without a right side, left's own value does.

    A best or worst recipe of the right side is chosen by the values that decide. That left is not beyond it is hence
    corrected for the number of candidates (see `assay.analysis.claims.judge`); that left is beyond it needs no
    correction, being beyond the one that is hardest to pass.

    Every group must have been measured on every measure with all its settings, else the part cannot hold.

    Attributes:
        text: the part in a sentence.
        left: groups, each its own side.
        right: groups, each its own side; empty compares left's values with the region.
        measures: each its own comparison.
        region: where the difference (or value) must lie.
        amount: how many of all comparisons must.
        left_as: a side for the group's mean, or for each recipe.
        right_as: the same, or for its best or worst recipe; the same as left where matched.
        matched: compare the first group of left with the first of right, and so on, instead of each with each; and of
            them recipes with the same settings, see `assay.analysis.claims.matching`.
        beside: a measure shown with the numbers where the deciding one may mislead.
    """

    text: str
    left: tuple[Group, ...]
    right: tuple[Group, ...] = ()
    measures: tuple[Measures, ...]
    region: Region
    amount: Amount = EVERY
    left_as: Literal["mean", "each"] = "mean"
    right_as: Literal["mean", "each", "best", "worst"] = "mean"
    matched: bool = False
    beside: Measures | None = None

    def test(self, evidence: Evidence) -> Finding:
        """Hold every comparison against the region."""
        found = self.comparisons(evidence)
        extra = [f"Mean over settings of {case_text(case)}" for case in found.means]
        extra += self._beside(evidence) if found.cases else []
        left_out = f"Left out, since no other has the same settings: {list_text(found.unmatched)}."
        return summarise(
            self.text,
            found.cases,
            self.amount,
            gaps=found.gaps,
            missing=found.missing,
            recipes=[evidence.zoo.recipes[place] for place in sorted(set(found.used))],
            extra=extra,
            notes=[left_out] if found.unmatched else [],
        )

    def comparisons(self, evidence: Evidence) -> Comparisons:
        """Every comparison, and what could not be compared."""
        pairs: Iterable[tuple[Group, Group | None]]
        pairs = zip(self.left, self.right, strict=True) if self.matched else product(self.left, self.right or (None,))
        each = [self._compare(evidence, *pair, measures) for pair, measures in product(pairs, self.measures)]
        return Comparisons(*(list(chain.from_iterable(entries)) for entries in zip(*each, strict=True)))

    def _compare(self, evidence: Evidence, left: Group, right: Group | None, measures: Measures) -> Comparisons:
        """Each comparison of two groups on one measure."""
        sides, means, unmatched = self._sides(evidence, left, right, measures)
        found = self._cases(evidence, sides, measures)
        cases = [case for case in found if case is not None]
        groups = [left] if right is None else [left, right]
        missing = [item for group in groups for item in evidence.lacking(group, measures)]
        if len(cases) < len(sides):
            missing.append(Missing(measures.name, (), UNJUDGED))
        gaps = [reason for group in groups if (reason := evidence.gap(group, measures))]
        if not cases and not gaps:
            gaps.append(f"{measures.name}: {UNJUDGED if sides else 'no settings in common'}")
        if cases and (lacks := evidence.lacks(measures)):
            gaps.append(f"{measures.name}: {lacks}")
        compared = (pair for pair, case in zip(sides, found, strict=True) if case)
        used = [place for pair in compared for side in pair for place in side.weights]
        return Comparisons(cases, means, gaps, missing, unmatched, used)

    def _sides(
        self, evidence: Evidence, left: Group, right: Group | None, measures: Measures
    ) -> tuple[Sequence[Sides], list[Case], list[str]]:
        """The sides to compare; of matched groups also the means over settings, and the recipes without a match."""
        ones = subjects(evidence, left, measures, self.left_as)
        if right is None:
            return [(one,) for one in ones], [], []
        if not self.matched:
            return list(product(ones, subjects(evidence, right, measures, self.right_as))), [], []
        pairs = match(evidence, left, right, measures)
        if self.left_as == "mean":
            return pairs.mean, [], pairs.unmatched
        means = [case for case in against(evidence, pairs.mean, measures, self.region) if case]
        return pairs.each, means, pairs.unmatched

    def _cases(self, evidence: Evidence, sides: Sequence[Sides], measures: Measures) -> list[Case | None]:
        if not self.right:
            return alone(evidence, [side[0] for side in sides], measures, self.region)
        pairs = [(side[0], side[-1]) for side in sides]
        return against(evidence, pairs, measures, self.region, best=self.right_as == "best")

    def _beside(self, evidence: Evidence) -> Iterator[str]:
        if self.beside is None:
            return
        sides = [
            (subject.name, evidence.value(subject, self.beside))
            for group in dict.fromkeys((*self.left, *self.right))
            for subject in subjects(evidence, group, self.beside, "mean")
        ]
        digits = decimals([value for _, value in sides])
        shown = [f"{name} {value_text(value, self.beside.percent, digits)}" for name, value in sides]
        if shown:
            yield f"Beside it, deciding nothing, {self.beside.name}: {'; '.join(shown)}"
