"""ViM: virtual-logit matching, the features' distance from the principal space of training, weighed against the energy.

Wang, Li, Feng and Zhang 2022, "ViM: Out-of-distribution with virtual-logit matching".
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import Classifier, Outputs
from assay.errors import BadValueError
from assay.scores.base import Fitted, Training, given, linear_head


@dataclass(frozen=True, kw_only=True)
class ViM:
    """score = alpha * ||R^T (f - o)|| - logsumexp_k z_k, for features f (B, D) and logits z (B, K).

    o = -pinv(W) b is the origin at which the linear head gives no logits; R (D, D - P) holds the eigenvectors of the
    uncentred covariance of (training features - o) beyond the P largest. Over training,
    alpha = mean(max_k z_k) / mean(||R^T (f - o)||) puts the residual on the scale of the logits. Fitted in float64.

    P = 1000 for D >= 2048 and 512 for 768 <= D < 2048, as in the paper; below, half of D, rounded down. For an
    ensemble, features are the members' side by side, and the head is that of the mean of their logits.
    """

    name: ClassVar[str] = "vim"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = True
    needs_linear_head: ClassVar[bool] = True

    def fit(self, model: Classifier, train: Training | None) -> Fitted:
        """Find the origin, the residual space and alpha from training outputs.

        Raises:
            BadValueError: there are no training outputs, the head is not linear, or training leaves no residual.
        """
        train, head = given(self.name, train), linear_head(self.name, model)
        weight, bias, features = (x.cpu().double() for x in (head.weight, head.bias, train.features))
        origin = -torch.linalg.pinv(weight) @ bias
        shifted = features - origin
        residual = residual_space(shifted)
        norms = (shifted @ residual).norm(dim=1)
        if float(norms.mean()) <= 1e-6 * float(shifted.norm(dim=1).mean()):
            raise BadValueError(
                f"vim: expected training features (N, {features.shape[1]}) outside a space of "
                f"{principal_dimensions(features.shape[1])} dimensions, got none; give more training images"
            )
        alpha = float(train.logits.cpu().double().amax(dim=1).mean() / norms.mean())
        return lambda outputs: _score(outputs, origin, residual, alpha)


def principal_dimensions(features: int) -> int:
    """P, the dimensions of the principal space for D features."""
    if features >= 2048:
        return 1000
    return 512 if features >= 768 else features // 2


def residual_space(shifted: Tensor) -> Tensor:
    """R (D, D - P): the eigenvectors of x^T x / N beyond the P largest eigenvalues, for x (N, D) float64."""
    _, vectors = torch.linalg.eigh(shifted.T @ shifted / len(shifted))  # eigenvalues ascend
    residual: Tensor = vectors[:, : shifted.shape[1] - principal_dimensions(shifted.shape[1])]
    return residual


def _score(outputs: Outputs, origin: Tensor, residual: Tensor, alpha: float) -> Tensor:
    features = outputs.features
    norm: Tensor = ((features - origin.to(features)) @ residual.to(features)).norm(dim=1)
    energy: Tensor = outputs.logits.logsumexp(dim=1)
    return alpha * norm - energy
