"""Smooth ECE: the calibration error without bins, by a kernel that is as wide as the error that it finds.

With confidences f_i, y_i whether the prediction is right, and K_s the reflected Gaussian kernel of width s on [0, 1],

    K_s(t, f)  = sum over the reflections f' of f at 0 and 1 of phi((t - f') / s) / s
    smECE_s    = integral over [0, 1] of |1/n sum_i K_s(t, f_i) (y_i - f_i)| dt
    smECE      = smECE_s at the s for which smECE_s = s

smECE_s falls with s, so that s is one. Unlike ECE it is continuous in the confidences, and it is consistent: within a
constant of the distance to the nearest calibrated predictor. Source: Blasiok and Nakkiran 2023, "Smooth ECE: principled
reliability diagrams via kernel smoothing". In [0, 1]; 0 is calibrated, lower is better.

The kernel is that of heat between two walls, 1 + 2 sum_k exp(-(k pi s)^2 / 2) cos(k pi t) cos(k pi f), so the
smoothed error is a cosine series, whose coefficients are found once for all s and at the very confidences: nothing is
rounded to a grid. Deviation: s is at least `NARROWEST`; where smECE_s is smaller than that there, its value there is
given, as in the authors' program. It is at most the one sought, and less than 0.001.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.checks import confidence_and_correct

NARROWEST = 0.001  # the least width of the kernel
REACH = 8.6  # terms beyond k = REACH / (pi s) are below 1e-16
ROWS = 500  # examples whose cosines are held at once
FINE = 64  # points a kernel width at which the smoothed error is looked at


class Smooth(NamedTuple):
    """Smooth ECE, and the width of its kernel: the same number, unless the width is at its least."""

    value: float
    width: float


def smooth_calibration_error(confidence: Tensor, correct: Tensor) -> Smooth:
    """Smooth ECE, for confidence (N,) in [0, 1] and correct (N,) of 0 and 1.

    Raises:
        BadValueError: the input is empty, holds NaN, or leaves those ranges.
    """
    from scipy.optimize import brentq  # here, since it takes a quarter of a second and a report needs none

    c, y = confidence_and_correct(confidence, correct)
    for narrowest in (10 * NARROWEST, NARROWEST):  # few terms will do for most models
        series = _Series(c, y, narrowest)
        if series.error(narrowest) > narrowest:
            width = float(brentq(lambda s, series=series: series.error(s) - s, narrowest, 1.0, xtol=1e-12))
            return Smooth(width, width)
    return Smooth(series.error(NARROWEST), NARROWEST)


def smoothed_error(confidence: Tensor, correct: Tensor, width: float) -> float:
    """smECE_s for a kernel of the given width s, with the arguments and errors of `smooth_calibration_error`.

    Raises:
        BadValueError: the width is not in [0.001, 1], or as there.
    """
    if not NARROWEST <= width <= 1:
        raise BadValueError(f"width: expected a number in [{NARROWEST:g}, 1], got {width!r}")
    return _Series(*confidence_and_correct(confidence, correct), width).error(width)


def reflected_kernel(points: Tensor, confidence: Tensor, width: float) -> Tensor:
    """K_s(t, f) for points t (M,) and confidences f (N,): (N, M), by the sum over reflections."""
    turns = int(1 + REACH * width / 2)  # farther reflections are out of reach of every point
    near, total = confidence[:, None], torch.zeros(len(confidence), len(points), dtype=confidence.dtype)
    for turn in range(-turns, turns + 1):
        for image in (near, -near):
            total += torch.exp(-(((points - image - 2 * turn) / width) ** 2) / 2)
    return total / (width * math.sqrt(2 * math.pi))


class _Series:
    """The cosine series of the error, with the terms that count for widths of `narrowest` and above."""

    def __init__(self, confidence: Tensor, correct: Tensor, narrowest: float) -> None:
        self.terms = torch.arange(math.ceil(REACH / (math.pi * narrowest)) + 1, dtype=torch.float64)
        error, sums = correct - confidence, torch.zeros_like(self.terms)
        for c, e in zip(torch.split(confidence, ROWS), torch.split(error, ROWS), strict=True):
            sums += e @ torch.cos(math.pi * c[:, None] * self.terms)
        self.coefficients = sums / len(confidence)

    def error(self, width: float) -> float:
        """The integral of the absolute smoothed error, over midpoints (j + 1/2) / M."""
        from scipy.fft import dct  # here, as above

        points = 2 ** max(10, math.ceil(math.log2(FINE / width)))
        damped = self.coefficients * torch.exp(-((math.pi * width * self.terms) ** 2) / 2)
        padded = torch.nn.functional.pad(damped, (0, max(0, points - len(damped))))[:points]
        return min(float(abs(dct(padded.numpy(), type=3)).mean()), 1.0)
