"""Affine maps of logits, z -> W z + b, and their fit: the one minimum of a convex loss."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.classifier import LinearHead
from assay.errors import ContractError
from assay.posthoc.base import Calibration

STILL = 1e-6  # the largest component of the gradient at which a fit has converged


class Affine(Calibration):
    """W z + b, for W (K, K) and b (K,)."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.weight: Tensor
        self.bias: Tensor

    def forward(self, logits: Tensor) -> Tensor:
        """Calibrated logits (B, K)."""
        return F.linear(logits.to(self.weight.dtype), self.weight, self.bias).to(logits.dtype)

    def affine(self, head: LinearHead) -> LinearHead:
        """W (V h + c) + b = (W V) h + (W c + b)."""
        weight, bias = (part.to(self.weight.dtype) for part in head)
        return LinearHead(
            (self.weight @ weight).to(head.weight.dtype), (self.weight @ bias + self.bias).to(head.bias.dtype)
        )


def fit_affine(z: Tensor, y: Tensor, *, diagonal: bool) -> Affine:
    """Minimise the mean NLL of W z + b plus (|W - I|^2 + |b|^2) / 2n, with W diagonal or full.

    The penalty is a normal prior of variance 1 around no calibration, worth one image or so against n. It is there
    since the NLL alone has no minimum wherever some class is told from all others without an error, as in MNIST: its
    weights would grow without end. It is 0 at the start, so that the NLL of the validation images never rises.

    Args:
        z: (N, K) float64.
        y: (N,) int64.
        diagonal: whether W is.

    Raises:
        ContractError: the fit does not converge.
    """
    from scipy.optimize import minimize  # here, since it takes a quarter of a second and most commands need none

    with torch.inference_mode(False):  # autograd cannot save what was made in inference mode
        z, y = (x.clone() if x.is_inference() else x for x in (z, y))
    n, classes = z.shape
    scale = float(z.square().mean().sqrt()) or 1.0  # weights of scaled logits are as steep as biases
    eye = torch.eye(classes, dtype=z.dtype)
    size = classes if diagonal else classes * classes

    def shaped(flat: Tensor) -> tuple[Tensor, Tensor]:
        weight = flat[:size].diag() if diagonal else flat[:size].view(classes, classes)
        return weight / scale, flat[size:]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        with torch.inference_mode(False), torch.enable_grad():
            flat = torch.tensor(values, requires_grad=True)
            weight, bias = shaped(flat)
            total = F.cross_entropy(z @ weight.T + bias, y)
            total = total + ((weight - eye).square().sum() + bias.square().sum()) / (2 * n)
            (gradient,) = torch.autograd.grad(total, flat)
        return float(total.detach()), gradient.numpy()

    start = torch.cat([(torch.ones(classes) if diagonal else eye.flatten()) * scale, torch.zeros(classes)]).numpy()
    options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 0.0, "gtol": STILL / 10, "maxcor": 50}
    found = minimize(loss, start.astype(float), jac=True, method="L-BFGS-B", options=options)  # type: ignore[call-overload]
    if not float(np.abs(loss(found.x)[1]).max()) <= STILL:
        raise ContractError("calibration: the fit to the validation logits does not converge; check their size")
    return Affine(*shaped(torch.from_numpy(found.x)))
