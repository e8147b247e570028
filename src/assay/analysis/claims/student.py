"""Student's t behind an effect's interval: its degrees of freedom, and p-values that agree with it."""

from functools import cache
from math import hypot, inf, isinf, isnan

from scipy.special import ndtr, stdtr, stdtridf, stdtrit

from assay.analysis.effects import LEVEL, Effect
from assay.metrics.intervals import normal_quantile

Z = normal_quantile(LEVEL)
LEAST, MOST = 1.0, 1e6  # degrees of freedom; beyond the most it is the normal distribution


def standard_error(effect: Effect) -> float:
    """The standard error behind the interval: sampling, and training noise where it is known."""
    return effect.sampling if isnan(effect.training) else hypot(effect.sampling, effect.training)


def freedom(half: float, error: float) -> float:
    """The degrees of freedom, at least 1, with which a 95 % interval of that half-width has that standard error."""
    return _freedom(round(half / error, 3)) if error > 0 else inf


def quantile(degrees: float) -> float:
    """How many standard errors a 95 % interval goes to each side."""
    return Z if isinf(degrees) else float(stdtrit(degrees, (1 + LEVEL) / 2))


def tail(distance: float, half: float, error: float) -> float:
    """The two-sided p-value of a distance whose 95 % interval has that half-width; 1 for a distance <= 0.

    That of an infinite one, as to a region's side without an end, is 0.
    """
    if not distance > 0:
        return 1.0
    if half <= 0 or isinf(distance):
        return 0.0
    degrees, reach = _student(round(half / error, 3)) if error > 0 else (inf, Z)
    ratio = reach * distance / half
    return float(2 * (ndtr(-ratio) if isinf(degrees) else stdtr(degrees, -ratio)))


@cache
def _student(ratio: float) -> tuple[float, float]:
    """The degrees of freedom with which an interval goes so many standard errors to each side, and their quantile."""
    degrees = _freedom(ratio)
    return degrees, quantile(degrees)


@cache
def _freedom(ratio: float) -> float:
    if quantile(MOST) >= ratio:
        return inf
    if quantile(LEAST) <= ratio:
        return LEAST
    return float(stdtridf((1 + LEVEL) / 2, ratio))
