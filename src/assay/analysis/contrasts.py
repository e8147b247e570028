"""Contrasts: weighted sums of recipes' values on one measure, one or many at once, as `assay.analysis.effects` says."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.analysis.effects import ROUNDING, Effect, effects_of
from assay.analysis.training_noise import KnownNoise, TrainingNoise, training_noise
from assay.analysis.zoo import Floats, Zoo
from assay.errors import BadValueError


def contrast(zoo: Zoo, measure: int, weights: Mapping[int, float], noise: KnownNoise | None = None) -> Effect | None:
    """The weighted sum of recipes' values on a measure, such as {recipe: 1, baseline: -1} for a difference.

    Args:
        zoo: the numbers.
        measure: a place in `zoo.keys`.
        weights: by the recipes' places.
        noise: the zoo's, for those who make many contrasts.

    Returns:
        The effect, or None where a value is missing.

    Raises:
        BadValueError: there are no weights.
    """
    return contrasts(zoo, measure, Terms.of([weights]), noise)[0]


class Terms(NamedTuple):
    """Many weighted sums of k recipes each.

    Attributes:
        recipes: (C, k) their places.
        weights: (C, k).
    """

    recipes: NDArray[np.int64]
    weights: Floats

    @classmethod
    def of(cls, sums: Sequence[Mapping[int, float]]) -> "Terms":
        """The sums from weights by recipe, each of as many.

        Raises:
            BadValueError: there are no weights.
        """
        if not sums[0]:
            raise BadValueError("contrast: expected a weight for at least one recipe, got none")
        recipes = np.array([list(weights) for weights in sums], dtype=np.int64)
        return cls(recipes, np.array([list(weights.values()) for weights in sums], dtype=np.float64))

    def values(self, zoo: Zoo, measure: int) -> Floats:
        """(C,) the sums of the recipes' values on a measure; NaN where one is missing."""
        sums: Floats = np.vecdot(self.weights, zoo.values[self.recipes, measure])
        return np.where(np.abs(sums) < ROUNDING, 0.0, sums)

    def draws(self, zoo: Zoo, measure: int) -> Floats:
        """(C, B) the sums of their draws."""
        drawn: Floats = self.weights[:, None] @ zoo.draws[self.recipes, measure].astype(np.float64)
        return drawn[:, 0]


def contrasts(zoo: Zoo, measure: int, terms: Terms, noise: KnownNoise | None = None) -> list[Effect | None]:
    """As `contrast`, of many weighted sums at once."""
    values = terms.values(zoo, measure)
    there = np.flatnonzero(~np.isnan(values))
    terms = Terms(terms.recipes[there], terms.weights[there])
    known = training_noise(zoo, [measure]) if noise is None else noise.of(measure)
    training, doubt = _training(known, terms.recipes, terms.weights**2 / zoo.seeds[terms.recipes, measure])
    found: list[Effect | None] = [None] * len(values)
    effects = effects_of(values[there], terms.draws(zoo, measure).std(axis=1, ddof=1), training, doubt)
    for place, effect in zip(there.tolist(), effects, strict=True):
        found[place] = effect
    return found


def _training(noise: TrainingNoise, recipes: NDArray[np.int64], shares: Floats) -> tuple[Floats, Floats]:
    """(C,) the training variance u of contrasts on one measure, and the sum of u_k^2 / nu_k over its estimated parts.

    Recipes that borrow the same estimate are one part: its error is common to them.
    """
    source, variance, freedom = noise.source[recipes, 0], noise.variance[recipes, 0], noise.freedom[recipes, 0]
    order = np.argsort(source, axis=1, kind="stable")
    source, each, freedom = (
        np.take_along_axis(values, order, axis=1) for values in (source, shares * variance, freedom)
    )
    part = np.cumsum(np.diff(source, axis=1, prepend=source[:, :1]) != 0, axis=1)  # (C, k) from 0 on in each contrast
    width = 1 + int(part.max(initial=0))
    place = part + width * np.arange(len(part))[:, None]
    parts = np.bincount(place.ravel(), weights=each.ravel(), minlength=width * len(part)).reshape(-1, width)
    known = np.ones(parts.shape)
    known.flat[place] = freedom
    return parts.sum(axis=1), (parts**2 / known).sum(axis=1)
