"""Growth with a hyper-parameter."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from assay.analysis.claims.against import void
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding, Missing
from assay.analysis.claims.group import Group, Measures, Subject
from assay.analysis.claims.judge import EVERY, Case, Region
from assay.analysis.claims.summarise import summarise
from assay.analysis.claims.words import decimals, direction, value_text


@dataclass(frozen=True, kw_only=True)
class Trend:
    """The change along a fitted line from the least to the largest value of a hyper-parameter lies in the region.

    The line is the least squares fit over the group's recipes; positive is towards better.

    Attributes:
        text: the part in a sentence.
        group: at least two recipes that differ in the hyper-parameter.
        parameter: such as "pgd.eps".
        measures: each its own line, of a mean over its settings; all must lie in the region.
        region: where the change must lie.
        logarithm: fit over the logarithm, for sizes.
        beside: a measure shown with the numbers where the deciding one may mislead.
    """

    text: str
    group: Group
    parameter: str
    measures: tuple[Measures, ...]
    region: Region
    logarithm: bool = False
    beside: Measures | None = None

    def test(self, evidence: Evidence) -> Finding:
        """Fit the line to each measure."""
        cases, gaps, missing, used = list[Case](), list[str](), list[Missing](), set[int]()
        for measures in self.measures:
            missing += evidence.lacking(self.group, measures)
            columns = evidence.columns(measures)
            places = evidence.measured(evidence.members(self.group), columns) if columns else []
            weights = self._weights(evidence, places)
            effects = evidence.effects(measures, [weights], sign=evidence.sign(columns))[0] if weights else []
            if not effects:
                gaps.append(f"{self.group.name}: no line over {self.parameter} of {measures.name}")
                continue
            if lacks := evidence.lacks(measures):
                gaps.append(f"{measures.name}: {lacks}")
            used |= set(places)
            cases.append(
                Case(
                    name=f"{measures.name}, change over {self.parameter} of {self.group.name}",
                    values=self._values(evidence, places, measures) + direction(evidence.sign(columns)),
                    effect=effects[0],
                    region=self.region,
                    percent=measures.percent,
                    void=void(evidence, measures),
                    digits=decimals([], effects[0].value),
                    seen=evidence.seen(places, measures),
                )
            )
        recipes = [evidence.zoo.recipes[place] for place in sorted(used)]
        extra = []
        if cases and self.beside is not None and evidence.columns(self.beside):
            places = evidence.measured(sorted(used), evidence.columns(self.beside))
            extra = (
                [f"Beside it, deciding nothing, {self.beside.name}: {self._values(evidence, places, self.beside)}"]
                if places
                else []
            )
        return summarise(self.text, cases, EVERY, gaps=gaps, missing=missing, recipes=recipes, extra=extra)

    def _weights(self, evidence: Evidence, places: list[int]) -> Mapping[int, float]:
        """Weights of the recipes in the change along the least squares line; none without two different values."""
        x = [evidence.zoo.parameters[place][self.parameter] for place in places]
        x = [log(value) for value in x] if self.logarithm else x
        if len(set(x)) < 2:
            return {}
        mean = sum(x) / len(x)
        total = sum((value - mean) ** 2 for value in x)
        length = max(x) - min(x)
        return {place: length * (value - mean) / total for place, value in zip(places, x, strict=True)}

    def _values(self, evidence: Evidence, places: list[int], measures: Measures) -> str:
        """The mean value at each value of the hyper-parameter."""
        by_x: dict[float, list[int]] = {}
        for place in places:
            by_x.setdefault(evidence.zoo.parameters[place][self.parameter], []).append(place)
        values = {
            x: evidence.value(Subject(name="", weights={place: 1 / len(own) for place in own}), measures)
            for x, own in sorted(by_x.items())
        }
        digits = decimals(list(values.values()))
        return ", ".join(f"{x:g}: {value_text(value, measures.percent, digits)}" for x, value in values.items())
