"""The mean accuracy over the corruptions that a recipe has not met in training, beside the baseline's over the same.

A mean over all corruptions rests partly on those whose like training has shown. What is left of a gain without them
says more about corruptions that nobody foresaw. Each recipe has its own set of them, so these means are compared with
the baseline's over the same corruptions, and not with each other.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from assay.analysis.claims.combine import combine
from assay.analysis.corruption import CLEAN
from assay.analysis.effects import Effect
from assay.analysis.training_noise import KnownNoise
from assay.analysis.zoo import Key, Zoo


class UnseenMean(NamedTuple):
    """A recipe's mean accuracy over the corruptions that its training has not met.

    Attributes:
        value: its mean over them, in [0, 1].
        base: the baseline's mean over the same, of all its trainings; None where it lacks one, or is this recipe.
        effect: the difference of the two with its 95 % interval, not corrected for many comparisons; None where there
            are no draws to make it from.
        names: the corruptions left out, since training has met their like.
        left: how many corruptions are left.
    """

    value: float
    base: float | None
    effect: Effect | None
    names: tuple[str, ...]
    left: int


def unseen_means(zoo: Zoo) -> dict[str, UnseenMean]:
    """By recipe, of those that have met the like of some corruptions in training, and were measured on all others."""
    corrupted = {place: str(dict(key.setting)["corruption"]) for place, key in enumerate(zoo.keys) if _single(key)}
    noise, found = KnownNoise(zoo), {}
    for recipe, label in enumerate(zoo.recipes):
        seen = tuple(name for place, name in corrupted.items() if (label, zoo.keys[place]) in zoo.seen)
        left = [place for place, name in corrupted.items() if name not in seen]
        if seen and left and not np.isnan(zoo.values[recipe, left]).any():
            base = None if zoo.baseline in (None, recipe) else float(zoo.values[zoo.baseline, left].mean())
            known = base is not None and not np.isnan(base)
            found[label] = UnseenMean(
                value=float(zoo.values[recipe, left].mean()),
                base=base if known else None,
                effect=_difference(zoo, recipe, left, noise) if known else None,
                names=seen,
                left=len(left),
            )
    return found


def _single(key: Key) -> bool:
    corruption = dict(key.setting).get("corruption", CLEAN)
    return key.evaluation == "shift" and key.metric == "accuracy" and corruption != CLEAN


def _difference(zoo: Zoo, recipe: int, places: list[int], noise: KnownNoise) -> Effect | None:
    assert zoo.baseline is not None
    share = 1 / len(places)
    weights: Mapping[int, float] = {recipe: share, zoo.baseline: -share}
    return combine(zoo, dict.fromkeys(places, weights), noise)
