"""Relative Mahalanobis: the distance from the nearest class mean, less that from the mean of all training images.

Ren, Fort, Liu, Roy, Padhy and Lakshminarayanan 2021, "A simple fix to Mahalanobis distance for improving near-OOD
detection".
"""

from dataclasses import dataclass
from typing import ClassVar

from assay.classifier import Classifier
from assay.scores.base import Fitted, Training, given
from assay.scores.gaussian import fit_gaussians


@dataclass(frozen=True, kw_only=True)
class RelativeMahalanobis:
    """score = min_c (f - m_c)^T S^+ (f - m_c) - (f - m)^T S_0^+ (f - m), for features f (B, D).

    The first term is the score of `mahalanobis`; m and S_0 are mean and covariance of all training features, whatever
    their label. What all classes share thus counts little. Each term leaves out directions in which its own covariance
    is 0.
    """

    name: ClassVar[str] = "relative_mahalanobis"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = True
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Training | None) -> Fitted:  # noqa: ARG002
        """Find means and covariances, within classes and of all, from training outputs.

        Raises:
            BadValueError: there are no training outputs, or their features do not vary within a class.
        """
        features, _, labels = given(self.name, train)
        classes = fit_gaussians(self.name, features.cpu(), labels.cpu())
        background = fit_gaussians(self.name, features.cpu(), labels.cpu() * 0)
        return lambda outputs: classes.nearest(outputs.features) - background.nearest(outputs.features)
