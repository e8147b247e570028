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
    pairs: Sequence[tuple[Subject, Subject]],
    measures: Measures,
    region: Region,
    *,
    best: bool = True,
) -> list[Case | None]:
    """One side minus the other of each pair, positive where one is better; None where that cannot be judged.

    Args:
        evidence: what was measured.
        pairs: (one, other).
        measures: what they are compared on.
        region: where the difference must lie.
        best: whether others that were chosen among many have the highest values of them, rather than the lowest.
    """
    effects = evidence.differences(pairs, measures)
    judged = [(pair, own) for pair, own in zip(pairs, effects, strict=True) if own]
    if not judged:
        return [None] * len(pairs)
    sign, why = evidence.sign(evidence.columns(measures)), void(evidence, measures)

    def case(one: Subject, other: Subject, own: list[Effect], values: list[float]) -> Case:
        effect = _worst(own, 1)
        digits = decimals(values, effect.value)
        return Case(
            name=f"{measures.name}, {one.name} against {other.name}",
            values=values_text(values, measures.percent, sign, digits),
            effect=effect,
            region=region,
            percent=measures.percent,
            trivial=measures.percent and (max(values) <= FLOOR or min(values) >= CEILING),
            void=why,
            every=tuple(own) if measures.pool == "every" else (),
            chosen=(1, other.among) if best else (other.among, 1),
            digits=digits,
            seen=evidence.seen(dict.fromkeys((*one.weights, *other.weights)), measures),
        )

    ones, others = (evidence.values([pair[side] for pair, _ in judged], measures) for side in (0, 1))
    cases = (case(*pair, own, [*two]) for (pair, own), *two in zip(judged, ones, others, strict=True))
    return [next(cases) if own else None for own in effects]


def alone(evidence: Evidence, subjects: Sequence[Subject], measures: Measures, region: Region) -> list[Case | None]:
    """Each side's own value; None where that cannot be judged."""
    effects = evidence.effects(measures, [one.weights for one in subjects])
    if not any(effects):
        return [None] * len(subjects)
    sign, why = evidence.sign(evidence.columns(measures)), void(evidence, measures)

    def case(one: Subject, own: list[Effect]) -> Case:
        effect = _worst(own, sign)
        return Case(
            name=f"{measures.name}, {one.name}",
            values="",
            effect=effect,
            region=region,
            percent=measures.percent,
            signed=False,
            void=why,
            every=tuple(own) if measures.pool == "every" else (),
            digits=decimals([effect.value]),
            seen=evidence.seen(one.weights, measures),
        )

    return [case(one, own) if own else None for one, own in zip(subjects, effects, strict=True)]


def between(
    evidence: Evidence, places: Sequence[int], one: Measures, other: Measures, region: Region
) -> list[Case | None]:
    """Each recipe's value on one measure minus that on another of the same unit and direction; positive is better.

    Both are of the same images, and their difference is judged on the same draws. None where that cannot be judged.
    """
    sign, why = float(evidence.sign(evidence.columns(one))), void(evidence, one, other)
    effects = evidence.totals([((one, {place: sign}), (other, {place: -sign})) for place in places])

    def case(subject: Subject, effect: Effect, values: list[float]) -> Case:
        digits = decimals(values, effect.value)
        return Case(
            name=f"{subject.name}, {one.name} against {other.name}",
            values=values_text(values, one.percent, int(sign), digits),
            effect=effect,
            region=region,
            percent=one.percent,
            trivial=one.percent and (max(values) <= FLOOR or min(values) >= CEILING),
            void=why,
            digits=digits,
            seen=evidence.seen(subject.weights, one, other),
        )

    subjects = [Subject(name=evidence.zoo.recipes[place], weights={place: 1.0}) for place in places]
    values = zip(*(evidence.values(subjects, measures) for measures in (one, other)), strict=True)
    return [
        None if effect is None else case(subject, effect, list(both))
        for subject, effect, both in zip(subjects, effects, values, strict=True)
    ]


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
