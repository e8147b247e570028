"""Histogram binning: each class's probability becomes the class's share in its bin of the validation images.

Bins hold equally many images (equal probabilities stay together), as in the source: Zadrozny and Elkan 2001, "Obtaining
calibrated probability estimates from decision trees and naive Bayesian classifiers". See `per_class` for many classes.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier
from assay.data.images import Images
from assay.parts import check_count
from assay.posthoc.base import Calibration, calibrate
from assay.posthoc.per_class import Curve, borders, counts, fit_per_class


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Each class's share in bins of equal mass of its probability; no gradients, predictions may change.

    Attributes:
        bins: of each class.
    """

    name: ClassVar[str] = "histogram"
    version: ClassVar[int] = 1
    needs_validation: ClassVar[bool] = True
    networks: ClassVar[int] = 1
    differentiable: ClassVar[bool] = False
    bins: int = 10

    def __post_init__(self) -> None:
        check_count(self.name, "bins", self.bins)

    def fit(self, model: Classifier, validation: Images) -> Classifier:
        """Calibrate the model on validation images."""
        return calibrate(self, model, validation)

    def fit_logits(self, logits: Tensor, labels: Tensor) -> Calibration:
        """Fit to logits (N, K) and labels (N,)."""
        return fit_per_class(logits, labels, self._curve)

    def _curve(self, p: Tensor, hits: Tensor) -> Curve:
        places = borders(p, self.bins)
        held, of_class = counts(p, hits, places)
        return places, of_class / held
