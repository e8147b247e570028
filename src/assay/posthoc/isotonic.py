"""Isotonic regression: each class's probability through the rising curve nearest to what was observed.

The curve minimises the squared distance to whether each validation image is of the class, by pooling adjacent
violators, and is linear between the images that pin it. Source: Zadrozny and Elkan 2002, "Transforming classifier
scores into accurate multiclass probability estimates". See `per_class` for many classes.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import Classifier
from assay.data.images import Images
from assay.posthoc.base import Calibration, calibrate
from assay.posthoc.per_class import Curve, fit_per_class


@dataclass(frozen=True, kw_only=True)
class Isotonic:
    """Each class's probability through the nearest rising curve; no gradients, predictions may change."""

    name: ClassVar[str] = "isotonic"
    version: ClassVar[int] = 1
    needs_validation: ClassVar[bool] = True
    networks: ClassVar[int] = 1
    differentiable: ClassVar[bool] = False

    def fit(self, model: Classifier, validation: Images) -> Classifier:
        """Calibrate the model on validation images."""
        return calibrate(self, model, validation)

    def fit_logits(self, logits: Tensor, labels: Tensor) -> Calibration:
        """Fit to logits (N, K) and labels (N,)."""
        return fit_per_class(logits, labels, rising, linear=True)


def rising(p: Tensor, hits: Tensor) -> Curve:
    """Knots and values of the rising curve; of each run of equal values the two ends alone."""
    from scipy.optimize import isotonic_regression  # here, as it takes a quarter of a second and few commands need it

    knots, group, weight = torch.unique_consecutive(p, return_inverse=True, return_counts=True)
    mean = torch.zeros(len(knots), dtype=torch.float64).index_add_(0, group, hits) / weight
    values = torch.from_numpy(isotonic_regression(mean.numpy(), weights=weight.double().numpy()).x.copy())
    changes = values.diff() != 0
    kept = torch.cat([torch.tensor([True]), changes]) | torch.cat([changes, torch.tensor([True])])
    return knots[kept], values[kept].clamp(0, 1)
