"""When an ascent of the cross entropy may leave an image: its ball has no room left for a rise that would fool.

An image that is fooled has p_y <= 1/2, so a cross entropy L >= log 2, whatever the number of classes (for an ensemble,
whose L is its members' mean, by Jensen's inequality). From where it is, L can rise within the ball, to first order, by

    h = max over x' in the ball of g . (x' - x_t),  g = grad L,

and log L, which is close to linear in the logits while the model is sure, by h / L. The image is left when even
`factor` times that rise is too little: factor * h / L < log log 2 - log L. The maximum is exact for "linf", with the
box [0, 1]; for the other norms it is that of the ball alone, eps ||g||_dual + g . (x - x_t), which is no smaller.

Below `KNOWN`, where float32 rounds the loss and soon its gradient away, it says nothing of the room, and no image is
left; nor is one whose gradient is zero. First order is a judgement, not a bound: on a loss that is flat here and steep
elsewhere in the ball, images are left that more steps would fool. `benchmarks/attacks.py` counts accuracies with it
beside those of others without.
"""

import math

import torch
from torch import Tensor

from assay.attacks.norms import Norm

KNOWN = 1e-6


def hopeless(loss: Tensor, gradient: Tensor, point: Tensor, x: Tensor, eps: float, norm: Norm, factor: float) -> Tensor:
    """Where (B,) images may be left: loss (B,) and gradient at `point`, in the ball of radius eps around x."""
    if norm == "linf":
        up = (x + eps).clamp_(max=1).sub_(point).clamp_(min=0)
        down = point.sub((x - eps).clamp_(min=0)).clamp_(min=0)
        rise = torch.where(gradient > 0, up, down).mul_(gradient.abs()).flatten(1).sum(1)
    else:
        flat = gradient.flatten(1)
        dual = flat.abs().amax(1) if norm == "l1" else torch.linalg.vector_norm(flat, dim=1)
        rise = eps * dual + (flat * (x - point).flatten(1)).sum(1)
    known = loss.clamp(min=KNOWN)
    enough = factor * rise / known >= math.log(math.log(2)) - known.log()
    return (loss > KNOWN) & (rise > 0) & ~enough
