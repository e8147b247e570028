"""Effects and regions in words."""

from collections.abc import Iterable, Sequence
from math import isfinite

from assay.analysis.bounds import CEILING
from assay.analysis.claims.judge import Case, Region
from assay.analysis.effects import Effect

MINUS = "−"
NAMED = 4  # entries of a list that are spelt out
SMALL = 0.001  # a difference of proportions that one decimal of percent hardly shows


def decimals(values: Sequence[float], difference: float | None = None) -> int:
    """How many decimals percentages need: 1, or 2 where all are above 99 % or differ by less than 0.1 points."""
    return 2 if min(values, default=0.0) > CEILING or (difference is not None and abs(difference) < SMALL) else 1


def value_text(value: float, percent: bool, digits: int = 1) -> str:
    """A value, such as "97.3 %" or "0.0121"."""
    return f"{100 * value:.{digits}f} %" if percent else f"{value:.4f}".replace("-", MINUS)


def values_text(values: Sequence[float], percent: bool, sign: int, digits: int = 1) -> str:
    """The values of two sides, such as "8.1 % against 13.6 %"; `sign` is -1 where lower is better, which is said."""
    return " against ".join(value_text(value, percent, digits) for value in values) + direction(sign)


def list_text(names: Iterable[str]) -> str:
    """Each name once, the first few spelt out."""
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return "; ".join(names[:NAMED]) + more


def direction(sign: int) -> str:
    """What must be said of a measure's direction where a positive difference is not a higher value."""
    return ", lower is better" if sign < 0 else ""


def signed(value: float, percent: bool, digits: int = 1) -> str:
    """A difference without its unit, such as "+1.2" or "−0.0121"."""
    text = f"{100 * value:+.{digits}f}" if percent else f"{value:+.4f}"
    text = text.replace("-", MINUS)
    return text if any(digit in text for digit in "123456789") else text.replace("+", "±").replace(MINUS, "±")


def size(value: float, percent: bool, digits: int = 1) -> str:
    """A size, such as "1.2 points" or "0.0121"."""
    return f"{100 * value:.{digits}f} points" if percent else f"{value:.4f}"


def effect_text(effect: Effect, percent: bool, signed_: bool = True, digits: int = 1) -> str:
    """An effect with its interval, such as "+1.2 points [+0.3, +2.1]"."""
    if not signed_:
        low, high = (value_text(end, percent, digits) for end in (effect.low, effect.high))
        return f"{value_text(effect.value, percent, digits)} [{low}, {high}]"
    unit = " points" if percent else ""
    value, low, high = (signed(end, percent, digits) for end in (effect.value, effect.low, effect.high))
    return f"{value}{unit} [{low}, {high}]"


def region_text(region: Region, percent: bool, signed_: bool = True) -> str:
    """Where an effect must lie, such as "above 0" or "within ±5.0 points"."""

    def show(end: float) -> str:
        if not signed_:
            return value_text(end, percent)
        return signed(end, percent) if end else "0"

    if region.bounded and region.low == -region.high:
        return f"within ±{size(region.high, percent)}"
    if region.bounded:
        return f"between {show(region.low)} and {show(region.high)}{' points' if percent and signed_ else ''}"
    if isfinite(region.low):
        return f"above {show(region.low)}{' points' if percent and signed_ and region.low else ''}"
    return f"below {show(region.high)}{' points' if percent and signed_ and region.high else ''}"


def overlap_text(case: Case) -> str:
    """By how much the interval of an open case crosses the ends of its region."""
    if case.void:
        return case.void
    if not case.counts:
        return "both sides are at the floor or the ceiling, where being similar means nothing"
    crossed = [
        f"reaches {size(min(abs(end - case.effect.low), abs(case.effect.high - end)), case.percent, case.digits)} "
        f"past {_end(end, case)}"
        for end in case.region
        if isfinite(end) and case.effect.low <= end <= case.effect.high
    ]
    if crossed:
        return "the interval " + " and ".join(crossed)
    many = max(*case.chosen, len(case.every))
    if many > 1:
        return f"the interval crosses no bound, but corrected for the choice among {many} this decides nothing"
    return "the interval covers the whole region"


def case_text(case: Case) -> str:
    """The case in a sentence: what, the values, the effect, and how it stands to the region."""
    effect = effect_text(case.effect, case.percent, case.signed, case.digits)
    verdict = {
        "holds": f"{region_text(case.region, case.percent, case.signed)}, beyond noise",
        "refuted": f"not {region_text(case.region, case.percent, case.signed)}, beyond noise",
        "open": overlap_text(case),
    }[case.state]
    values = f" ({case.values})" if case.values else ""
    return f"{case.name}{values}: {effect}; {verdict}"


def _end(end: float, case: Case) -> str:
    return "0" if end == 0 else signed(end, case.percent) if case.signed else value_text(end, case.percent)
