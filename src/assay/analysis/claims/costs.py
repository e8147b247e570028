"""Whether the best recipe on any axis pays for it on another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from assay.analysis.claims.against import against
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding, Missing
from assay.analysis.claims.group import Group, Measures, Subject
from assay.analysis.claims.judge import SOME, WORSE, Case, State, decide
from assay.analysis.claims.sides import subjects
from assay.analysis.claims.summarise import OUTCOME, cautions, incomplete, merge, not_measured
from assay.analysis.claims.words import case_text, decimals, value_text

_SAYS: dict[State, str] = {
    "holds": "has a loss beyond noise elsewhere",
    "refuted": "is better than the baseline on every other axis beyond noise",
    "open": "is not shown to lose elsewhere beyond noise, nor to be better on every other axis",
}


class _Axis(NamedTuple):
    """The best recipe of an axis and its losses elsewhere; `text` says them."""

    label: str
    state: State
    text: str
    clearest: Case | None


@dataclass(frozen=True, kw_only=True)
class BestCosts:
    """On every axis, the recipe with the best value is worse than the baseline on another axis.

    It holds where on every axis the best recipe has at least one loss beyond noise elsewhere, corrected for the number
    of axes; it is refuted where the best recipe of one axis is better than the baseline on every other beyond noise,
    all of them being measured. An axis on which the baseline itself is best is left open, and so is the claim if an
    axis was not measured; one that was measured in part, with some of its settings, decides nothing.

    Attributes:
        text: the part in a sentence.
        group: all recipes.
        baseline: what they are compared with.
        axes: (name, the measure that stands for it).
    """

    text: str
    group: Group
    baseline: Group
    axes: tuple[tuple[str, Measures], ...]

    def test(self, evidence: Evidence) -> Finding:
        """Find each axis's best recipe and its losses."""
        missing = [item for _, measures in self.axes for item in evidence.lacking(self.group, measures)]
        bases = {
            name: found[0]
            for name, measures in self.axes
            if (found := subjects(evidence, self.baseline, measures, "mean"))
        }
        if len(bases) < 2:
            missing.append(Missing(self.baseline.name, (), "needs values on at least two axes"))
            return not_measured(self.text, missing)
        axes = [self._axis(evidence, name, bases) for name in bases]
        states = [axis.state for axis in axes]
        gaps = [f"{measures.name}: not measured" for name, measures in self.axes if name not in bases]
        gaps += [
            f"{measures.name}: {lacks}"
            for name, measures in self.axes
            if name in bases and (lacks := evidence.lacks(measures))
        ]
        whole = set(states) == {"holds"} and not gaps
        state: State = "refuted" if "refuted" in states else "holds" if whole else "open"
        cases = [axis.clearest for axis in axes if axis.clearest is not None]
        return Finding(
            text=self.text,
            outcome=OUTCOME[state],
            numbers=tuple(axis.text for axis in axes),
            cases=tuple(cases),
            notes=(*incomplete(gaps), *cautions(cases)),
            missing=merge(missing),
            recipes=tuple(dict.fromkeys(axis.label for axis in axes)),
        )

    def _axis(self, evidence: Evidence, name: str, bases: Mapping[str, Subject]) -> _Axis:
        measures = dict(self.axes)[name]
        best = subjects(evidence, self.group, measures, "best")[0]
        label = evidence.zoo.recipes[next(iter(best.weights))]
        value = evidence.value(best, measures)
        head = f"Best on {name} is {label} ({value_text(value, measures.percent, decimals([value]))})"
        if best.weights == bases[name].weights:
            return _Axis(label, "open", f"{head}, the baseline itself", None)
        others = [(its, bases[other]) for other, its in self.axes if other in bases and other != name]
        found = [case for its, base in others for case in against(evidence, [(best, base)], its, WORSE)]
        cases = [case for case in found if case is not None]
        if not cases:
            return _Axis(label, "open", f"{head}, of which nothing else was measured", None)
        state = decide(cases, SOME)
        everywhere = len(cases) == len(self.axes) - 1 and all(case.counts for case in cases)
        if evidence.lacks(measures) or (state == "refuted" and not everywhere):
            state = "open"
        clearest = min(cases, key=lambda case: (not case.counts, case.inside, case.effect.value))
        return _Axis(label, state, f"{head}: it {_SAYS[state]}. Clearest: {case_text(clearest)}", clearest)
