"""What the analysis page shows, as plain rows of text and numbers for its template."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from assay.analysis.analyse import Analysis
from assay.analysis.axes import Axis
from assay.analysis.columns import AXES
from assay.analysis.correlations import Correlation
from assay.analysis.effects import RATE, Effect
from assay.analysis.false_discovery import adjust
from assay.analysis.pareto import oriented
from assay.analysis.tradeoffs import Kind, Outcome, Pair, Share, Technique
from assay.report import explain
from assay.report.explain import MINUS, show, show_difference
from assay.report.findings import WHERE, beaten
from assay.report.seen import MARK, how_far, share_seen
from assay.report.text import listed

Met = Mapping[tuple[int, int], str]  # (recipe, axis) -> what of its test training has met, see assay.report.seen
IDLE = " (learned nothing)"
ALONE = " †"  # marks what rests on sampling noise alone, since training noise is not known
KINDS: dict[Kind, str] = {
    "trades": "trade one axis for another",
    "gains": "gain without a loss",
    "loses": "lose without a gain",
    "level": "are level with the baseline",
    "unjudged": "could not be judged",
}


def summary(analysis: Analysis, met: Met) -> list[str]:
    """The answer in up to six sentences."""
    found = (
        _kinds(analysis, met), _commonest(analysis), _beaten(analysis), _opposed(analysis), _reach(analysis),
        _seen(analysis, met),
    )  # fmt: skip
    return [text for text in found if text]


def _beaten(analysis: Analysis) -> str:
    """That no recipe withstands the attack that stands for its axis, so that a gain there is of no use."""
    for place, axis in enumerate(analysis.axes):
        values = [value for value in analysis.values[:, place].tolist() if not isnan(value)]
        found = beaten(axis.name, axis.key.metric, dict(axis.key.setting).get("eps"), values)
        if found:
            return f"{WHERE[axis.name].capitalize()} {found}: a gain there, even beyond noise, protects nobody."
    return ""


def _seen(analysis: Analysis, met: Met) -> str:
    counts = Counter(axis for _, axis in met)
    if not counts:
        return ""
    parts = [
        f"{count}{'' if place else (' recipe reaches' if count == 1 else ' recipes reach')} on "
        f"{AXES[analysis.axes[axis].name]}"
        for place, (axis, count) in enumerate(sorted(counts.items()))
    ]
    return f"What {listed(parts)} rests on tests whose like the model met in training ({MARK})."


def _kinds(analysis: Analysis, met: Met) -> str:
    outcomes = analysis.tradeoffs.outcomes
    if not outcomes:
        return "There is no baseline with other recipes beside it, so nothing says what a technique gains or costs."
    counts = Counter(item.kind for item in outcomes)
    seen = [
        item.gained
        for item in outcomes
        if item.kind == "gains" and all((item.recipe, axis) in met for axis in item.gained)
    ]
    how = how_far(dict(analysis.axes[axis].key.setting) for gained in seen for axis in gained)
    who = "it was" if len(seen) == 1 else "they were"
    asides = {"gains": f" ({len(seen)} of them {how} on tests like those {who} trained on)" if seen else ""}
    parts = [f"{counts[kind]} {text}{asides.get(kind, '')}" for kind, text in KINDS.items() if counts[kind]]
    return f"Of {len(outcomes)} recipes compared with the baseline, {listed(parts)}."


def _commonest(analysis: Analysis) -> str:
    pairs = Counter((a, b) for item in analysis.tradeoffs.outcomes for a in item.gained for b in item.lost)
    if not pairs:
        return ""
    (gained, lost), count = pairs.most_common(1)[0]
    verb = "recipe shows" if count == 1 else "recipes show"
    names = [AXES[analysis.axes[axis].name] for axis in (gained, lost)]
    return f"The most frequent trade gains {names[0]} and loses {names[1]}: {count} {verb} it."


def _opposed(analysis: Analysis) -> str:
    below = [item for item in analysis.correlations if item.rho is not None and item.high is not None and item.high < 0]
    if not below:
        return ""
    worst = min(below, key=lambda item: item.rho or 0.0)
    names = [AXES[analysis.axes[axis].name] for axis in (worst.first, worst.second)]
    return f"Most opposed over all recipes are {names[0]} and {names[1]} (Spearman's ρ = {signed(worst.rho)})."


def _reach(analysis: Analysis) -> str:
    found, front = analysis.volume, len(analysis.pareto.front)
    if found.value is None:
        return ""
    measured = sum(rank > 0 for rank in analysis.pareto.ranks.tolist())
    box = f"{share(found.value)} of the box between the worst and the best values"
    beyond = _beyond_noise(analysis)
    firm = "how many of them by noise is unknown" if beyond is None else f"{beyond} of them beyond noise"
    aside = "" if beyond is None else " (clearly better on some axis than any other recipe taken alone)"
    return f"{front} of {measured} recipes stand on the Pareto front, {firm}{aside}; the front dominates {box}."


def _beyond_noise(analysis: Analysis) -> int | None:
    """How many of the front are, beside any one other, better on some axis by a clear difference; None if unknown."""
    if any(isnan(axis.noise) for axis in analysis.axes):
        return None
    margins = np.array([axis.margin for axis in analysis.axes])
    good = oriented(analysis.values, [axis.higher_is_better for axis in analysis.axes])
    there = [place for place, rank in enumerate(analysis.pareto.ranks.tolist()) if rank > 0]
    return sum(
        bool((good[place] - good[[other for other in there if other != place]] > margins).any(axis=1).all())
        for place in analysis.pareto.front
    )


@dataclass(frozen=True, kw_only=True)
class MatrixCell:
    """A technique on an axis: counts of its recipes, its mean difference as text, and whether that is a gain.

    `seen` says what of the axis's test its recipes have met the like of in training, or is "".
    """

    share: Share
    difference: str
    interval: str
    verdict: str
    tip: str
    seen: str


def matrix(analysis: Analysis, met: Met) -> list[tuple[str, int, list[MatrixCell]]]:
    """A row for each technique: its name, how many recipes it has, and its cells."""
    verdicts = _verdicts(analysis)
    return [
        (technique.family, len(technique.recipes), [
            _cell(technique.family, share, axis, share_seen(met, technique.recipes, place), verdicts[number, place])
            for place, (share, axis) in enumerate(zip(technique.shares, analysis.axes, strict=True))
        ])
        for number, technique in enumerate(analysis.tradeoffs.techniques)
    ]  # fmt: skip


def _verdicts(analysis: Analysis) -> dict[tuple[int, int], str]:
    """What each technique's difference is called on each axis, by their places.

    Of a technique of one recipe it is that recipe's verdict, which the bar beside it and the report give too. Of
    several it is judged by the mean's interval, corrected for the number of such means.
    """
    shares = {
        (number, place): share
        for number, technique in enumerate(analysis.tradeoffs.techniques)
        for place, share in enumerate(technique.shares)
    }
    several = [key for key in shares if len(analysis.tradeoffs.techniques[key[0]].recipes) > 1]
    p = [nan if (mean := shares[key].mean) is None else mean.p for key in several]
    adjusted = dict(zip(several, adjust(np.array(p)).tolist(), strict=True))
    return {
        key: _of_mean(share.mean, adjusted[key], analysis.axes[key[1]]) if key in adjusted else _of_one(share)
        for key, share in shares.items()
    }


def _of_one(share: Share) -> str:
    return "better" if share.better else "worse" if share.worse else "noise" if share.noise else "unjudged"


def _of_mean(mean: Effect | None, adjusted: float, axis: Axis) -> str:
    known = direction(mean, axis.higher_is_better)
    return "noise" if known in ("better", "worse") and adjusted > RATE else known


def _cell(family: str, share: Share, axis: Axis, seen: str, verdict: str) -> MatrixCell:
    metric, mean = axis.key.metric, share.mean
    alone = mean is not None and not isnan(mean.low) and isnan(mean.training)
    difference = show_difference(metric, mean.value) + (ALONE if alone else "") if mean is not None else ""
    between = ""
    if mean is not None and not isnan(mean.low):
        between = f"{show_difference(metric, mean.low)} to {show_difference(metric, mean.high)}"
    counts = f"{share.better} better, {share.noise} within noise, {share.worse} worse"
    counts += f", {share.unjudged} without a judgement" if share.unjudged else ""
    tip = f"{family}, {axis.title}: {counts}"
    if mean is not None:
        tip += f"; mean difference to the baseline {show_difference(metric, mean.value, unit=True)}"
        tip += f", 95 % interval {between}" if between else ", no interval"
        tip += " from sampling noise alone" if alone else ""
        tip += f"; {seen}" if seen else ""
    return MatrixCell(
        share=share,
        difference=difference,
        interval=between,
        verdict=verdict,
        tip=tip,
        seen=seen,
    )


def direction(effect: Effect | None, higher_is_better: bool) -> str:
    """Whether an effect is "better", "worse" or within "noise" by its interval; "unjudged" without one."""
    if effect is None or isnan(effect.low):
        return "unjudged"
    if effect.low <= 0 <= effect.high:
        return "noise"
    return "better" if (effect.value > 0) == higher_is_better else "worse"


@dataclass(frozen=True, kw_only=True)
class PairView:
    """A trade-off of a technique in words, with the recipes that show it and their two differences."""

    gained: str
    lost: str
    count: int
    judged: int
    gain: str
    loss: str
    recipes: list[tuple[str, str, str]]


@dataclass(frozen=True, kw_only=True)
class TechniqueView:
    """A technique's trade-offs, and the recipes without any."""

    family: str
    size: int
    pairs: list[PairView]
    free: list[str]
    futile: list[str]
    level: list[str]
    unjudged: list[str]
    partial: int  # recipes that lack a judgement on some axis, but not on all


