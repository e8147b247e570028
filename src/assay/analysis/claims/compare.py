"""A group of recipes against another, or against a threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

from assay.analysis.claims.evidence import Evidence, subjects
from assay.analysis.claims.finding import Finding, Missing
from assay.analysis.claims.group import Group, Measures, Subject
from assay.analysis.claims.judge import EVERY, Amount, Case, Region
from assay.analysis.claims.summarise import summarise
from assay.analysis.claims.words import value_text, values_text

FLOOR, CEILING = 0.01, 0.99  # proportions beyond these leave no room to differ
UNJUDGED = "no bootstrap draws are stored with these numbers, so their differences cannot be judged"

Side = Literal["mean", "each", "best", "worst"]


class Comparisons(NamedTuple):
    """Cases, what is missing for others, and the labels of the recipes compared."""

    cases: list[Case]
    missing: list[Missing]
    recipes: list[str]


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Left minus right, positive where left is better, lies in the region; without a right side, left's own value does.

    Attributes:
        text: the part in a sentence.
        left: groups, each its own side.
        right: groups, each its own side; empty compares left's values with the region.
        measures: each its own comparison.
        region: where the difference (or value) must lie.
        amount: how many of all comparisons must.
        left_as: a side for the group's mean, or for each recipe, or its best or worst recipe.
        right_as: the same.
        matched: compare the first group of left with the first of right, and so on, instead of each with each.
        beside: a measure shown with the numbers where the deciding one may mislead.
    """

    text: str
    left: tuple[Group, ...]
    right: tuple[Group, ...] = ()
    measures: tuple[Measures, ...]
    region: Region
    amount: Amount = EVERY
    left_as: Side = "mean"
    right_as: Side = "mean"
    matched: bool = False
    beside: Measures | None = None

    def test(self, evidence: Evidence) -> Finding:
        """Hold every comparison against the region."""
        found = self.comparisons(evidence)
        extra = list(self._beside(evidence)) if found.cases else []
        return summarise(self.text, found.cases, self.amount, missing=found.missing, recipes=found.recipes, extra=extra)

    def comparisons(self, evidence: Evidence) -> Comparisons:
        """Every comparison, what could not be compared, and the recipes in it."""
        cases, missing, used = list[Case](), list[Missing](), set[int]()
        for (left, right), measures in product(self._pairs(), self.measures):
            for one, other in self._sides(evidence, left, right, measures):
                case = self._case(evidence, one, other, measures)
                if case is None:
                    missing.append(Missing(measures.name, (), UNJUDGED))
                    continue
                cases.append(case)
                used |= set(one.weights) | set(other.weights if other else ())
            missing += evidence.lacking(left, measures) + (evidence.lacking(right, measures) if right else [])
        return Comparisons(cases, missing, [evidence.zoo.recipes[place] for place in sorted(used)])

    def _pairs(self) -> Sequence[tuple[Group, Group | None]]:
        if not self.right:
            return [(group, None) for group in self.left]
        return list(zip(self.left, self.right, strict=True)) if self.matched else list(product(self.left, self.right))

    def _sides(
        self, evidence: Evidence, left: Group, right: Group | None, measures: Measures
    ) -> list[tuple[Subject, Subject | None]]:
        ones = subjects(evidence, left, measures, self.left_as)
        others = [None] if right is None else subjects(evidence, right, measures, self.right_as)
        return list(product(ones, others))

    def _case(self, evidence: Evidence, one: Subject, other: Subject | None, measures: Measures) -> Case | None:
        if other is None:
            effect = evidence.effect(measures, one.weights)
            name = f"{measures.name}, {one.name}"
            return effect and Case(
                name=name, values="", effect=effect, region=self.region, percent=measures.percent, signed=False
            )
        weights = dict(one.weights)
        for place, weight in other.weights.items():
            weights[place] = weights.get(place, 0.0) - weight
        effect = evidence.effect(measures, weights, sign=evidence.sign(evidence.columns(measures)))
        values = [evidence.value(subject, measures) for subject in (one, other)]
        return effect and Case(
            name=f"{measures.name}, {one.name} against {other.name}",
            values=values_text(values, measures.percent, evidence.sign(evidence.columns(measures))),
            effect=effect,
            region=self.region,
            percent=measures.percent,
            trivial=measures.percent and (max(values) <= FLOOR or min(values) >= CEILING),
        )

    def _beside(self, evidence: Evidence) -> Iterator[str]:
        if self.beside is None:
            return
        shown = []
        for group in dict.fromkeys((*self.left, *self.right)):
            for subject in subjects(evidence, group, self.beside, "mean"):
                shown.append(f"{subject.name} {value_text(evidence.value(subject, self.beside), self.beside.percent)}")
        if shown:
            yield f"Beside it, {self.beside.name}: {'; '.join(shown)}"
