"""Marks on values that rest on a test whose like the model met in training: how they look, and what they say.

A model that was trained on Fashion-MNIST as outliers, or with salt and pepper, does well on tests of that family: the
value says less about what the model has never met. `Cell.seen` names those tests.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan

from assay.analysis.columns import set_name
from assay.analysis.measures import Cell, Measure
from assay.analysis.unseen import UnseenMean
from assay.analysis.zoo import Key
from assay.report.explain import show, show_difference
from assay.report.judged import key_of
from assay.report.text import listed

MARK = "‡"
FACT = "base_rate"  # of the data, whatever a model has met
LEGEND = (
    "the model has met the like of this test in training (outliers of the same family, or a corruption like it), so "
    "the value says less about what it has never met"
)


def tests_of(cell: Cell) -> list[str]:
    """The corruptions and outlier sets behind a value that training met the like of, as people read them."""
    return [set_name(name) for name in cell.seen.split(", ") if name]


def said(measure: Measure, cell: Cell) -> str:
    """What training has met of this value's test, such as "trained on images of this family: KMNIST"; else ""."""
    if cell.value is None or not cell.seen or measure.metric == FACT:
        return ""
    tests = listed(tests_of(cell))
    if "outliers" in measure.setting:
        return f"trained on images of this family: {tests}"
    if "corruption" in measure.setting:
        return f"trained on a corruption like this: {tests}"
    return f"trained on the like of some of the tests behind this: {tests}"


def partly(setting: Mapping[str, str | float]) -> bool:
    """Whether a measure is a mean over several tests, of which training may have met a part."""
    return not {"outliers", "corruption"} & set(setting)


def how_far(settings: Iterable[Mapping[str, str | float]]) -> str:
    """How far gains on seen measures with these settings rest on what training has met: "only" or "in part"."""
    return "in part" if any(partly(setting) for setting in settings) else "only"


def unseen_text(mean: UnseenMean) -> str:
    """A mean over the corruptions that training has not met, beside the baseline's over the same ones."""
    text = f"the mean over the {mean.left} corruptions that it has not met is {show('accuracy', mean.value)}"
    if mean.base is None:
        return text
    difference = show_difference("accuracy", mean.value - mean.base, unit=True)
    text += f", the baseline's over the same {show('accuracy', mean.base)}, a difference of {difference}"
    if mean.effect is None or isnan(mean.effect.low):
        return f"{text} (no interval: no bootstrap draws are stored)"
    low, high = (show_difference("accuracy", end) for end in (mean.effect.low, mean.effect.high))
    return f"{text} (95 % interval {low} to {high})"


def seen_by_axis(measures: Sequence[Measure], keys: Sequence[Key]) -> dict[tuple[int, int], str]:
    """What training has met, by the places of a recipe and of a measure's key; only where it has met something."""
    by_key = {key_of(measure): measure for measure in measures}
    return {
        (recipe, place): text
        for place, key in enumerate(keys)
        if key in by_key
        for recipe, cell in enumerate(by_key[key].cells.values())
        if (text := said(by_key[key], cell))
    }


def without_unseen(measures: Iterable[Measure]) -> tuple[str, ...]:
    """Labels of recipes that were tested on outliers, and on none of a family that their training had not met."""
    seen: dict[str, list[bool]] = {}
    for measure in measures:
        if measure.evaluation == "anomaly" and "outliers" in measure.setting and measure.metric != FACT:
            for recipe, cell in measure.cells.items():
                if cell.value is not None:
                    seen.setdefault(recipe, []).append(bool(cell.seen))
    return tuple(recipe for recipe, own in seen.items() if all(own))


def unseen_sentence(measures: Iterable[Measure]) -> str:
    """That no unseen outlier set was measured, and of which recipes; "" where each was tested on one."""
    recipes = without_unseen(measures)
    if not recipes:
        return ""
    they = "they were" if len(recipes) > 1 else "it was"
    names = "; ".join(recipes[:6]) + (f" and {len(recipes) - 6} more" if len(recipes) > 6 else "")
    return (
        f"No unseen outlier set was measured of {names}: every foreign image that {they} tested on "
        f"is of a family that {they} trained on."
    )


def share_seen(seen: Mapping[tuple[int, int], str], recipes: Sequence[int], place: int) -> str:
    """How many of these recipes have met the like of a measure's test, and what; "" where none has."""
    texts = [seen[recipe, place] for recipe in recipes if (recipe, place) in seen]
    if not texts:
        return ""
    count = "" if len(recipes) == 1 else f"{len(texts)} of {len(recipes)} "
    return count + "; ".join(dict.fromkeys(texts))
