"""Mean corruption errors of a zoo, against the mean of the baseline's trainings.

mCE and relative mCE (formulas: `assay.evaluations.corruption_error`) divide by a baseline's errors B_c. The table takes
the one baseline of the recipe's own seed, so that its luck is in every row. Here B_c is the mean over the baseline's K
trainings. Then

- the baseline's own value is 1 by construction, and so are its draws;
- its noise is the spread of its trainings' errors, each against that mean: what the luck of one training does to mCE;
- mCE is linear in a model's errors, so the mean over a recipe's seeds is the mCE of its mean errors;
- a draw divides by the baseline's errors on the same resample.

The luck that is left in the denominators, 1 / K of a training's variance, reaches a recipe's mCE times about its value;
effects count it once, as if the value were 1. Nothing is given where a denominator is not positive.
"""

import numpy as np
from numpy.typing import NDArray

from assay.analysis.zoo import Floats, Key

CLEAN = "clean"
METRICS = ("mce", "relative_mce")
REASON = (
    "needs the baseline's mean error (or its rise over clean images) under each corruption, all above 0; "
    "measure the baseline, or take more images"
)


def set_corruption_errors(keys: tuple[Key, ...], values: Floats, baseline: NDArray[np.int64]) -> None:
    """Put "mce" and "relative_mce" into values (T, M) in place, for the baseline's trainings at those places.

    Where the baseline has no value or a denominator is not positive they become NaN.
    """
    for target, corrupted, clean in _targets(keys):
        above = _rise(values, corrupted, clean)
        whole = ~np.isnan(above[baseline]).any(axis=1)
        values[:, target] = np.nan
        if whole.any():
            below = above[baseline][whole].mean(0)
            if (below > 0).all():
                values[:, target] = (above / below).mean(1)


def set_corruption_draws(keys: tuple[Key, ...], draws: NDArray[np.float32], baseline: int | None) -> None:
    """The same for draws (R, M, B) in place; NaN where a denominator is not positive in some draw."""
    for target, corrupted, clean in _targets(keys):
        total = np.zeros_like(draws[:, target])
        if baseline is None or not corrupted:
            draws[:, target] = np.nan
            continue
        for column in corrupted:
            below = _rise(draws[baseline], [column], clean, axis=0)
            with np.errstate(divide="ignore", invalid="ignore"):
                total += _rise(draws, [column], clean)[:, 0] / np.where(below > 0, below, np.nan)
        total /= len(corrupted)
        total[np.isnan(total).any(axis=1)] = np.nan
        draws[:, target] = total


def _rise(values: NDArray[np.floating], corrupted: list[int], clean: int | None, axis: int = 1) -> NDArray[np.floating]:
    """Errors under corruptions, of accuracies along `axis`; less the clean error where `clean` is given."""
    hits = values.take(corrupted, axis)
    return 1 - hits if clean is None else values.take([clean], axis) - hits


def _targets(keys: tuple[Key, ...]) -> list[tuple[int, list[int], int | None]]:
    """For mce and relative_mce: its column, those of accuracy under corruption, and that of clean accuracy or None."""
    found: dict[str, int] = {}
    corrupted: list[int] = []
    for place, key in enumerate(keys):
        label = dict(key.setting).get("corruption")
        if key.evaluation == "shift" and key.metric == "accuracy" and label is not None:
            if label == CLEAN:
                found[CLEAN] = place
            else:
                corrupted.append(place)
        elif key.evaluation == "shift":
            found[key.metric] = place
    targets: list[tuple[int, list[int], int | None]] = []
    absolute, relative = METRICS
    if absolute in found:
        targets.append((found[absolute], corrupted, None))
    if relative in found and CLEAN in found:
        targets.append((found[relative], corrupted, found[CLEAN]))
    return targets
