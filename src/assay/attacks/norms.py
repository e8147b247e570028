"""Norms: the ball an attack stays in, its steepest-ascent step, and a uniform start inside it.

For "linf" the ball is max |x' - x| <= eps and the steepest step is step * sign(g); for "l2" it is ||x' - x||_2 <= eps,
and step * g / ||g||_2, both per image. Radii are in pixel units, with pixels in [0, 1]. Functions that end in an
underscore work in place, since training spends most of its time here.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.randomness import normal, uniform

Norm = Literal["linf", "l2"]

_TINY = 1e-30  # keeps 0 / 0 from a zero gradient at 0: no direction, no step


def check_norm(part: str, value: object) -> None:
    """Raise BadValueError unless `value` names a norm."""
    if value not in get_args(Norm):
        raise BadValueError(f"{part}: norm: expected one of {', '.join(get_args(Norm))}, got {value!r}")


def lengths(delta: Tensor, norm: Norm) -> Tensor:
    """The norm of each image of delta (B, C, H, W): (B,)."""
    flat = delta.flatten(1)
    return flat.abs().amax(1) if norm == "linf" else torch.linalg.vector_norm(flat, dim=1)


def ascend_(point: Tensor, gradient: Tensor, step: float, norm: Norm) -> Tensor:
    """Move the point (B, C, H, W), in place, by `step` along its gradient's steepest direction.

    The gradient is overwritten. Where it is zero the point stays.
    """
    return point.add_(steepest_(gradient, norm), alpha=step)


def steepest_(gradient: Tensor, norm: Norm) -> Tensor:
    """The steepest direction of length 1, written over the gradient (B, C, H, W); 0 where that is zero."""
    if norm == "linf":
        return gradient.sign_()
    return _scaled_(gradient, 1 / lengths(gradient, norm).clamp_(min=_TINY))


def project_(point: Tensor, x: Tensor, eps: float, norm: Norm) -> Tensor:
    """Bring the point, in place, into the ball of radius eps around x and then into [0, 1].

    As x lies in [0, 1] itself, clipping after the ball moves no pixel away from x: the result lies in both. For "l2" it
    is a point of the intersection, not always its nearest.
    """
    if norm == "linf":
        torch.clamp(point, x - eps, x + eps, out=point)
    else:
        point.sub_(x)
        point = _scaled_(point, (eps / lengths(point, norm).clamp_(min=_TINY)).clamp_(max=1)).add_(x)
    return point.clamp_(0, 1)


def random_start(x: Tensor, eps: float, norm: Norm, generator: torch.Generator) -> Tensor:
    """Draw a point uniformly from the ball of radius eps around each image of x, then clip it to [0, 1].

    Uniform in the "l2" ball of d dimensions: a direction N(0, I) / ||.||, times eps * U^(1/d).
    """
    if norm == "linf":
        delta = uniform(x.shape, generator, like=x).mul_(2 * eps).sub_(eps)
    else:
        delta = normal(x.shape, generator, like=x)
        radius = uniform((len(x),), generator, like=x).pow_(1 / max(1, x[0].numel())).mul_(eps)
        delta = _scaled_(delta, radius / lengths(delta, norm).clamp_(min=_TINY))
    return project_(delta.add_(x), x, eps, norm)


def _scaled_(images: Tensor, factors: Tensor) -> Tensor:
    return images.mul_(wide(factors, images))


def wide(values: Tensor, images: Tensor) -> Tensor:
    """One value per image (B,), shaped to broadcast over images (B, ...)."""
    return values.view(-1, *[1] * (images.ndim - 1))
