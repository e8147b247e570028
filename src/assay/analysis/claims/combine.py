"""Effects over several measures at once, such as a mean over budgets or one measure minus another."""

from collections.abc import Mapping, Sequence
from math import hypot, inf, isfinite, isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from assay.analysis.claims.student import freedom, quantile, standard_error, tail
from assay.analysis.effects import Effect, contrast, weighted
from assay.analysis.training_noise import KnownNoise
from assay.analysis.zoo import Zoo


def combine(zoo: Zoo, weights: Mapping[int, Mapping[int, float]], noise: KnownNoise | None = None) -> Effect | None:
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
    noise = KnownNoise(zoo) if noise is None else noise
    values = [weighted(zoo, measure, own) for measure, own in weights.items()]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    if len(known) == 1:
        effects = _each(zoo, weights, noise)
        return effects[0] if isfinite(effects[0].low) and isfinite(effects[0].high) else None
    value, sampling = sum(known), _sampling(zoo, weights)
    if not isfinite(sampling):  # draws of one of them are missing
        return None
    training, doubt = _joint(zoo, weights, noise) or _training(_each(zoo, weights, noise))
    error = sampling if isnan(training) else hypot(sampling, training)
    half = quantile(error**4 / doubt if doubt > 0 else inf) * error
    return Effect(value, value - half, value + half, tail(abs(value), half, error), sampling, training)


def _each(zoo: Zoo, weights: Mapping[int, Mapping[int, float]], noise: KnownNoise) -> list[Effect]:
    effects = (contrast(zoo, measure, own, noise) for measure, own in weights.items())
    return [effect for effect in effects if effect is not None]


def _sampling(zoo: Zoo, weights: Mapping[int, Mapping[int, float]]) -> float:
    draws = np.zeros(zoo.draws.shape[2])
    for measure, own in weights.items():
        draws += np.array(list(own.values())) @ zoo.draws[list(own), measure].astype(np.float64)
    return float(draws.std(ddof=1))


class _Part(NamedTuple):
    """The variance that one estimate of training noise adds to a sum, and the estimate's degrees of freedom."""

    variance: float
    freedom: float


def _joint(zoo: Zoo, weights: Mapping[int, Mapping[int, float]], noise: KnownNoise) -> tuple[float, float] | None:
    """What `_training` gives, from trainings that each give a recipe's sum; None where those of a recipe do not.

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
        added = variance / int(zoo.seeds[place, list(own)].min())
        parts[int(source)] = _Part(before.variance + added, min(before.freedom, freedom))
    doubt = sum(part.variance**2 / part.freedom for part in parts.values())
    return sqrt(sum(part.variance for part in parts.values())), doubt


def _training(each: Sequence[Effect]) -> tuple[float, float]:
    """The training part's standard error, and its variance squared over its degrees of freedom."""
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
