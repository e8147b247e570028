"""Effects over several measures at once, such as a mean over budgets or one measure minus another."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import hypot, inf, isfinite, isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from assay.analysis.claims.student import freedom, quantile, standard_error, tail
from assay.analysis.contrasts import Terms, contrast, contrasts
from assay.analysis.effects import Effect
from assay.analysis.training_noise import KnownNoise
from assay.analysis.zoo import Zoo

Weights = Mapping[int, Mapping[int, float]]  # of a sum, by the place of the measure, by the place of the recipe
BLOCK = 1 << 17  # draws of sums held at once: 1 MB, which stays near the processor's cache


def combine(zoo: Zoo, weights: Weights, noise: KnownNoise | None = None) -> Effect | None:
    """The sum over measures m and recipes r of weights[m][r] times the value of r on m.

    Sampling: the spread of the same sum over the draws, since draw b is on the same resample for all measures of the
    same images. Training: each training gives the sum as a whole, and its spread over the trainings of a recipe's
    family, or of the baseline where these are too few, is the noise of that sum (`noise_of_sum`), in which measures
    that err together from training to training cancel as they do. Where no trainings have all the measures, or the
    baseline's would mislead, it is not known how they err together: their standard errors are added as they are, the
    most that they can make together (correlation 1 of what is added), and the degrees of freedom follow from theirs to
    first order, with the errors of their variances added in the same way. A measure whose training noise is not known
    adds none.

    Args:
        zoo: what was measured.
        weights: by the place of the measure, by the place of the recipe.
        noise: the zoo's, for those who combine again and again.

    Returns:
        The effect, or None where a value or draws are missing.
    """
    return combine_each(zoo, [weights], noise)[0]


def combine_each(zoo: Zoo, sums: Sequence[Weights], noise: KnownNoise | None = None) -> list[Effect | None]:
    """As `combine`, of many sums: those over the same measures and as many recipes are worked out as arrays."""
    noise = KnownNoise(zoo) if noise is None else noise
    alike = defaultdict[object, list[int]](list)
    for place, weights in enumerate(sums):
        alike[tuple((measure, len(own)) for measure, own in weights.items())].append(place)
    rows = max(BLOCK // max(zoo.draws.shape[2], 1), 1)
    found: list[Effect | None] = [None] * len(sums)
    for places in alike.values():
        for start in range(0, len(places), rows):
            block = places[start : start + rows]
            for place, effect in zip(block, _alike(zoo, [sums[place] for place in block], noise), strict=True):
                found[place] = effect
    return found


def _alike(zoo: Zoo, sums: Sequence[Weights], noise: KnownNoise) -> list[Effect | None]:
    """The effects of sums over the same measures, each of as many recipes as in the other sums."""
    terms = {measure: Terms.of([weights[measure] for weights in sums]) for measure in sums[0]}
    if not terms:
        return [None] * len(sums)
    if len(terms) == 1:
        each = [effect for measure, own in terms.items() for effect in contrasts(zoo, measure, own, noise)]
        return [effect if effect and isfinite(effect.low) and isfinite(effect.high) else None for effect in each]
    values, draws = np.zeros(len(sums)), np.zeros((len(sums), zoo.draws.shape[2]))
    for measure, own in terms.items():
        values += own.values(zoo, measure)
        draws += own.draws(zoo, measure)
    sampling = draws.std(axis=1, ddof=1)
    return [
        None if isnan(value) or not isfinite(error) else _effect(value, error, *_noise(zoo, weights, noise))
        for weights, value, error in zip(sums, values.tolist(), sampling.tolist(), strict=True)
    ]


def _effect(value: float, sampling: float, training: float, doubt: float) -> Effect:
    error = sampling if isnan(training) else hypot(sampling, training)
    half = quantile(error**4 / doubt if doubt > 0 else inf) * error
    return Effect(value, value - half, value + half, tail(abs(value), half, error), sampling, training)


def _noise(zoo: Zoo, weights: Weights, noise: KnownNoise) -> tuple[float, float]:
    """The training part's standard error, and its variance squared over its degrees of freedom."""
    joint = _joint(zoo, weights, noise)
    if joint is not None:
        return joint
    each = (contrast(zoo, measure, own, noise) for measure, own in weights.items())
    return _added([effect for effect in each if effect is not None])


class _Part(NamedTuple):
    """The variance that one estimate of training noise adds to a sum, and the estimate's degrees of freedom."""

    variance: float
    freedom: float


def _joint(zoo: Zoo, weights: Weights, noise: KnownNoise) -> tuple[float, float] | None:
    """What `_noise` gives, from trainings that each give a recipe's sum; None where those of a recipe do not.

    Recipes whose noise is the same estimate are one part, whose error is common to them.
    """
    if not len(zoo.models):
        return None
    parts: dict[int, _Part] = {}
    for place in dict.fromkeys(place for own in weights.values() for place in own):
        own = {measure: weight for measure, each in weights.items() if (weight := each.get(place, 0.0))}
        if not own:
            continue
        variance, freedom, source = (float(column[place, 0]) for column in noise.of_sum(own))
        if isnan(variance):
            return None
        before = parts.get(int(source), _Part(0.0, inf))
        added = variance / min(int(zoo.seeds[place, measure]) for measure in own)
        parts[int(source)] = _Part(before.variance + added, min(before.freedom, freedom))
    doubt = sum(part.variance**2 / part.freedom for part in parts.values())
    return sqrt(sum(part.variance for part in parts.values())), doubt


def _added(each: Sequence[Effect]) -> tuple[float, float]:
    """What `_noise` gives, from measures of which it is not known how they err together."""
    known = [effect for effect in each if not isnan(effect.training)]
    if not known:
        return nan, 0.0
    total = sum(effect.training for effect in known)
    doubt = sum(
        standard_error(effect) ** 2
        / (effect.training * sqrt(freedom(effect.high - effect.value, standard_error(effect))))
        for effect in known
        if effect.training > 0
    )
    return total, (total * doubt) ** 2
