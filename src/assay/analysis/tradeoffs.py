"""Trade-offs: what each technique gains on one axis and loses on another.

A recipe trades axis a for axis b where it is better than the baseline on a and worse on b, both beyond noise as
`assay.analysis.effects` judges it. A technique is a family of recipes: the same parts in the same order.

Of a recipe that answers one class for every image only losses count: it learned nothing, so that what it is better at,
calibration say, is no gain. The means of its technique are without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from assay.analysis.contrasts import contrast
from assay.analysis.effects import Comparison, Effect
from assay.analysis.zoo import Zoo

Kind = Literal["trades", "gains", "loses", "level", "unjudged"]


class Outcome(NamedTuple):
    """How a recipe compares with the baseline over the axes; axes are places in the analysis's list.

    Attributes:
        recipe: its place in the zoo.
        kind: "trades" (gains and loses), "gains" or "loses" (only), "level" (within noise on every axis judged), or
            "unjudged" where no axis could be judged.
        gained: axes on which it is better beyond noise.
        lost: axes on which it is worse beyond noise.
        unjudged: axes without a judgement: the kind says nothing about them. Of a recipe that learned nothing all
            axes but those lost.
        comparisons: (A,) one an axis; None where there is no value.
    """

    recipe: int
    kind: Kind
    gained: tuple[int, ...]
    lost: tuple[int, ...]
    unjudged: tuple[int, ...]
    comparisons: tuple[Comparison | None, ...]


class Share(NamedTuple):
    """Of a technique's recipes on one axis, how many are better, within noise, worse and without a judgement.

    `mean` is the difference of their mean to the baseline, with its interval, over the recipes that have a value and
    learned something; its p is not corrected for many comparisons.
    """

    better: int
    noise: int
    worse: int
    unjudged: int
    mean: Effect | None


class Pair(NamedTuple):
    """An axis gained and an axis lost, the recipes that trade so, and their mean differences to the baseline.

    `judged` is how many recipes of the technique have a judgement on both axes. `gain` and `loss` are of the recipes
    that trade so alone, which were chosen for being beyond noise: they overstate what the technique does (the winner's
    curse). The means over all its recipes are in its shares.
    """

    gained: int
    lost: int
    recipes: tuple[int, ...]
    judged: int
    gain: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Technique:
    """A family of recipes.

    Attributes:
        family: its name, such as "cutout > pgd".
        recipes: places of its recipes.
        shares: (A,) one an axis.
        pairs: the trade-offs that at least one of its recipes shows, the most frequent first.
        free: recipes that gain without a loss on an axis that was judged.
        futile: recipes that lose without a gain.
    """

    family: str
    recipes: tuple[int, ...]
    shares: tuple[Share, ...]
    pairs: tuple[Pair, ...]
    free: tuple[int, ...]
    futile: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Tradeoffs:
    """Outcomes by recipe and by technique; both empty where there is no baseline to compare with."""

    outcomes: tuple[Outcome, ...]
    techniques: tuple[Technique, ...]


def tradeoffs(zoo: Zoo, comparisons: Sequence[Comparison], measures: Sequence[int]) -> Tradeoffs:
    """Draw trade-offs from comparisons with the baseline.

    Args:
        zoo: the recipes.
        comparisons: of every recipe with the baseline, on these measures at least.
        measures: (A,) the measure that stands for each axis, as its column in the zoo.
    """
    if zoo.baseline is None:
        return Tradeoffs(outcomes=(), techniques=())
    found = {(item.recipe, item.measure): item for item in comparisons}
    outcomes = tuple(
        _outcome(place, [found.get((place, measure)) for measure in measures], learned=bool(zoo.learned[place]))
        for place in range(len(zoo.recipes))
        if place != zoo.baseline
    )
    families = dict.fromkeys(zoo.families[item.recipe] for item in outcomes)
    groups = ((name, [item for item in outcomes if zoo.families[item.recipe] == name]) for name in families)
    return Tradeoffs(
        outcomes=outcomes, techniques=tuple(_technique(zoo, name, own, measures) for name, own in groups)
    )  # fmt: skip


def _outcome(recipe: int, comparisons: list[Comparison | None], *, learned: bool) -> Outcome:
    verdicts = ["unjudged" if item is None else item.verdict for item in comparisons]
    if not learned:
        verdicts = [verdict if verdict == "worse" else "unjudged" for verdict in verdicts]
    gained, lost, unjudged = (
        tuple(axis for axis, verdict in enumerate(verdicts) if verdict == wanted)
        for wanted in ("better", "worse", "unjudged")
    )
    kind: Kind = "trades" if gained and lost else "gains" if gained else "loses" if lost else "level"
    if len(unjudged) == len(verdicts):
        kind = "unjudged"
    return Outcome(recipe, kind, gained, lost, unjudged, tuple(comparisons))


def _technique(zoo: Zoo, family: str, own: list[Outcome], measures: Sequence[int]) -> Technique:
    axes = range(len(measures))
    pairs = [_pair(own, a, b) for a in axes for b in axes if any(a in item.gained and b in item.lost for item in own)]
    return Technique(
        family=family,
        recipes=tuple(item.recipe for item in own),
        shares=tuple(_share(zoo, own, axis, measures[axis]) for axis in axes),
        pairs=tuple(sorted(pairs, key=lambda pair: -len(pair.recipes))),
        free=tuple(item.recipe for item in own if item.kind == "gains"),
        futile=tuple(item.recipe for item in own if item.kind == "loses"),
    )


def _pair(own: list[Outcome], gained: int, lost: int) -> Pair:
    trading = [item for item in own if gained in item.gained and lost in item.lost]
    judged = [item for item in own if gained not in item.unjudged and lost not in item.unjudged]
    gain, loss = (_mean_difference(trading, axis) for axis in (gained, lost))
    return Pair(gained, lost, tuple(item.recipe for item in trading), len(judged), gain, loss)


def _mean_difference(items: list[Outcome], axis: int) -> float:
    values = [found.effect.value for item in items if (found := item.comparisons[axis]) is not None]
    return sum(values) / len(values)


def _share(zoo: Zoo, own: list[Outcome], axis: int, measure: int) -> Share:
    better = sum(axis in item.gained for item in own)
    worse = sum(axis in item.lost for item in own)
    unjudged = sum(axis in item.unjudged for item in own)
    valued = [item.recipe for item in own if item.comparisons[axis] is not None and zoo.learned[item.recipe]]
    assert zoo.baseline is not None, "there are no outcomes without a baseline"
    weights = dict.fromkeys(valued, 1 / max(len(valued), 1)) | {zoo.baseline: -1.0}
    mean = contrast(zoo, measure, weights) if valued else None
    return Share(better, len(own) - better - worse - unjudged, worse, unjudged, mean)
