"""Linearised decision boundaries, and the shortest way onto one inside [0, 1].

Around a point x' the difference z_c - z_y of a rival's logit and the label's is taken as linear, v + <w, x - x'>, with
v its value and w its gradient at x'. Its zeros are a hyperplane, at a distance |v| / ||w||_q from x', q being 1 for
"linf" and 2 for "l2" (Moosavi-Dezfooli, Fawzi and Frossard, 2016, DeepFool).

The shortest way onto the plane inside the box solves min ||d||_p subject to v + <w, d> = 0 and 0 <= x + d <= 1 (Croce
and Hein, 2020, Minimally distorted adversarial examples with a fast adaptive boundary attack, eq. 2). Every pixel moves
against the sign of v * w by min(t * a, r), r being its room to the border and a = 1 for "linf", |w| for "l2"; t solves
sum |w| * min(t * a, r) = |v|. The left side is concave and piecewise linear in t, so Newton's method from t = 0 rises
to the root and ends there exactly, as each of its steps fills further pixels' rooms or is the last. The paper sorts the
rooms instead.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import ordinary
from assay.attacks.norms import Norm, wide
from assay.classifier import Classifier
from assay.errors import ContractError


class Plane(NamedTuple):
    """A linearised boundary per image: value (B,), gradient (B, C, H, W) of z_c - z_y, and the logits (B, K)."""

    value: Tensor
    gradient: Tensor
    logits: Tensor


def nearest_plane(model: Classifier, x: Tensor, y: Tensor, rivals: Tensor, norm: Norm) -> Plane:
    """The boundary, among those between the label and each rival, that is nearest to x if all are linear.

    Differentiates the model's own logits, an ensemble's included: the boundary looked for is that of its decisions. One
    forward pass and a backward pass per rival; the weights' gradients are left alone.

    Args:
        model: the classifier.
        x: (B, C, H, W), the points at which to linearise.
        y: (B,) class indices.
        rivals: (B, J) class indices, other than y.
        norm: in which distance is measured.

    Raises:
        ContractError: the logits do not depend on x, as far as autograd can tell.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf = ordinary(x).detach().requires_grad_()
        logits = model(leaf)
        gaps = logits.gather(1, ordinary(rivals)) - logits.gather(1, ordinary(y)[:, None])
        if not gaps.requires_grad:
            raise _not_differentiable()
        best: tuple[Tensor, Tensor, Tensor] | None = None
        last = gaps.shape[1] - 1
        for j in range(last + 1):
            gradient = torch.autograd.grad(gaps[:, j].sum(), leaf, retain_graph=j < last, allow_unused=True)[0]
            if gradient is None:
                raise _not_differentiable()
            found = gaps[:, j].detach(), gradient, _distance(gaps[:, j].detach(), gradient, norm)
            best = found if best is None else _nearer(best, found)
    assert best is not None, "a classifier has two classes at least, so a rival"
    return Plane(best[0], best[1], logits.detach())


def _distance(value: Tensor, gradient: Tensor, norm: Norm) -> Tensor:
    """|v| / ||w||_q, infinite where w is zero."""
    size = torch.linalg.vector_norm(gradient.flatten(1), ord=1 if norm == "linf" else 2, dim=1)
    return torch.where(size > 0, value.abs() / size, torch.inf)


def _nearer(one: tuple[Tensor, Tensor, Tensor], two: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    closer = two[2] < one[2]
    return (
        torch.where(closer, two[0], one[0]),
        torch.where(wide(closer, one[1]), two[1], one[1]),
        torch.where(closer, two[2], one[2]),
    )


def _not_differentiable() -> ContractError:
    return ContractError(
        "the model's output: expected logits that depend on the image differentiably, got none; "
        "remove what cuts the graph (detach, no_grad, rounding), or leave out attacks that need gradients"
    )


def onto_plane(x: Tensor, value: Tensor, gradient: Tensor, norm: Norm) -> Tensor:
    """The shortest d with value + <gradient, d> = 0 and x + d in [0, 1].

    Args:
        x: (B, C, H, W) in [0, 1].
        value: (B,), the linear function's value at x.
        gradient: (B, C, H, W), its gradient.
        norm: which length of d is made smallest.

    Returns:
        d (B, C, H, W). Where the plane misses the box, the way to the box's corner that is nearest to it: every pixel
        that matters moves to its border.
    """
    w = gradient.flatten(1)
    upwards = (value[:, None] < 0) == (w > 0)  # raises the pixel: the linear function shall rise, and does with it
    flat = x.flatten(1)
    room = torch.where(upwards, 1 - flat, flat) * (w != 0)
    way = torch.minimum(_newton(w.abs(), room, value.abs(), norm), room)
    return torch.where(upwards, way, -way).view_as(x)


def _newton(weight: Tensor, room: Tensor, goal: Tensor, norm: Norm) -> Tensor:
    """The t * a (B, D) or (B, 1) with sum weight * min(t * a, room) = goal, or infinity where room is short."""
    pace = torch.ones_like(weight) if norm == "linf" else weight
    filled, slopes = weight * room, weight * pace
    free = room > 0
    while True:
        slope = (slopes * free).sum(1)
        left = goal - (filled * ~free).sum(1)
        t = torch.where(slope > 0, (left / slope).clamp_(min=0), torch.inf)[:, None]
        still = free & (t * pace < room)
        if torch.equal(still, free):
            return torch.where(slope[:, None] > 0, t * pace, torch.inf)
        free = still
