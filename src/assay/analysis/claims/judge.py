"""From intervals to verdicts: where an effect lies, and what many effects say together.

A claim says that an effect lies in a region, such as above zero or within a margin. An effect is inside beyond noise
where its whole 95 % interval is inside, and outside where its whole interval is outside; else it is open. For a region
between two margins this is the two one-sided tests of equivalence (Schuirmann 1987, "A comparison of the two one-sided
tests procedure ..."), each at 2.5 %.

A claim of several effects says that at least u of n are inside. Its p-value is (n - u + 1) p_(u), with p_(u) the u-th
smallest (Benjamini and Heller 2008, "Screening for partial conjunction hypotheses"), whatever the dependence: this is
Bonferroni's correction for u = 1, and none for u = n. "Every" is refuted by one of many only after that correction.

P-values are Student's t with the degrees of freedom that the effect's interval was made with: they agree with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil, hypot, inf, isfinite, isinf, isnan
from typing import Literal, NamedTuple

from scipy.optimize import brentq
from scipy.special import ndtr, stdtr, stdtrit

from assay.analysis.effects import Effect

LEVEL = 0.05
Z = 1.959963984540054  # a normal 95 % interval is that many standard errors to each side
State = Literal["holds", "refuted", "open"]


class Region(NamedTuple):
    """Where an effect must lie: low < effect < high; a positive difference is better."""

    low: float = -inf
    high: float = inf

    @property
    def bounded(self) -> bool:
        """Whether it has two ends, as a margin has."""
        return isfinite(self.low) and isfinite(self.high)


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
    """

    name: str
    values: str
    effect: Effect
    region: Region
    percent: bool
    trivial: bool = False
    signed: bool = True

    @cached_property
    def inside(self) -> float:
        """The p-value of "not in the region": at most 0.05 where the whole interval is inside."""
        return max(_above(self.effect, self.region.low), _below(self.effect, self.region.high))

    @cached_property
    def outside(self) -> float:
        """The p-value of "in the region": at most 0.05 where the whole interval is outside."""
        low = _below(self.effect, self.region.low) if isfinite(self.region.low) else 1.0
        high = _above(self.effect, self.region.high) if isfinite(self.region.high) else 1.0
        return min(low, high)

    @property
    def counts(self) -> bool:
        """Whether it can decide anything: similarity at a floor or a ceiling cannot."""
        return not (self.trivial and self.region.bounded)

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


def _above(effect: Effect, bound: float) -> float:
    """The p-value for an effect above the bound; <= 0.05 exactly where the 95 % interval lies above it."""
    return tail(effect.value - bound, effect.value - effect.low, _error(effect))


def _below(effect: Effect, bound: float) -> float:
    return tail(bound - effect.value, effect.high - effect.value, _error(effect))


def _error(effect: Effect) -> float:
    """The standard error behind the interval: sampling, and training noise where it is known."""
    return effect.sampling if isnan(effect.training) else hypot(effect.sampling, effect.training)


def tail(distance: float, half: float, error: float) -> float:
    """The two-sided p-value of a distance whose 95 % interval has that half-width; 1 for a distance <= 0."""
    if not distance > 0:
        return 1.0
    if half <= 0:
        return 0.0
    freedom, quantile = _student(round(half / error, 3)) if error > 0 else (inf, Z)
    ratio = quantile * distance / half
    return float(2 * (ndtr(-ratio) if isinf(freedom) else stdtr(freedom, -ratio)))


@cache
def _student(ratio: float) -> tuple[float, float]:
    """The degrees of freedom, at least 1, whose 97.5 % quantile is half-width to standard error; and that quantile."""
    least, most = 1.0, 1e6

    def quantile(freedom: float) -> float:
        return float(stdtrit(freedom, 1 - LEVEL / 2))

    if quantile(most) >= ratio:
        return inf, Z
    if quantile(least) <= ratio:
        return least, quantile(least)
    freedom = float(brentq(lambda tried: quantile(tried) - ratio, least, most))
    return freedom, quantile(freedom)
