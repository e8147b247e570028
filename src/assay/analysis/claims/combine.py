"""Effects over several measures at once, such as a mean over budgets or one measure minus another."""

from collections.abc import Mapping, Sequence
from math import hypot, inf, isfinite, isnan, nan, sqrt

import numpy as np

from assay.analysis.claims.student import freedom, quantile, standard_error, tail
from assay.analysis.effects import Effect, contrast
from assay.analysis.zoo import Zoo


def combine(zoo: Zoo, weights: Mapping[int, Mapping[int, float]]) -> Effect | None:
    """The sum over measures m and recipes r of weights[m][r] times the value of r on m.

    Sampling: the spread of the same sum over the draws, since draw b is on the same resample for all measures of the
    same images. Training: how the measures err together from training to training is not known, so their standard
    errors are added as they are, the most that they can make together (correlation 1 of what is added). Its degrees of
    freedom follow from theirs to first order, with the errors of their variances added in the same way. A measure whose
    training noise is not known adds none.

    Args:
        zoo: what was measured.
        weights: by the place of the measure, by the place of the recipe.

    Returns:
        The effect, or None where a value or draws are missing.
    """
    each = [contrast(zoo, measure, own) for measure, own in weights.items()]
    known = [effect for effect in each if effect is not None and isfinite(effect.low) and isfinite(effect.high)]
    if not known or len(known) < len(each):
        return None
    if len(known) == 1:
        return known[0]
    value, sampling = sum(effect.value for effect in known), _sampling(zoo, weights)
    training, doubt = _training(known)
    error = sampling if isnan(training) else hypot(sampling, training)
    half = quantile(error**4 / doubt if doubt > 0 else inf) * error
    return Effect(value, value - half, value + half, tail(abs(value), half, error), sampling, training)


def _sampling(zoo: Zoo, weights: Mapping[int, Mapping[int, float]]) -> float:
    draws = np.zeros(zoo.draws.shape[2])
    for measure, own in weights.items():
        draws += np.array(list(own.values())) @ zoo.draws[list(own), measure].astype(np.float64)
    return float(draws.std(ddof=1))


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
