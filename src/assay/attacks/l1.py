"""The L1 ball inside [0, 1]: its nearest point, the steepest step, and a uniform start.

Clipping to [0, 1] after the ball, which costs nothing in "linf", loses in L1 what a step has won: a step moves few
pixels far, and the ball would be paid for moves that end beyond 0 or 1. So all is about the ball and the box at once.
Source: Croce and Hein (2021), Mind the box: l1-APGD for sparse attacks on image classifiers.
"""

import torch
from torch import Tensor

from assay.randomness import uniform


def ascend_l1_(point: Tensor, gradient: Tensor, step: float) -> Tensor:
    """Move the point (B, C, H, W) in [0, 1], in place, as steeply as moves of length `step` inside [0, 1] can.

    The maximum of <gradient, move> over ||move||_1 <= step and point + move in [0, 1]: the pixel of the largest
    gradient goes as far as its edge allows, then the next one, until the step is used up. A pixel at its edge takes
    nothing of it, and where the gradient is 0 the point stays.

    Pixels that reach their edge so, or stood there, are set beyond it by `step`, for the projection to take back: it
    shortens all pixels by the same amount, and so none that is steeper than the one in which the step ends. Else
    steps would not come to rest at the maximum of a linear loss.
    """
    start, slope = point.flatten(1), gradient.flatten(1)
    size, order = slope.abs().sort(dim=1, descending=True, stable=True)
    room = torch.where(slope > 0, 1 - start, start).gather(1, order).mul_(size > 0)
    left = step - room.cumsum(1)  # of the step, behind each pixel
    move = (left + room).clamp_(min=0).minimum(room).add_((left >= 0) & (size > 0), alpha=step)
    return point.add_(torch.zeros_like(start).scatter_(1, order, move).copysign_(slope).view_as(point))


def project_l1_(point: Tensor, x: Tensor, eps: float) -> Tensor:
    """Bring the point, in place, to the nearest one with ||x' - x||_1 <= eps and x' in [0, 1], for x in [0, 1].

    With u = point - x and r_i the room of pixel i from x_i to its edge in the direction of u_i, the pixel moves by
    sign(u_i) * min(max(|u_i| - t, 0), r_i): with t = 0 if that lies in the ball, else with the t for which the moves
    add up to eps. Their sum is piecewise linear in t, with knots at |u_i|, above which a pixel stays, and at
    |u_i| - r_i, below which it stands at its edge; sorting the knots gives t exactly.
    """
    u, start = (point - x).flatten(1), x.flatten(1)
    size, room = u.abs(), torch.where(u > 0, 1 - start, start)
    outside = size.minimum(room).sum(1, keepdim=True) > eps
    move = _moves(size, room, _threshold(size, room, eps).mul_(outside))
    end = start + move.copysign(u)
    # Rounding is the same for many pixels at once and adds up: where it leads too far, take the number below.
    end = torch.where((end - start).abs() > move, torch.nextafter(end, start), end)
    return point.copy_(end.view_as(point)).clamp_(0, 1)


def _moves(size: Tensor, room: Tensor, threshold: Tensor) -> Tensor:
    return (size - threshold).clamp_(min=0).minimum(room)


def _threshold(size: Tensor, room: Tensor, eps: float) -> Tensor:
    """The t >= 0 (B, 1) for which the moves (B, D) add up to eps, where they exceed it at t = 0."""
    knots, order = torch.cat([size, (size - room).clamp_(min=0)], dim=1).sort(dim=1, descending=True)
    moving = (1 - 2 * (order >= size.shape[1]).to(size.dtype)).cumsum_(1)  # pixels on their way below each knot
    sums = torch.zeros_like(knots)
    torch.cumsum(moving[:, :-1] * (knots[:, :-1] - knots[:, 1:]), dim=1, out=sums[:, 1:])
    last = ((sums < eps).sum(1, keepdim=True) - 1).clamp_(min=0)
    slope = moving.gather(1, last).clamp_(min=1)
    threshold = knots.gather(1, last) - (eps - sums.gather(1, last)) / slope
    # Running sums round: a step along the piece that was found ends at eps as closely as one sum does.
    return threshold + (_moves(size, room, threshold).sum(1, keepdim=True) - eps) / slope


def uniform_l1(x: Tensor, eps: float, generator: torch.Generator) -> Tensor:
    """Draw offsets of x's shape (B, C, H, W) uniformly from the L1 ball of radius eps.

    In D dimensions |offset_i| = eps * E_i / (E_0 + ... + E_D), with E_j exponential, and random signs: all but one of
    the D + 1 coordinates of a Dirichlet(1, ..., 1) are uniform on the simplex that is the ball's positive part.
    """
    flat = x.flatten(1)
    exponential = uniform((len(x), flat.shape[1] + 1), generator, like=x).neg_().log1p_().neg_()
    signs = uniform(flat.shape, generator, like=x).round_().mul_(2).sub_(1)
    offset = exponential[:, 1:] * signs * (eps / exponential.sum(1, keepdim=True))
    return offset.view_as(x)
