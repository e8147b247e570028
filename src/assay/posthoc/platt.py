"""Platt scaling: a sigmoid of each class's log-odds, 1 / (1 + exp(-a f - b)), brought to the sum 1.

For each class k, f = log p_k / (1 - p_k) = z_k - log sum_{j != k} exp(z_j), so that a = 1 and b = 0 leave the model as
it is. a and b minimise the cross entropy to (N+ + 1) / (N+ + 2) for the N+ validation images of the class and
1 / (N- + 2) for the others, which keeps them finite where the class is told from all others without an error. Source:
Platt 1999, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods", for
two classes; one against the rest as in `per_class`, though with no floor: a sigmoid is never 0. The targets are not the
labels, and the sum 1 comes after the fit, so that the NLL of the validation images may rise a little.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.classifier import Classifier
from assay.data.images import Images
from assay.errors import ContractError
from assay.metrics.checks import logits_and_labels
from assay.posthoc.affine import STILL
from assay.posthoc.base import Calibration, calibrate


class Sigmoids(Calibration):
    """Log-probabilities of the sigmoids of a f + b, for a and b (K,)."""

    log_probabilities: ClassVar[bool] = True

    def __init__(self, slope: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("slope", slope)
        self.register_buffer("bias", bias)
        self.slope: Tensor
        self.bias: Tensor

    def forward(self, logits: Tensor) -> Tensor:
        """Calibrated log-probabilities (B, K)."""
        scores = log_odds(logits.to(self.slope.dtype)) * self.slope + self.bias
        return F.logsigmoid(scores).log_softmax(1).to(logits.dtype)


@dataclass(frozen=True, kw_only=True)
class Platt:
    """A sigmoid of each class's log-odds, one against the rest; predictions may change."""

    name: ClassVar[str] = "platt"
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
        scores = log_odds(z).numpy()
        found = np.array([sigmoid(scores[:, k], (y == k).numpy()) for k in range(z.shape[1])])
        return Sigmoids(torch.from_numpy(found[:, 0].copy()), torch.from_numpy(found[:, 1].copy()))


def log_odds(z: Tensor) -> Tensor:
    """z_k - log sum_{j != k} exp(z_j), for logits (B, K): (B, K)."""
    p = z.log_softmax(1)
    top = z.argmax(1, keepdim=True)
    others = z.scatter(1, top, -torch.inf).logsumexp(1, keepdim=True)
    low = p.clamp(max=-np.log(2.0))  # all but the largest are; so log(1 - p) loses nothing
    return (p - torch.log1p(-low.exp())).scatter(1, top, z.gather(1, top) - others)


def sigmoid(f: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Platt's a and b, (2,), for scores f (N,) and whether each is of the class (N,) bool.

    Raises:
        ContractError: the fit does not converge.
    """
    from scipy.optimize import minimize  # here, since it takes a quarter of a second and most commands need none

    positives, n = int(hits.sum()), len(f)
    target = np.where(hits, (positives + 1) / (positives + 2), 1 / (n - positives + 2))
    scale = max(float(np.sqrt(np.mean(f**2))), 1e-12)
    design = np.stack([f / scale, np.ones(n)], 1)

    def chance(w: np.ndarray) -> np.ndarray:
        return np.asarray(0.5 * (1 + np.tanh(design @ w / 2)))

    def loss(w: np.ndarray) -> float:
        scores = design @ w
        return float(np.mean(np.logaddexp(0, scores) - target * scores))

    def slope(w: np.ndarray) -> np.ndarray:
        return np.asarray(design.T @ (chance(w) - target) / n)

    def bend(w: np.ndarray) -> np.ndarray:
        q = chance(w)
        return np.asarray((design * (q * (1 - q))[:, None]).T @ design / n)

    found = minimize(loss, np.array([scale, 0.0]), jac=slope, hess=bend, method="trust-exact", options={"gtol": 1e-10})
    if not float(np.abs(slope(found.x)).max()) <= STILL:
        raise ContractError("platt: the fit to the validation logits does not converge; check their size")
    return np.asarray(found.x / np.array([scale, 1.0]))