def techniques(analysis: Analysis, met: Met) -> list[TechniqueView]:
    """Every technique's trade-offs, in the order of the study."""
    outcomes = {item.recipe: item for item in analysis.tradeoffs.outcomes}
    return [_technique(analysis, item, outcomes, met) for item in analysis.tradeoffs.techniques]


def _technique(analysis: Analysis, item: Technique, outcomes: Mapping[int, Outcome], met: Met) -> TechniqueView:
    def names(recipes: Iterable[int]) -> list[str]:
        """Labels, marked where a change rests on sampling noise alone or a seen test, or nothing was learned."""
        return [
            analysis.recipes[place]
            + (IDLE if place in analysis.unlearned else "")
            + _mark(outcomes[place], (*outcomes[place].gained, *outcomes[place].lost))
            + _seen_mark(met, (place,), (*outcomes[place].gained, *outcomes[place].lost))
            for place in recipes
        ]

    return TechniqueView(
        family=item.family,
        size=len(item.recipes),
        pairs=[_pair(analysis, pair, outcomes, met) for pair in item.pairs],
        free=names(item.free),
        futile=names(item.futile),
        level=names(place for place in item.recipes if outcomes[place].kind == "level"),
        unjudged=names(place for place in item.recipes if outcomes[place].kind == "unjudged"),
        partial=sum(
            0 < len(outcomes[place].unjudged) < len(analysis.axes)
            for place in item.recipes
            if place not in analysis.unlearned
        ),
    )


