"""Norms: the ball an attack stays in, its steepest-ascent step, and a uniform start inside it.

For "linf" the ball is max |x' - x| <= eps and the steepest step is step * sign(g); for "l2" it is ||x' - x||_2 <= eps,
and step * g / ||g||_2; for "l1" it is ||x' - x||_1 <= eps, and the step depends on the room that pixels have (`l1`).
All are per image. Radii are in pixel units, with pixels in [0, 1]. Functions that end in an underscore work in place,
since training spends most of its time here.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from assay.attacks.l1 import ascend_l1_, project_l1_, uniform_l1
from assay.errors import BadValueError
from assay.randomness import normal, uniform

Norm = Literal["linf", "l2", "l1"]
NORMS: tuple[Norm, ...] = get_args(Norm)

_TINY = 1e-30  # keeps 0 / 0 from a zero gradient at 0: no direction, no step


def check_norm(part: str, value: object, among: tuple[Norm, ...] = ("linf", "l2")) -> None:
    """Raise BadValueError unless `value` is one of the norms that the part supports."""
    if value not in among:
        raise BadValueError(f"{part}: norm: expected one of {', '.join(among)}, got {value!r}")


def lengths(delta: Tensor, norm: Norm) -> Tensor:
    """The norm of each image of delta (B, C, H, W): (B,)."""
    flat = delta.flatten(1)
    if norm == "l1":
        return flat.abs().sum(1)
    return flat.abs().amax(1) if norm == "linf" else torch.linalg.vector_norm(flat, dim=1)


def ascend_(point: Tensor, gradient: Tensor, step: float | Tensor, norm: Norm) -> Tensor:
    """Move the point (B, C, H, W), in place, by `step` along its gradient's steepest direction.

    The gradient may be overwritten. Where it is zero the point stays. `step` is one for all images, or (B,); of "l1"
    one for all.
    """
    if norm == "l1":
        assert not isinstance(step, Tensor), "an L1 step is as long for all images"
        return ascend_l1_(point, gradient, step)
    if isinstance(step, Tensor):
        return point.addcmul_(steepest_(gradient, norm), wide(step, point))
    return point.add_(steepest_(gradient, norm), alpha=step)


def steepest_(gradient: Tensor, norm: Norm) -> Tensor:
    """The steepest direction of length 1, written over the gradient (B, C, H, W); 0 where that is zero.

    For "linf" and "l2", whose direction does not depend on where pixels can still go.
    """
    assert norm != "l1", "an L1 step takes its point: ascend_"
    if norm == "linf":
        return gradient.sign_()
    # By the largest component first: the squares of small ones are 0 in float32, though they have a direction.
    largest = lengths(gradient, "linf").clamp_(min=torch.finfo(gradient.dtype).tiny)
    gradient = _scaled_(gradient, 1 / largest)
    return _scaled_(gradient, 1 / lengths(gradient, norm).clamp_(min=_TINY))


def project_(point: Tensor, x: Tensor, eps: float | Tensor, norm: Norm) -> Tensor:
    """Bring the point, in place, into the ball of radius eps around x and then into [0, 1].

    `eps` is one for all images, or (B,); of "l1" one for all.

    As x lies in [0, 1] itself, clipping after the ball moves no pixel away from x: the result lies in both. For "l2" it
    is a point of the intersection, not always its nearest; for "linf" and "l1" it is the nearest.
    """
    if norm == "l1":
        assert not isinstance(eps, Tensor), "the radius of an L1 ball is the same for all images"
        return project_l1_(point, x, eps)
    if norm == "linf":
        reach = wide(eps, x) if isinstance(eps, Tensor) else eps
        torch.clamp(point, x - reach, x + reach, out=point)
    else:
        point.sub_(x)
        point = _scaled_(point, (eps / lengths(point, norm).clamp_(min=_TINY)).clamp_(max=1)).add_(x)
    return point.clamp_(0, 1)


def random_start(x: Tensor, eps: float, norm: Norm, generator: torch.Generator) -> Tensor:
    """Draw a point uniformly from the ball of radius eps around each image of x, then clip it to [0, 1].

    Uniform in the "l2" ball of d dimensions: a direction N(0, I) / ||.||, times eps * U^(1/d); in that of "l1" by
    exponential draws (`l1`).
    """
    if norm == "l1":
        return uniform_l1(x, eps, generator).add_(x).clamp_(0, 1)
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
