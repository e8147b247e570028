"""Matrix scaling: an affine map of all logits, W z + b.

K (K + 1) numbers minimise the NLL of the validation images; see `fit_affine` for the small penalty on their distance
from no calibration. Source: Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks".
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier
from assay.data.images import Images
from assay.metrics.checks import logits_and_labels
from assay.posthoc.affine import fit_affine
from assay.posthoc.base import Calibration, calibrate


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Map all logits to W z + b; predictions may change."""

    name: ClassVar[str] = "matrix"
    version: ClassVar[int] = 1
    needs_validation: ClassVar[bool] = True
    networks: ClassVar[int] = 1
    differentiable: ClassVar[bool] = True

    def fit(self, model: Classifier, validation: Images) -> Classifier:
        """Calibrate the model on validation images."""
        return calibrate(self, model, validation)

    def fit_logits(self, logits: Tensor, labels: Tensor) -> Calibration:
        """Fit to logits (N, K) and labels (N,)."""
        return fit_affine(*logits_and_labels(logits, labels), diagonal=False)