def _pair(analysis: Analysis, pair: Pair, outcomes: Mapping[int, Outcome], met: Met) -> PairView:
    def show(axis: int, value: float) -> str:
        return show_difference(analysis.axes[axis].key.metric, value, unit=True)

    def change(recipe: int, axis: int) -> str:
        found = outcomes[recipe].comparisons[axis]
        assert found is not None, "gained and lost axes are compared"
        return show(axis, found.effect.value) + _mark(outcomes[recipe], (axis,)) + _seen_mark(met, (recipe,), (axis,))

    def mean(axis: int, value: float) -> str:
        marks = max(_mark(outcomes[recipe], (axis,)) for recipe in pair.recipes)
        return show(axis, value) + marks + _seen_mark(met, pair.recipes, (axis,))

    return PairView(
        gained=AXES[analysis.axes[pair.gained].name],
        lost=AXES[analysis.axes[pair.lost].name],
        count=len(pair.recipes),
        judged=pair.judged,
        gain=mean(pair.gained, pair.gain),
        loss=mean(pair.lost, pair.loss),
        recipes=[
            (analysis.recipes[place], change(place, pair.gained), change(place, pair.lost)) for place in pair.recipes
        ],
    )


def _mark(outcome: Outcome, axes: Iterable[int]) -> str:
    """`ALONE` where the judgement on one of these axes rests on sampling noise alone, else nothing."""
    found = (outcome.comparisons[axis] for axis in axes)
    return ALONE if any(item is not None and item.sampling_alone for item in found) else ""


