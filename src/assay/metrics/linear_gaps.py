"""Calibration errors whose gaps are linear in the examples' weights: smooth and classwise ECE, resampled by a product.

gaps = w' V / n for weights w (N,) and a matrix V (N, M), and the error is the sum of |gaps|. Of classwise ECE a column
of V is a class's bin, and the resampled error is exact; V is sparse, an example lying in one bin of each class, so that
a thousand classes cost a hundred times what ten cost, and not ten thousand times. Of smooth ECE a column is a point of
[0, 1], and the kernel keeps the width s of the sample. Its interval is still one of smooth ECE: let h(s) be smECE_s of
the truth, which falls with s, so that the truth's own width, where h(s) = s, lies between s and h(s); an interval that
holds s and h(s) holds it too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from assay.metrics.calibration import BINS
from assay.metrics.checks import confidence_and_correct, logits_and_labels
from assay.metrics.classwise import class_errors, classwise_calibration_error
from assay.metrics.gap_norms import ONE, interval_of_norm
from assay.metrics.intervals import RESAMPLES, Interval, bootstrap_blocks
from assay.metrics.smooth_ece import reflected_kernel, smooth_calibration_error

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Linear(NamedTuple):
    """An error that is a sum of absolute gaps.

    Attributes:
        estimate: the error of the sample.
        values: V (N, M) float32, dense or sparse.
        chance: (M,) float64, the gaps' standard deviations under calibration.
    """

    estimate: float
    values: "Tensor | csr_array"
    chance: Tensor

    def gaps(self, weights: Tensor) -> Tensor:
        """Signed gaps (R, M), of the type of the weights (R, N) of resamples."""
        n = weights.shape[1]
        if isinstance(self.values, Tensor):
            return weights @ self.values.to(weights) / n
        return torch.from_numpy((self.values.T @ weights.numpy().T).T) / n


def smooth_gaps(confidence: Tensor, correct: Tensor) -> Linear:
    """Smooth ECE: the smoothed error at points half a kernel width apart, times their distance.

    Raises:
        BadValueError: as `smooth_calibration_error`.
    """
    c, y = confidence_and_correct(confidence, correct)
    found = smooth_calibration_error(c, y)
    count = max(50, round(2 / found.width))
    points = (torch.arange(count, dtype=torch.float32) + 0.5) / count
    kernel = reflected_kernel(points, c.float(), found.width) / count
    chance = ((c * (1 - c)).float() @ kernel.square()).double().sqrt() / len(c)
    return Linear(found.value, kernel * (y - c).float()[:, None], chance)


def classwise_gaps(logits: Tensor, labels: Tensor, bins: int = BINS) -> Linear:
    """Classwise ECE: the gaps of all classes' bins that hold an example, over K.

    Raises:
        BadValueError: as `classwise_calibration_error`.
    """
    from scipy.sparse import csr_array  # here, since it takes a fifth of a second and a report needs none

    z, y = logits_and_labels(logits, labels)
    n, classes = z.shape
    error, bin_of = class_errors(z, y, bins)
    held, place = torch.unique(bin_of, return_inverse=True)
    entries = (
        (error / classes).float().flatten().numpy(),
        place.flatten().numpy(),
        np.arange(0, n * classes + 1, classes),
    )
    values = csr_array(entries, shape=(n, len(held)))
    p = z.softmax(1)
    chance = torch.zeros(len(held), dtype=torch.float64).index_add_(0, place.flatten(), (p * (1 - p)).flatten())
    return Linear(classwise_calibration_error(z, y, bins), values, chance.sqrt() / (n * classes))


def linear_intervals(
    errors: Sequence[Linear], generator: torch.Generator, *, resamples: int = RESAMPLES, level: float = 0.95
) -> list[Interval]:
    """The intervals of errors of the same N examples, as of every norm of gaps (`gap_norms`), from one bootstrap.

    Raises:
        BadValueError: level lies outside (0, 1).
    """
    n = errors[0].values.shape[0]
    drawn = [[error.gaps(weights) for error in errors] for weights in bootstrap_blocks(n, resamples, generator)]
    found = []
    for error, *blocks in zip(errors, *drawn, strict=True):
        gaps = error.gaps(torch.ones(1, n, dtype=torch.float64))[0]
        noise = torch.cat(blocks).double() - gaps
        found.append(interval_of_norm(ONE, gaps, noise, error.chance, n, error.estimate, level))
    return found


def linear_draws(error: Linear, weights: Tensor) -> Tensor:
    """The error in each of R resamples with weights (R, N): (R,) float32."""
    return ONE.value(error.gaps(weights)).clamp(max=1)
