"""Mahalanobis: the distance of the features from the nearest class mean, under one covariance of all classes.

Lee, Lee, Lee and Shin 2018, "A simple unified framework for detecting out-of-distribution samples and adversarial
attacks". We take its score on the features before the head; its weighing of several layers and its step on the input
are both tuned on outliers, and left out.
"""

from dataclasses import dataclass
from typing import ClassVar

from assay.classifier import Classifier
from assay.scores.base import Fitted, Training, given
from assay.scores.gaussian import fit_gaussians


@dataclass(frozen=True, kw_only=True)
class Mahalanobis:
    """score = min_c (f - m_c)^T S^+ (f - m_c), at least 0, for features f (B, D).

    m_c is the mean of the training features with label c, S the mean over all training images of
    (f - m_c)(f - m_c)^T, c being the image's label; S^+ its pseudo-inverse. A class without training images has no
    mean: its images are compared with the others. For an ensemble, features are the members' side by side.
    """

    name: ClassVar[str] = "mahalanobis"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = True
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Training | None) -> Fitted:  # noqa: ARG002
        """Find the class means and the covariance from training outputs.

        Raises:
            BadValueError: there are no training outputs, or their features do not vary within a class.
        """
        features, _, labels = given(self.name, train)
        classes = fit_gaussians(self.name, features.cpu(), labels.cpu())
        return lambda outputs: classes.nearest(outputs.features)
