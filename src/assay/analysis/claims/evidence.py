"""The zoo as claims ask it: who belongs to a group, what was measured of them, and how two sides differ."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from assay.analysis.claims.combine import combine
from assay.analysis.claims.finding import Missing
from assay.analysis.claims.group import Group, Measures, Setting, Subject
from assay.analysis.effects import Effect
from assay.analysis.families import family, parameters
from assay.analysis.training_noise import KnownNoise
from assay.analysis.zoo import Key, Zoo

NOT_HERE = "not among the recipes of these results"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What claims are held against.

    Attributes:
        zoo: what was measured.
        whole: labels of the whole study's recipes, of which the zoo may hold a slice.
    """

    zoo: Zoo
    whole: tuple[str, ...] = ()
    _effects: dict[object, list[Effect]] = field(default_factory=dict, repr=False, compare=False)
    _columns: dict[Measures, list[int]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def _noise(self) -> KnownNoise:
        return KnownNoise(self.zoo)

    @cached_property
    def _families(self) -> dict[str, list[int]]:
        """The places of each family's recipes."""
        places = defaultdict[str, list[int]](list)
        for place, name in enumerate(self.zoo.families):
            places[name].append(place)
        return dict(places)

    @cached_property
    def _absent(self) -> dict[str, tuple[str, dict[str, float]]]:
        """Family and hyper-parameters of each recipe of the whole study that the zoo does not have, by label."""
        here = set(self.zoo.recipes)
        return {label: (family(label), parameters(label)) for label in self.whole if label not in here}

    def members(self, group: Group) -> list[int]:
        """The places of the group's recipes in the zoo, measured or not."""
        own = [(name, place) for name in dict.fromkeys(group.families) for place in self._families.get(name, ())]
        return sorted(place for name, place in own if group.holds(name, self.zoo.parameters[place]))

    def columns(self, measures: Measures) -> list[int]:
        """The places of the measures that a pooled one consists of, as far as the zoo has them."""
        if measures not in self._columns:
            self._columns[measures] = [
                place
                for place, key in enumerate(self.zoo.keys)
                if any(_is(key, measures, wanted) for wanted in measures.settings)
            ]
        return self._columns[measures]

    def lacks(self, measures: Measures) -> str:
        """How many of the settings of a pooled measure are not there, or "" where all are."""
        keys = [self.zoo.keys[place] for place in self.columns(measures)]
        there = sum(any(_is(key, measures, wanted) for key in keys) for wanted in measures.settings)
        total = len(measures.settings)
        return "" if there == total else f"{there} of its {total} settings were measured"

    def sign(self, columns: Sequence[int]) -> int:
        """-1 where a lower value is better, else 1."""
        return -1 if self.zoo.higher_is_better[columns[0]] is False else 1

    def measured(self, places: Iterable[int], columns: Sequence[int]) -> list[int]:
        """Those recipes that have a value in all of these columns."""
        places = list(places)
        there = np.isfinite(self.zoo.values[np.ix_(places, columns)]).tolist()
        return [place for place, own in zip(places, there, strict=True) if all(own)]

    def value(self, subject: Subject, measures: Measures) -> float:
        """The subject's own value: over the settings the mean, or the worst."""
        columns = self.columns(measures)
        each = [
            float(sum(weight * self.zoo.values[place, column] for place, weight in subject.weights.items()))
            for column in columns
        ]
        if measures.pool == "mean":
            return sum(each) / len(each)
        return min(each, key=lambda value: value * self.sign(columns))

    def seen(self, places: Iterable[int], *measures: Measures) -> tuple[tuple[str, str], ...]:
        """(recipe, names) of those whose training met the like of what these measures test with."""
        keys = [self.zoo.keys[column] for one in measures for column in self.columns(one)]
        found = []
        for label in (self.zoo.recipes[place] for place in places):
            texts = [text for key in keys if (text := self.zoo.seen.get((label, key)))]
            names = dict.fromkeys(name for text in texts for name in text.split(", "))
            found += [(label, ", ".join(names))] if names else []
        return tuple(found)

    def effects(self, measures: Measures, weights: Mapping[int, float], *, sign: int = 1) -> list[Effect]:
        """The weighted sum of the recipes' values times the sign; nothing where a value or draws are missing.

        Over several settings, one effect for their mean, or one for every setting.
        """
        key = (measures, tuple(sorted(weights.items())), sign)
        if key not in self._effects:
            signed = {place: sign * weight for place, weight in weights.items()}
            if measures.pool == "mean":
                each = [self.total((measures, signed))]
            else:
                each = [combine(self.zoo, {column: signed}, self._noise) for column in self.columns(measures)]
            known = [effect for effect in each if effect is not None]
            self._effects[key] = known if len(known) == len(each) else []
        return self._effects[key]

    def total(self, *terms: tuple[Measures, Mapping[int, float]]) -> Effect | None:
        """The sum over measures, each the mean of its settings, of weighted sums of the recipes' values."""
        weights: dict[int, dict[int, float]] = {}
        for measures, own in terms:
            columns = self.columns(measures)
            share = {place: weight / len(columns) for place, weight in own.items()} if columns else {}
            for column in columns:
                weights[column] = plus(weights.get(column, {}), share)
        return combine(self.zoo, weights, self._noise)

    def difference(self, one: Subject, other: Subject, measures: Measures) -> list[Effect]:
        """One side minus the other as `effects` gives it, positive where one is better."""
        columns = self.columns(measures)
        weights = plus(one.weights, {place: -weight for place, weight in other.weights.items()})
        return self.effects(measures, weights, sign=self.sign(columns)) if columns else []

    def lacking(self, group: Group, measures: Measures) -> list[Missing]:
        """What is not there of a group on a measure, by reason."""
        found: dict[str, list[str]] = defaultdict(list)
        for label, (name, numbers) in self._absent.items():
            if group.holds(name, numbers):
                found[NOT_HERE].append(label)
        columns = self.columns(measures)
        places = self.members(group)
        for place in set(places) - set(self.measured(places, columns)) if columns else ():
            found[self._reason(place, columns)].append(self.zoo.recipes[place])
        lists = [Missing(group.name, tuple(labels), reason) for reason, labels in found.items()]
        if not columns and places:
            reason = f"the results hold no {measures.evaluation} evaluation with this measure"
            lists.append(Missing(measures.name, (), reason))
        elif columns and (reason := self.lacks(measures)):
            lists.append(Missing(measures.name, (), reason))
        return lists

    def gap(self, group: Group, measures: Measures) -> str:
        """Why no recipe of the group has a value, or ""."""
        columns, places = self.columns(measures), self.members(group)
        if not places:
            absent = any(group.holds(name, numbers) for name, numbers in self._absent.values())
            return f"{group.name}: not in this slice" if absent else f"{group.name}: {NOT_HERE}"
        if not columns:
            return f"{measures.name}: not measured"
        return "" if self.measured(places, columns) else f"{group.name}: no {measures.name} measured"

    def _reason(self, place: int, columns: Sequence[int]) -> str:
        column = next(column for column in columns if not np.isfinite(self.zoo.values[place, column]))
        return self.zoo.reasons.get((self.zoo.recipes[place], self.zoo.keys[column]), "not measured")


def _is(key: Key, measures: Measures, wanted: Setting) -> bool:
    own = dict(key.setting)
    return (key.evaluation, key.metric) == (measures.evaluation, measures.metric) and all(
        own.get(name) == value or (name == "attack" and str(own.get(name, "")).startswith(f"{value}("))
        for name, value in wanted
    )


def plus(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """The weights of a sum."""
    return {place: one.get(place, 0.0) + other.get(place, 0.0) for place in {**one, **other}}


def subjects(evidence: Evidence, group: Group, measures: Measures, how: str) -> list[Subject]:
    """The group as sides of a comparison.

    Args:
        evidence: what was measured.
        group: the recipes.
        measures: those without a value of it are left out.
        how: "mean" (one side: the mean of the group), "each" (a side for each recipe), "best" or "worst" (one side:
            the recipe with that value).
    """
    columns = evidence.columns(measures)
    places = evidence.measured(evidence.members(group), columns) if columns else []
    if not places:
        return []
    if how == "mean":
        one = len(places) == 1
        name = evidence.zoo.recipes[places[0]] if one else f"{group.name}, mean of {len(places)}"
        return [Subject(name=name, weights={place: 1 / len(places) for place in places})]
    each = [Subject(name=evidence.zoo.recipes[place], weights={place: 1.0}) for place in places]
    if how == "each":
        return each
    ranked = sorted(each, key=lambda subject: evidence.sign(columns) * evidence.value(subject, measures))
    chosen = ranked[-1 if how == "best" else 0]
    name = f"{chosen.name}, {how} of {len(each)} of {group.name}"
    return [Subject(name=name, weights=chosen.weights, among=len(each))]
