"""Temperature scaling: all logits divided by one number, z / T.

T minimises the NLL of the validation images, which is convex in 1 / T: the derivative, mean(sum_k p_k z_k - z_y), rises
with 1 / T, and its root is bracketed. Accuracy stays, as the order of the logits does. Source: Guo, Pleiss, Sun and
Weinberger 2017, "On calibration of modern neural networks". Deviation: T lies in [1/20, 20], for validation images of
which none is wrong would have it 0, and a model worse than chance infinite.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import Classifier
from assay.data.images import Images
from assay.metrics.checks import logits_and_labels
from assay.posthoc.affine import Affine
from assay.posthoc.base import Calibration, calibrate

FARTHEST = 20.0  # T, or 1 / T


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """Divide all logits by the temperature that minimises the NLL; predictions stay."""

    name: ClassVar[str] = "temperature"
    version: ClassVar[int] = 1
    needs_validation: ClassVar[bool] = True
    networks: ClassVar[int] = 1
    differentiable: ClassVar[bool] = True

    def fit(self, model: Classifier, validation: Images) -> Classifier:
        """Calibrate the model on validation images."""
        return calibrate(self, model, validation)

    def fit_logits(self, logits: Tensor, labels: Tensor) -> Calibration:
        """Fit to logits (N, K) and labels (N,)."""
        z, y = logits_and_labels(logits, labels)
        sharpness = 1 / temperature(z, y)
        return Affine(sharpness * torch.eye(z.shape[1], dtype=z.dtype), torch.zeros(z.shape[1], dtype=z.dtype))


def temperature(z: Tensor, y: Tensor) -> float:
    """The T in [1/20, 20] that minimises the NLL of z / T, for logits (N, K) float64 and labels (N,)."""
    from scipy.optimize import brentq  # here, since it takes a quarter of a second and most commands need none

    own = z.gather(1, y[:, None]).squeeze(1)

    def slope(sharpness: float) -> float:
        return float(((z * sharpness).softmax(1) * z).sum(1).sub(own).mean())

    low, high = 1 / FARTHEST, FARTHEST
    if slope(low) >= 0:
        return 1 / low
    if slope(high) <= 0:
        return 1 / high
    return 1 / float(brentq(slope, low, high, xtol=1e-13))