def _seen_mark(met: Met, recipes: Iterable[int], axes: Sequence[int]) -> str:
    """`MARK` where one of these recipes has met the like of one of these axes' tests in training, else nothing."""
    return f" {MARK}" if any((recipe, axis) in met for recipe in recipes for axis in axes) else ""


def alone(analysis: Analysis) -> tuple[bool, bool]:
    """Whether anything is marked by `ALONE` in the matrix of techniques, and whether in the lists of trade-offs."""
    outcomes = analysis.tradeoffs.outcomes
    return (
        any(cell.difference.endswith(ALONE) for _, _, cells in matrix(analysis, {}) for cell in cells),
        any(_mark(item, (*item.gained, *item.lost)) for item in outcomes),
    )


@dataclass(frozen=True, kw_only=True)
class FrontRow:
    """A recipe of the Pareto front: its values as text, what only it adds to the hypervolume, and its support."""

    recipe: int
    values: list[tuple[float, str, str]]
    contribution: float | None
    support: float | None


def front(analysis: Analysis, met: Met) -> list[FrontRow]:
    """The Pareto front, by what each recipe adds to the hypervolume."""
    rows = [
        FrontRow(
            recipe=place,
            values=values_of(analysis, place, met),
            contribution=analysis.volume.recipes.get(place),
            support=None if isnan(analysis.support[place]) else float(analysis.support[place]),
        )
        for place in analysis.pareto.front
    ]
    return sorted(rows, key=lambda row: -(row.contribution or 0.0))


def values_of(analysis: Analysis, recipe: int, met: Met) -> list[tuple[float, str, str]]:
    """A recipe's value on each axis, as a number and as text, and what of its test training has met or "".

    NaN and "not measured" where it has no value.
    """
    row = analysis.values[recipe].tolist()
    return [
        (value, show(axis.key.metric, None if isnan(value) else value), met.get((recipe, place), ""))
        for place, (value, axis) in enumerate(zip(row, analysis.axes, strict=True))
    ]


def grid(analysis: Analysis, found: Sequence[Correlation]) -> list[tuple[str, list[tuple[Correlation, str]]]]:
    """The lower triangle of a correlation matrix: for every axis but the first, its cells with those before it."""
    by_pair = {(item.first, item.second): item for item in found}
    names = [AXES[axis.name] for axis in analysis.axes]
    return [
        (names[row], [(by_pair[column, row], _told(by_pair[column, row], names)) for column in range(row)])
        for row in range(1, len(names))
    ]


def _told(item: Correlation, names: list[str]) -> str:
    pair = f"{names[item.first]} and {names[item.second]}"
    if item.rho is None or item.low is None or item.high is None:
        return f"{pair}: not measured: {item.reason}"
    return f"{pair}: ρ = {signed(item.rho)}, 95 % interval {signed(item.low)} to {signed(item.high)}, n = {item.n}"


def families_of(analysis: Analysis, recipes: Sequence[int]) -> list[tuple[str, int, int]]:
    """How many of these recipes each family has, and how many of the study learned something: most first."""
    sizes = Counter(name for place, name in enumerate(analysis.families) if place not in analysis.unlearned)
    own = Counter(analysis.families[place] for place in recipes)
    return [(name, count, sizes[name]) for name, count in own.most_common()]


def missing(analysis: Analysis) -> list[tuple[str, str, list[str]]]:
    """What recipes lack, by axis and reason, with the recipes."""
    groups: dict[tuple[str, str], list[str]] = {}
    for recipe, lacking in analysis.missing.items():
        for axis, reason in lacking.items():
            groups.setdefault((analysis.axes[axis].title, reason), []).append(analysis.recipes[recipe])
    return [(axis, reason, recipes) for (axis, reason), recipes in groups.items()]


def deviation(metric: str, value: float) -> str:
    """A standard deviation or margin as text, with one digit more than the metric's values have."""
    if isnan(value):
        return "unknown"
    known = explain.metric_of(metric)
    if known.unit == explain.PERCENT:
        return f"{100 * value:.{known.digits + 1}f} points"
    return f"{value:.{known.digits + 1}f}"


def signed(value: float | None) -> str:
    """A correlation such as "+0.42" or "−0.07"."""
    text = f"{0.0 if value is None else value:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", MINUS)


def share(value: float) -> str:
    """A share in percent, such as "4.2 %"."""
    return f"{100 * value:.1f} %"
