"""From intervals to verdicts: where an effect lies, and what many effects say together.

A claim says that an effect lies in a region, such as above zero or within a margin. An effect is inside beyond noise
where its whole 95 % interval is inside, and outside where its whole interval is outside; else it is open. For a region
between two margins this is the two one-sided tests of equivalence (Schuirmann 1987, "A comparison of the two one-sided
tests procedure ..."), each at 2.5 %.

A claim of several effects says that at least u of n are inside. Its p-value is (n - u + 1) p_(u), with p_(u) the u-th
smallest (Benjamini and Heller 2008, "Screening for partial conjunction hypotheses"), whatever the dependence: this is
Bonferroni's correction for u = 1, and none for u = n. "Every" is refuted by one of many only after that correction.

Where a side was chosen as the best or the worst of m candidates by these very numbers, luck chose too: what speaks for
the chosen one's being so extreme has its p-value multiplied by m (Bonferroni's correction over the candidates).

P-values are Student's t with the degrees of freedom that the effect's interval was made with: they agree with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf, isfinite
from typing import Literal, NamedTuple

from assay.analysis.claims.student import standard_error, tail
from assay.analysis.effects import Effect

LEVEL = 0.05
State = Literal["holds", "refuted", "open"]


class Region(NamedTuple):
    """Where an effect must lie: low < effect < high; a positive difference is better."""

    low: float = -inf
    high: float = inf

    @property
    def bounded(self) -> bool:
        """Whether it has two ends, as a margin has."""
        return isfinite(self.low) and isfinite(self.high)


BETTER, WORSE = Region(low=0.0), Region(high=0.0)


@dataclass(frozen=True)
class Amount:
    """How many of n effects must lie in the region: at least `share` of them, and at least one.

    With `strict`, more than that share.
    """

    name: str
    share: float
    strict: bool = False

    def of(self, n: int) -> int:
        """The number needed among n >= 1."""
        exact = self.share * n
        need = int(exact) + 1 if self.strict else ceil(exact - 1e-9)
        return min(max(need, 1), n)


EVERY = Amount("every", 1.0)
NEARLY_ALL = Amount("at least 90 %", 0.9)
MOST = Amount("more than half", 0.5, strict=True)
SOME = Amount("at least one", 0.0)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One effect with the region that it is held against.

    Attributes:
        name: what is compared, for people.
        values: the values behind the effect, for people.
        effect: oriented so that positive is better, unless it is a plain value.
        region: where it must lie.
        percent: whether people read it as points of percent.
        trivial: whether both sides are at a floor or ceiling, where being similar means nothing.
        signed: whether the effect is a difference; else it is a plain value.
        void: why the case can decide nothing, or "".
        every: where `effect` stands for the worst of several, all of them: all must lie in the region.
        chosen: among how many candidates sides were chosen so that the effect is (high, low) by luck.
        digits: decimals of percentages, for people.
        seen: (recipe, names) where its training met the like of what it is tested with: of those corruptions and
            outlier sets, by commas.
    """

    name: str
    values: str
    effect: Effect
    region: Region
    percent: bool
    trivial: bool = False
    signed: bool = True
    void: str = ""
    every: tuple[Effect, ...] = ()
    chosen: tuple[int, int] = (1, 1)
    digits: int = 1
    seen: tuple[tuple[str, str], ...] = ()

    @cached_property
    def inside(self) -> float:
        """The p-value of "not in the region": at most 0.05 where the whole interval is inside, without a choice."""
        return max(
            max(self._above(effect, self.region.low), self._below(effect, self.region.high)) for effect in self._effects
        )

    @cached_property
    def outside(self) -> float:
        """The p-value of "in the region": at most 0.05 where the whole interval is outside, without a choice.

        Of several effects that must all lie inside, any that does not will do, corrected for their number.
        """
        low, high = self.region
        found = [self._below(effect, low) for effect in self._effects if isfinite(low)]
        found += [self._above(effect, high) for effect in self._effects if isfinite(high)]
        return min(1.0, len(self._effects) * min(found, default=1.0))

    @property
    def _effects(self) -> tuple[Effect, ...]:
        return self.every or (self.effect,)

    def _above(self, effect: Effect, bound: float) -> float:
        """The p-value for an effect above the bound; uncorrected <= 0.05 exactly where the 95 % interval lies above."""
        p = tail(effect.value - bound, effect.value - effect.low, standard_error(effect))
        return min(1.0, self.chosen[0] * p)

    def _below(self, effect: Effect, bound: float) -> float:
        p = tail(bound - effect.value, effect.high - effect.value, standard_error(effect))
        return min(1.0, self.chosen[1] * p)

    @property
    def counts(self) -> bool:
        """Whether it can decide anything: similarity at a floor or a ceiling cannot."""
        return not self.void and not (self.trivial and self.region.bounded)

    @property
    def state(self) -> State:
        """What the case says on its own."""
        if not self.counts:
            return "open"
        return "holds" if self.inside <= LEVEL else "refuted" if self.outside <= LEVEL else "open"


def decide(cases: Sequence[Case], amount: Amount) -> State:
    """Whether at least that amount of the cases lie in their region beyond noise, or beyond noise do not."""
    counted = [case for case in cases if case.counts]
    if not counted:
        return "open"
    n, need = len(counted), amount.of(len(counted))
    if at_least([case.inside for case in counted], need) <= LEVEL:
        return "holds"
    return "refuted" if at_least([case.outside for case in counted], n - need + 1) <= LEVEL else "open"


def at_least(p: Sequence[float], count: int) -> float:
    """The p-value of "fewer than `count` of these alternatives are true", 1 <= count <= n."""
    n = len(p)
    return min(1.0, (n - count + 1) * sorted(p)[count - 1])
