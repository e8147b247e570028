"""Cases: one side against another on a measure, a side's own value, or one measure against another."""

from collections.abc import Sequence

from assay.analysis.bounds import CEILING, FLOOR
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.group import Measures, Subject
from assay.analysis.claims.judge import Case, Region
from assay.analysis.claims.words import decimals, values_text
from assay.analysis.effects import Effect

UNJUDGED = "no bootstrap draws are stored with these numbers, so their differences cannot be judged"


def against(
    evidence: Evidence,
    one: Subject,
    other: Subject,
    measures: Measures,
    region: Region,
    chosen: tuple[int, int] = (1, 1),
) -> Case | None:
    """One side minus the other, positive where one is better; None where that cannot be judged."""
    effects = evidence.difference(one, other, measures)
    if not effects:
        return None
    values = [evidence.value(subject, measures) for subject in (one, other)]
    effect = _worst(effects, 1)
    digits = decimals(values, effect.value)
    return Case(
        name=f"{measures.name}, {one.name} against {other.name}",
        values=values_text(values, measures.percent, evidence.sign(evidence.columns(measures)), digits),
        effect=effect,
        region=region,
        percent=measures.percent,
        trivial=measures.percent and (max(values) <= FLOOR or min(values) >= CEILING),
        void=void(evidence, measures),
        every=tuple(effects) if measures.pool == "every" else (),
        chosen=chosen,
        digits=digits,
        seen=evidence.seen(dict.fromkeys((*one.weights, *other.weights)), measures),
    )


def alone(evidence: Evidence, one: Subject, measures: Measures, region: Region) -> Case | None:
    """A side's own value; None where that cannot be judged."""
    effects = evidence.effects(measures, one.weights)
    if not effects:
        return None
    effect = _worst(effects, evidence.sign(evidence.columns(measures)))
    return Case(
        name=f"{measures.name}, {one.name}",
        values="",
        effect=effect,
        region=region,
        percent=measures.percent,
        signed=False,
        void=void(evidence, measures),
        every=tuple(effects) if measures.pool == "every" else (),
        digits=decimals([effect.value]),
        seen=evidence.seen(one.weights, measures),
    )


def between(evidence: Evidence, place: int, one: Measures, other: Measures, region: Region) -> Case | None:
    """A recipe's value on one measure minus that on another of the same unit and direction; positive is better.

    Both are of the same images, and their difference is judged on the same draws. None where that cannot be judged.
    """
    sign = evidence.sign(evidence.columns(one))
    effect = evidence.total((one, {place: float(sign)}), (other, {place: -float(sign)}))
    if effect is None:
        return None
    subject = Subject(name=evidence.zoo.recipes[place], weights={place: 1.0})
    values = [evidence.value(subject, measures) for measures in (one, other)]
    digits = decimals(values, effect.value)
    return Case(
        name=f"{subject.name}, {one.name} against {other.name}",
        values=values_text(values, one.percent, sign, digits),
        effect=effect,
        region=region,
        percent=one.percent,
        trivial=one.percent and (max(values) <= FLOOR or min(values) >= CEILING),
        void=void(evidence, one, other),
        digits=digits,
        seen=evidence.seen([place], one, other),
    )


def void(evidence: Evidence, *measures: Measures) -> str:
    """Why these measures can decide nothing, or "": a pooled one without all its settings is another number."""
    found = [f"{one.name}: {lacks}" for one in measures if (lacks := evidence.lacks(one))]
    return f"this decides nothing, since it is not the number claimed ({'; '.join(found)})" if found else ""


def _worst(effects: Sequence[Effect], sign: int) -> Effect:
    """From the lowest low to the lowest high, mirrored where `sign` is -1; the errors are those of the worse end."""
    worse = min if sign > 0 else max
    end = min(effects, key=lambda effect: effect.low) if sign > 0 else max(effects, key=lambda effect: effect.high)
    value = worse(effect.value for effect in effects)
    low, high = worse(effect.low for effect in effects), worse(effect.high for effect in effects)
    return end._replace(value=value, low=low, high=high)
