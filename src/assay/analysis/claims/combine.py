"""Effects over several measures at once, such as a mean over budgets or one measure minus another."""

from collections.abc import Mapping, Sequence
from math import hypot, inf, isfinite, isnan, nan, sqrt

import numpy as np

from assay.analysis.claims.student import freedom, quantile, standard_error, tail
from assay.analysis.effects import Effect, contrast
from assay.analysis.training_noise import training_noise
from assay.analysis.zoo import Zoo


def combine(zoo: Zoo, weights: Mapping[int, Mapping[int, float]]) -> Effect | None:
    """The sum over measures m and recipes r of weights[m][r] times the value of r on m.

    Sampling: the spread of the same sum over the draws, since draw b is on the same resample for all measures of the
    same images. Training: where every recipe has the baseline's noise, each training of the baseline gives each
    recipe's sum, and their spread is the noise of that sum, in which measures that err together from training to
    training cancel as they do. Elsewhere it is not known how they err together: their standard errors are added as they
    are, the most that they can make together (correlation 1 of what is added), and the degrees of freedom follow from
    theirs to first order, with the errors of their variances added in the same way. A measure whose training noise is
    not known adds none.

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
    training, doubt = _joint(zoo, weights) or _training(known)
    error = sampling if isnan(training) else hypot(sampling, training)
    half = quantile(error**4 / doubt if doubt > 0 else inf) * error
    return Effect(value, value - half, value + half, tail(abs(value), half, error), sampling, training)


def _sampling(zoo: Zoo, weights: Mapping[int, Mapping[int, float]]) -> float:
    draws = np.zeros(zoo.draws.shape[2])
    for measure, own in weights.items():
        draws += np.array(list(own.values())) @ zoo.draws[list(own), measure].astype(np.float64)
    return float(draws.std(ddof=1))


def _joint(zoo: Zoo, weights: Mapping[int, Mapping[int, float]]) -> tuple[float, float] | None:
    """What `_training` gives, from each training of the baseline at once; None where a recipe has other noise."""
    measures, recipes = list(weights), sorted({place for own in weights.values() for place in own})
    if zoo.baseline is None or len(zoo.trainings) < 2:
        return None
    values, own = zoo.trainings[:, measures], np.ix_(recipes, measures)
    source = training_noise(zoo, measures).source[recipes]
    if np.isnan(values).any() or (source != zoo.family_places[zoo.baseline]).any():
        return None
    table = np.array([[weights[measure].get(place, 0.0) for measure in measures] for place in recipes])
    spread = (values @ table.T).var(axis=0, ddof=1)
    variance = float((spread / (zoo.members[recipes] * zoo.seeds[own].min(axis=1))).sum())
    return sqrt(variance), variance**2 / (len(values) - 1)


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
