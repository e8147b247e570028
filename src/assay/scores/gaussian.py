"""Gaussians fitted to features, and squared Mahalanobis distances from their means; in float64.

Where the covariance is singular (a unit that never fires, fewer images than features) the distance takes its
pseudo-inverse, as scikit-learn's does: directions in which training does not vary are left out. A ridge would give
those directions the largest weights of all, set by its size, which no paper gives.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError


class Gaussians(NamedTuple):
    """Gaussians with one covariance: their means (K, R) after `whiten` (D, R), which makes the covariance I."""

    means: Tensor
    whiten: Tensor

    def nearest(self, features: Tensor) -> Tensor:
        """The squared Mahalanobis distance (B,) of features (B, D) to the nearest mean, in float64."""
        means = self.means.to(features.device)
        white = features.double() @ self.whiten.to(features.device)
        return torch.cdist(white, means).amin(dim=1).square()


def fit_gaussians(name: str, features: Tensor, groups: Tensor) -> Gaussians:
    """Fit a mean for each group that has images, and the covariance within groups, divided by N.

    Args:
        name: of the score, for its errors.
        features: (N, D).
        groups: (N,) int64, at least 0.

    Raises:
        BadValueError: the features do not vary within the groups.
    """
    x = features.double()
    counts = torch.bincount(groups)
    sums = x.new_zeros(len(counts), x.shape[1]).index_add_(0, groups, x)
    means = sums / counts.clamp(min=1)[:, None]
    centred = x - means[groups]
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(x))
    # What rounding alone leaves in a direction: of the features in their own type, or of these products in float64.
    rounding = max(torch.finfo(features.dtype).eps ** 2, torch.finfo(torch.float64).eps)
    varied = values > x.shape[1] * rounding * x.square().mean(dim=0).max()
    if not bool(varied.any()):
        raise BadValueError(
            f"{name}: expected training features that vary within a class, got none; give more training images"
        )
    whiten = vectors[:, varied] / values[varied].sqrt()
    return Gaussians(means[counts > 0] @ whiten, whiten)
