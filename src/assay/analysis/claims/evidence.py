"""The zoo as claims ask it: who belongs to a group, what was measured of them, and how two sides differ."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from assay.analysis.claims.combine import Weights, combine_each
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
    _columns: dict[Measures, list[int]] = field(default_factory=dict, repr=False, compare=False)
    _members: dict[Group, list[int]] = field(default_factory=dict, repr=False, compare=False)
    _lacks: dict[Measures, str] = field(default_factory=dict, repr=False, compare=False)

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

    @cached_property
    def _places(self) -> dict[tuple[str, str], list[int]]:
        """The places of the measures of each evaluation and metric."""
        places = defaultdict[tuple[str, str], list[int]](list)
        for place, key in enumerate(self.zoo.keys):
            places[key.evaluation, key.metric].append(place)
        return dict(places)

    @cached_property
    def _met(self) -> dict[Key, dict[str, str]]:
        """By measure and label, the names of what training has met the like of."""
        found = defaultdict[Key, dict[str, str]](dict)
        for (label, key), names in self.zoo.seen.items():
            found[key][label] = names
        return dict(found)

    def members(self, group: Group) -> list[int]:
        """The places of the group's recipes in the zoo, measured or not."""
        if group not in self._members:
            own = [(name, place) for name in dict.fromkeys(group.families) for place in self._families.get(name, ())]
            self._members[group] = sorted(p for name, p in own if group.holds(name, self.zoo.parameters[p]))
        return self._members[group]

    def columns(self, measures: Measures) -> list[int]:
        """The places of the measures that a pooled one consists of, as far as the zoo has them."""
        if measures not in self._columns:
            self._columns[measures] = [
                place
                for place in self._places.get((measures.evaluation, measures.metric), ())
                if any(_is(self.zoo.keys[place], wanted) for wanted in measures.settings)
            ]
        return self._columns[measures]

    def lacks(self, measures: Measures) -> str:
        """How many of the settings of a pooled measure are not there, or "" where all are."""
        if measures not in self._lacks:
            keys = [self.zoo.keys[place] for place in self.columns(measures)]
            there = sum(any(_is(key, wanted) for key in keys) for wanted in measures.settings)
            total = len(measures.settings)
            self._lacks[measures] = "" if there == total else f"{there} of its {total} settings were measured"
        return self._lacks[measures]

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
        return self.values([subject], measures)[0]

    def values(self, subjects: Sequence[Subject], measures: Measures) -> list[float]:
        """Each subject's own value."""
        columns = self.columns(measures)
        sign, rows = self.sign(columns), self.zoo.values[:, columns].tolist()
        found = []
        for subject in subjects:
            own = [(weight, rows[place]) for place, weight in subject.weights.items()]
            each = [sum(weight * row[column] for weight, row in own) for column in range(len(columns))]
            mean = measures.pool == "mean"
            found.append(sum(each) / len(each) if mean else min(each, key=lambda value: value * sign))
        return found

    def seen(self, places: Iterable[int], *measures: Measures) -> tuple[tuple[str, str], ...]:
        """(recipe, names) of those whose training met the like of what these measures test with."""
        keys = [self.zoo.keys[column] for one in measures for column in self.columns(one)]
        met = [self._met[key] for key in keys if key in self._met]
        found = []
        for label in (self.zoo.recipes[place] for place in places) if met else ():
            texts = [own[label] for own in met if label in own]
            names = dict.fromkeys(name for text in texts for name in text.split(", "))
            found += [(label, ", ".join(names))] if names else []
        return tuple(found)

    def effects(self, measures: Measures, many: Sequence[Mapping[int, float]], *, sign: int = 1) -> list[list[Effect]]:
        """Of each of many weighted sums of the recipes' values, times the sign; nothing where one or draws are missing.

        Over several settings, one effect for their mean, or one for every setting.
        """
        columns = self.columns(measures)
        if not columns:
            return [[] for _ in many]
        signed = [{place: sign * weight for place, weight in weights.items()} for weights in many]
        if measures.pool == "mean":
            each = [self.totals([[(measures, weights)] for weights in signed])]
        else:
            each = [combine_each(self.zoo, [{column: own} for own in signed], self._noise) for column in columns]
        return [[effect for effect in own if effect] if all(own) else [] for own in zip(*each, strict=True)]

    def totals(self, many: Sequence[Sequence[tuple[Measures, Mapping[int, float]]]]) -> list[Effect | None]:
        """Sums over measures, each the mean of its settings, of weighted sums of the recipes' values."""
        columns = {measures: self.columns(measures) for measures in {one for terms in many for one, _ in terms}}
        return combine_each(self.zoo, [_weights(terms, columns) for terms in many], self._noise)

    def differences(self, pairs: Sequence[tuple[Subject, Subject]], measures: Measures) -> list[list[Effect]]:
        """One side minus the other of each pair as `effects` gives it, positive where one is better."""
        columns = self.columns(measures)
        many = [plus(one.weights, {place: -weight for place, weight in other.weights.items()}) for one, other in pairs]
        return self.effects(measures, many, sign=self.sign(columns) if columns else 1)

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


def _is(key: Key, wanted: Setting) -> bool:
    own = dict(key.setting)
    return all(
        own.get(name) == value or (name == "attack" and str(own.get(name, "")).startswith(f"{value}("))
        for name, value in wanted
    )


def _weights(terms: Sequence[tuple[Measures, Mapping[int, float]]], columns: Mapping[Measures, list[int]]) -> Weights:
    weights: dict[int, Mapping[int, float]] = {}
    for measures, own in terms:
        places = columns[measures]
        share = {place: weight / len(places) for place, weight in own.items()} if places else {}
        for column in places:
            weights[column] = plus(weights[column], share) if column in weights else share
    return weights


def plus(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """The weights of a sum."""
    return {place: one.get(place, 0.0) + other.get(place, 0.0) for place in {**one, **other}}
