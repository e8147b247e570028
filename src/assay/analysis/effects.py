"""Effects: differences between recipes with 95 % intervals, and which of them are beyond noise.

An effect is a contrast, sum over recipes r of w_r v_r, whose standard error has two parts.

- *Sampling*: the standard deviation of the contrast of the bootstrap draws, which are paired across recipes. Their
  centre is not used: draws of calibration errors lie above their estimates (see `assay.evaluations.draws`), so the
  interval is the estimate -+ their spread about their own mean. The estimates themselves keep their bias: chance adds
  more to the error of a model near calibration, so a difference of calibration errors is, if anything, too small.
- *Training*: sqrt(sum over r of w_r^2 s_r^2 / S_r), with S_r the trainings behind v_r and s_r the standard deviation
  of one training, see `assay.analysis.training_noise`.

Both are added in squares, and the interval is value -+ t se with Student's t at the degrees of freedom of Welch and
Satterthwaite, se^4 / sum_k (u_k^2 / nu_k) over the estimated variances u_k; the sampling part counts as known (Welch
1947, "The generalization of Student's problem when several different population variances are involved"; Satterthwaite
1946, "An approximate distribution of estimates of variance components"; the same rule is in the Guide to the expression
of uncertainty in measurement, JCGM 100:2008, G.4). The p value is two-sided and agrees with the interval.

Where this errs:

- Which images one training gets wrong differs from the next, and this shows in both parts: intervals are too wide, by
  up to sqrt(2) where it is all the noise that there is (simulated intervals of a linear model hold the truth in 94 % of
  samples without such noise, in 96 to 98 % with much of it).
- A recipe trained once is given the baseline's noise, and some techniques vary more. Where the baseline sits next to
  the end of a proportion, such as a robust accuracy of 0, and the recipe far from it, its noise counts as unknown: the
  interval is of sampling alone and too narrow, which `Comparison.sampling_alone` says.
- An ensemble of m networks is given the noise of one training over sqrt(m), which is right to first order.
- An ensemble's members are the baseline's replicates, and what they share is ignored. It would cancel in the
  difference, so intervals of ensembles are too wide.
- A number at its floor or ceiling in the sample is so in every resample: it has no sampling noise, too little.
"""

from typing import Literal, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from assay.analysis.false_discovery import adjust
from assay.analysis.training_noise import training_noise
from assay.analysis.zoo import Floats, Zoo

LEVEL = 0.95
RATE = 0.05  # the false discovery rate that "beyond noise" allows
ROUNDING = 1e-12  # means over seeds differ by as much

Verdict = Literal["better", "worse", "noise", "unjudged"]


class Effect(NamedTuple):
    """A contrast with its 95 % interval, two-sided p value, and standard errors.

    Where any training noise in it is unknown, `training` is NaN and the interval is of sampling alone. Where there are
    no draws, `sampling`, `low`, `high` and `p` are NaN: there is nothing to judge by.
    """

    value: float
    low: float
    high: float
    p: float
    sampling: float
    training: float


class Comparison(NamedTuple):
    """A recipe against the baseline on one measure.

    Attributes:
        recipe: its place in the zoo.
        measure: its place in the zoo.
        effect: recipe - baseline.
        adjusted: the p value adjusted for all comparisons (Benjamini and Hochberg 1995); NaN where there is none.
        verdict: "better" or "worse" where the difference is beyond noise: adjusted <= 0.05 and the interval excludes 0;
            "noise" where it is not; "unjudged" where there are no draws or the measure has no direction.
    """

    recipe: int
    measure: int
    effect: Effect
    adjusted: float
    verdict: Verdict

    @property
    def sampling_alone(self) -> bool:
        """Whether training noise is unknown, so that the verdict rests on sampling noise alone, which flatters."""
        return bool(np.isnan(self.effect.training))


def compare(zoo: Zoo) -> list[Comparison]:
    """Every recipe against the baseline on every measure where both have a value; nothing without a baseline."""
    if zoo.baseline is None:
        return []
    there = ~np.isnan(zoo.values) & ~np.isnan(zoo.values[zoo.baseline])
    there[zoo.baseline] = False
    recipes, measures = np.nonzero(there)
    training, doubt = _training_of_differences(zoo, zoo.baseline)
    effects = effects_of(
        (zoo.values - zoo.values[zoo.baseline])[there],
        _sampling_of_differences(zoo, zoo.baseline)[there],
        training[there],
        doubt[there],
    )
    adjusted = adjust(np.array([effect.p for effect in effects]))
    return [
        Comparison(recipe, measure, effect, corrected, _verdict(effect, corrected, zoo.higher_is_better[measure]))
        for recipe, measure, effect, corrected in zip(
            recipes.tolist(), measures.tolist(), effects, adjusted.tolist(), strict=True
        )
    ]


def _verdict(effect: Effect, adjusted: float, higher_is_better: bool | None) -> Verdict:
    if higher_is_better is None or np.isnan(effect.p):
        return "unjudged"
    if adjusted > RATE or effect.low <= 0 <= effect.high:
        return "noise"
    return "better" if (effect.value > 0) == higher_is_better else "worse"


def _sampling_of_differences(zoo: Zoo, baseline: int) -> Floats:
    """(R, M) standard deviations of the paired draws' differences, a measure at a time to bound the memory."""
    columns = [
        (zoo.draws[:, measure] - zoo.draws[baseline, measure]).std(axis=1, ddof=1, dtype=np.float64)
        for measure in range(len(zoo.keys))
    ]
    return np.stack(columns, 1) if columns else np.zeros(zoo.values.shape)


def _training_of_differences(zoo: Zoo, baseline: int) -> tuple[Floats, Floats]:
    """The training variance of each recipe minus the baseline, and its doubt as `effects_of` takes it, (R, M) each."""
    noise = training_noise(zoo)
    shares = np.divide(1, zoo.seeds, out=np.full(zoo.seeds.shape, np.nan), where=zoo.seeds > 0)
    same = noise.source == noise.source[baseline]
    each = noise.variance * shares
    own, other = each + np.where(same, each[baseline], 0), np.where(same, 0, each[baseline])
    return own + other, own**2 / noise.freedom + np.where(same, 0, other**2 / noise.freedom[baseline])


def effects_of(value: Floats, sampling: Floats, training: Floats, doubt: Floats) -> list[Effect]:
    """The effects of contrasts from both parts, (E,) each.

    Args:
        value: of the contrasts.
        sampling: its standard deviation; NaN where there are no draws.
        training: its variance u; NaN where unknown.
        doubt: the sum of u_k^2 / nu_k over the estimated variances that it is the sum of.
    """
    known = np.where(np.isnan(training), 0, training)  # unknown training noise leaves sampling alone
    error = np.sqrt(sampling**2 + known)
    some = doubt > 0
    freedom = np.divide(error**4, doubt, out=np.full(error.shape, np.inf), where=some)
    value = np.where(np.abs(value) < ROUNDING, 0, value)
    half = stdtrit(freedom, (1 + LEVEL) / 2) * error  # as scipy.stats.t.ppf and, below, t.sf; far quicker on few
    ratio = np.divide(np.abs(value), error, out=np.where(value == 0, 0, np.inf), where=error > 0)
    p = np.where(np.isnan(error), np.nan, 2 * stdtr(freedom, -ratio))
    columns = (value, value - half, value + half, p, sampling, np.sqrt(training))
    return [Effect(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
