"""A difference that is larger on one measure than on another."""

from dataclasses import dataclass
from math import hypot

from assay.analysis.claims.evidence import Evidence, subjects
from assay.analysis.claims.finding import Finding
from assay.analysis.claims.group import Group, Measures
from assay.analysis.claims.judge import EVERY, Case, Region, tail
from assay.analysis.claims.summarise import not_measured, summarise
from assay.analysis.claims.words import value_text
from assay.analysis.effects import Effect


@dataclass(frozen=True, kw_only=True)
class Wider:
    """Left falls further behind right on one measure than on another of the same unit.

    The loss on the second minus the loss on the first lies above zero; the intervals are combined as if they erred
    independently.

    Attributes:
        text: the part in a sentence.
        left: whose mean falls behind.
        right: the mean of this group.
        on: the measure with the larger loss.
        than: the one with the smaller loss.
    """

    text: str
    left: Group
    right: Group
    on: Measures
    than: Measures

    def test(self, evidence: Evidence) -> Finding:
        """Compare the two losses."""
        both = [self._loss(evidence, measures) for measures in (self.on, self.than)]
        groups = [(group, measures) for measures in (self.on, self.than) for group in (self.left, self.right)]
        missing = [item for group, measures in groups for item in evidence.lacking(group, measures)]
        if both[0] is None or both[1] is None:
            return not_measured(self.text, missing)
        case = Case(
            name=f"{self.left.name} against {self.right.name}, loss of {self.on.name} beyond that of {self.than.name}",
            values=" against ".join(value_text(loss.value, self.on.percent) for loss in both if loss),
            effect=minus(both[0], both[1]),
            region=Region(low=0.0),
            percent=self.on.percent,
        )
        places = {place for group in (self.left, self.right) for place in evidence.members(group)}
        recipes = [evidence.zoo.recipes[place] for place in sorted(places)]
        return summarise(self.text, [case], EVERY, missing=missing, recipes=recipes)

    def _loss(self, evidence: Evidence, measures: Measures) -> Effect | None:
        left, right = (subjects(evidence, group, measures, "mean") for group in (self.left, self.right))
        if not left or not right:
            return None
        weights = dict(right[0].weights) | {place: -weight for place, weight in left[0].weights.items()}
        return evidence.effect(measures, weights, sign=evidence.sign(evidence.columns(measures)))


def minus(one: Effect, other: Effect) -> Effect:
    """The difference of two effects as if they erred independently."""
    below = hypot(one.value - one.low, other.high - other.value)
    above = hypot(one.high - one.value, other.value - other.low)
    value = one.value - other.value
    return Effect(
        value=value,
        low=value - below,
        high=value + above,
        p=tail(abs(value), below if value > 0 else above, hypot(one.sampling, other.sampling)),
        sampling=hypot(one.sampling, other.sampling),
        training=hypot(one.training, other.training),
    )
