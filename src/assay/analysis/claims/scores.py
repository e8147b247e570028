"""Claims that compare measures over the same recipes: which anomaly score is best, and which varies least."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, permutations
from math import nan

import numpy as np
from numpy.typing import NDArray

from assay.analysis.claims.against import between
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding, Missing
from assay.analysis.claims.group import Group, Measures
from assay.analysis.claims.judge import BETTER, EVERY, SOME, WORSE, Case, State, decide
from assay.analysis.claims.student import Z
from assay.analysis.claims.summarise import OUTCOME, cautions, incomplete, merge, not_measured, summarise
from assay.analysis.claims.words import case_text, value_text
from assay.analysis.effects import Effect


@dataclass(frozen=True, kw_only=True)
class NoBest:
    """Each rival is beaten by another somewhere: on some recipe, under some condition.

    It holds where for every rival at least one comparison with another is lost beyond noise, corrected for their
    number; it is refuted where one rival beats every other in every comparison beyond noise, under all conditions. A
    recipe's two values are of the same images, and their difference is judged on the same draws.

    Attributes:
        text: the part in a sentence.
        group: on these recipes.
        rivals: names of the rivals, each with its measure under each condition, in the same order.
    """

    text: str
    group: Group
    rivals: tuple[tuple[str, tuple[Measures, ...]], ...]

    def test(self, evidence: Evidence) -> Finding:
        """Look for a defeat of each rival, and for one without."""
        every = [measures for _, own in self.rivals for measures in own]
        missing = [item for measures in every for item in evidence.lacking(self.group, measures)]
        defeats = {name: list[Case]() for name, _ in self.rivals}
        for (name, own), (_, theirs) in permutations(self.rivals, 2):
            for mine, its in zip(own, theirs, strict=True):
                defeats[name] += self._defeats(evidence, its, mine)
        if not all(defeats.values()):
            return not_measured(self.text, missing)
        beaten = {name: decide(cases, SOME) == "holds" for name, cases in defeats.items()}
        unrivalled = [name for name, cases in defeats.items() if _all_won(cases)]
        gaps = [gap for measures in every if (gap := evidence.gap(self.group, measures))]
        state: State = "refuted" if unrivalled and not gaps else "holds" if all(beaten.values()) else "open"
        clearest = {name: max(cases, key=lambda case: case.effect.value) for name, cases in defeats.items()}
        return Finding(
            text=self.text,
            outcome=OUTCOME[state],
            numbers=tuple(
                f"{name} is {'beaten' if beaten[name] else 'not beaten'} beyond noise in {len(defeats[name])} "
                f"comparisons; clearest: {case_text(case)}"
                for name, case in clearest.items()
            ),
            cases=tuple(clearest.values()),
            notes=(*incomplete(gaps, "it cannot be refuted"), *cautions(next(iter(defeats.values())))),
            missing=merge(missing),
            recipes=tuple(evidence.zoo.recipes[place] for place in evidence.members(self.group)),
        )

    def _defeats(self, evidence: Evidence, better: Measures, worse: Measures) -> list[Case]:
        columns = [evidence.columns(measures) for measures in (better, worse)]
        if not all(columns):
            return []
        places = evidence.measured(evidence.members(self.group), columns[0] + columns[1])
        return [case for case in between(evidence, places, better, worse, BETTER) if case is not None]


def _all_won(defeats: Sequence[Case]) -> bool:
    """Whether of all these defeats none is one: the reverse of each holds beyond noise."""
    if any(case.effect.value >= 0 for case in defeats if not case.void):
        return False  # without the p-values, of which most are in vain
    return decide([replace(case, region=WORSE, trivial=False) for case in defeats], EVERY) == "holds"


@dataclass(frozen=True, kw_only=True)
class VariesLeast:
    """Over the recipes, one measure varies less than each of the others.

    Compared is the logarithm of the ratio of standard deviations over the recipes, the measure's to the other's; its
    interval is a jackknife over recipes (Efron and Tibshirani 1993, "An introduction to the bootstrap"): another zoo
    of such recipes would give other numbers.

    Attributes:
        text: the part in a sentence.
        group: over these recipes, at least three.
        least: the measure that varies least.
        others: the others.
    """

    text: str
    group: Group
    least: Measures
    others: tuple[Measures, ...]

    def test(self, evidence: Evidence) -> Finding:
        """Compare the spreads."""
        missing = [item for measures in (self.least, *self.others) for item in evidence.lacking(self.group, measures)]
        columns = [evidence.columns(measures) for measures in (self.least, *self.others)]
        places = (
            evidence.measured(evidence.members(self.group), [*chain.from_iterable(columns)]) if all(columns) else []
        )
        if len(places) < 3 or any(map(evidence.lacks, (self.least, *self.others))):
            why = f"expected at least 3 recipes with every score, got {len(places)}"
            return not_measured(self.text, [*missing, Missing(self.group.name, (), why)])
        values = [evidence.zoo.values[np.ix_(places, own)].mean(axis=1) for own in columns]
        cases = [
            Case(
                name=f"log of the ratio of spreads over {len(places)} recipes, {self.least.name} to {measures.name}",
                values=" to ".join(value_text(float(x.std(ddof=1)), self.least.percent) for x in (values[0], other)),
                effect=_log_ratio(values[0], other),
                region=WORSE,
                percent=False,
                seen=evidence.seen(places, self.least, measures),
            )
            for measures, other in zip(self.others, values[1:], strict=True)
        ]
        recipes = [evidence.zoo.recipes[place] for place in places]
        return summarise(self.text, cases, EVERY, missing=missing, recipes=recipes)


def _log_ratio(x: NDArray[np.float64], y: NDArray[np.float64]) -> Effect:
    """log(sd(x) / sd(y)) with a jackknife interval; spreads of zero count as the least number above it."""

    def log_ratio(kept: NDArray[np.bool_]) -> float:
        spreads = [max(float(values[kept].std(ddof=1)), np.finfo(np.float64).tiny) for values in (x, y)]
        return float(np.log(spreads[0] / spreads[1]))

    n = len(x)
    value = log_ratio(np.ones(n, dtype=bool))
    left_out = np.array([log_ratio(np.arange(n) != place) for place in range(n)])
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))
    return Effect(value=value, low=value - Z * error, high=value + Z * error, p=nan, sampling=error, training=0.0)
