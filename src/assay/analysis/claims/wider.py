"""A difference that is larger on one measure than on another."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay.analysis.bounds import FLOOR
from assay.analysis.claims.against import UNJUDGED, void
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding, Missing
from assay.analysis.claims.group import Group, Measures, Subject
from assay.analysis.claims.judge import BETTER, EVERY, Case
from assay.analysis.claims.sides import subjects
from assay.analysis.claims.summarise import not_measured, summarise
from assay.analysis.claims.words import decimals, value_text


@dataclass(frozen=True, kw_only=True)
class Wider:
    """Left falls further behind right on one measure than on another of the same unit, where higher is better.

    The loss on the second minus the loss on the first lies above zero. Where right is itself at the floor of a measure
    nothing can be lost on it, and the part stays open.

    Attributes:
        text: the part in a sentence.
        left: whose mean falls behind.
        right: the mean of this group.
        on: the measure with the larger loss; means over settings, as the other.
        than: the one with the smaller loss.
    """

    text: str
    left: Group
    right: Group
    on: Measures
    than: Measures

    def test(self, evidence: Evidence) -> Finding:
        """Compare the two losses."""
        both = (self.on, self.than)
        missing = [item for one in both for group in (self.left, self.right) for item in evidence.lacking(group, one)]
        sides = [[subjects(evidence, group, one, "mean") for group in (self.right, self.left)] for one in both]
        if not all(map(all, sides)):
            return not_measured(self.text, missing)
        (ahead, behind), (other_ahead, other_behind) = ([side[0] for side in pair] for pair in sides)
        terms = (
            (self.on, ahead.weights),
            (self.on, _negative(behind)),
            (self.than, _negative(other_ahead)),
            (self.than, other_behind.weights),
        )
        effect = evidence.totals([terms])[0]
        if effect is None:
            return not_measured(self.text, [*missing, Missing(self.on.name, (), UNJUDGED)])
        values = [[evidence.value(side[0], one) for side in pair] for one, pair in zip(both, sides, strict=True)]
        digits = decimals([], effect.value)
        case = Case(
            name=f"{self.left.name} against {self.right.name}, loss of {self.on.name} beyond that of {self.than.name}",
            values=" against ".join(value_text(first - second, self.on.percent, digits) for first, second in values),
            effect=effect,
            region=BETTER,
            percent=self.on.percent,
            void=self._void(evidence, [first for first, _ in values]),
            digits=digits,
            seen=evidence.seen(dict.fromkeys((*behind.weights, *ahead.weights)), *both),
        )
        used = {place for pair in sides for side in pair for place in side[0].weights}
        recipes = [evidence.zoo.recipes[place] for place in sorted(used)]
        notes = [f"Open, since {case.void}."] if case.void else []
        return summarise(self.text, [case], EVERY, missing=missing, recipes=recipes, notes=notes)

    def _void(self, evidence: Evidence, right: Sequence[float]) -> str:
        low = [one for one, value in zip((self.on, self.than), right, strict=True) if value <= FLOOR and one.percent]
        if low:
            names = " and ".join(one.name for one in low)
            return f"{self.right.name} itself has at most 1 % {names}, where little can be lost"
        return void(evidence, self.on, self.than)


def _negative(subject: Subject) -> dict[int, float]:
    return {place: -weight for place, weight in subject.weights.items()}
