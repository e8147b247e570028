"""Recipes of two groups paired by the settings of the techniques that both use."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.group import Group, Measures, Subject


class Matched(NamedTuple):
    """Both sides for each setting that both groups have, both over all of these, and the recipes without any."""

    each: list[tuple[Subject, Subject]]
    mean: list[tuple[Subject, Subject]]
    unmatched: list[str]


def match(evidence: Evidence, left: Group, right: Group, measures: Measures) -> Matched:
    """Pair what is measured of both groups.

    Recipes match where they share all hyper-parameters of the techniques that occur in both groups: "cutout > pgd" and
    "pgd > cutout" those of both, "cutout > pgd" and "pgd" those of the attack. Several with the same settings are
    averaged, and every setting then has the same weight on both sides.
    """
    common = _parts(left) & _parts(right)
    one, other = (_by_setting(evidence, group, measures, common) for group in (left, right))
    shared = [setting for setting in one if setting in other]
    each = [(_mean(evidence, left, [one[key]]), _mean(evidence, right, [other[key]])) for key in shared]
    mean = (_mean(evidence, left, [one[key] for key in shared]), _mean(evidence, right, [other[key] for key in shared]))
    lost = [place for side in (one, other) for key, own in side.items() if key not in shared for place in own]
    return Matched(each, [mean] if shared else [], [evidence.zoo.recipes[place] for place in sorted(lost)])


def _parts(group: Group) -> set[str]:
    """The names by which the hyper-parameters of its parts go: without the parts inside of them."""
    return {part.partition("(")[0] for family in group.families for part in family.split(" > ")}


def _by_setting(
    evidence: Evidence, group: Group, measures: Measures, common: Iterable[str]
) -> dict[frozenset[tuple[str, float]], list[int]]:
    columns = evidence.columns(measures)
    found: dict[frozenset[tuple[str, float]], list[int]] = defaultdict(list)
    for place in evidence.measured(evidence.members(group), columns) if columns else ():
        given = evidence.zoo.parameters[place].items()
        found[frozenset((name, value) for name, value in given if name.split(".")[0] in common)].append(place)
    return dict(found)


def _mean(evidence: Evidence, group: Group, settings: list[list[int]]) -> Subject:
    weights = {place: 1 / (len(settings) * len(own)) for own in settings for place in own}
    one = len(weights) == 1
    name = evidence.zoo.recipes[next(iter(weights))] if one else f"{group.name}, mean of {len(weights)}"
    return Subject(name=name, weights=weights)
