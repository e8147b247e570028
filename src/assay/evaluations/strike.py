"""A strike: one attack on one batch, checked. An attack is never trusted: what it returns is held to its budget."""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks import Attack, Counted
from assay.attacks.base import Continuing
from assay.attacks.norms import lengths, project_
from assay.classifier import Classifier, evaluating, predict_logits
from assay.errors import ContractError
from assay.parts import describe

TOLERANCE = 1e-5  # what rounding may add to a point on the edge of the ball: in pixel units, or of a radius above 1


class Strike(NamedTuple):
    """What came of an attack, on the CPU.

    Attributes:
        points: (B, C, H, W) in [0, 1] and the ball, brought there where the attack did not.
        prediction: (B,) int64, the model's class for each point, in evaluation mode.
        outside: (B,) whether the attack's own point left the ball or [0, 1] by more than `TOLERANCE`.
        forwarded: images that the attack passed through the model, see `Counted`.
        differentiated: images that it took a gradient of.
    """

    points: Tensor
    prediction: Tensor
    outside: Tensor
    forwarded: float
    differentiated: float


def strike(
    model: Classifier, attack: Attack, x: Tensor, y: Tensor, generator: torch.Generator, start: Tensor | None = None
) -> Strike:
    """Attack x (B, C, H, W) with labels y (B,), bring the points into the ball and [0, 1], and predict them anew.

    An attack that can go on from given points starts from `start`; the others do not look at it.

    Raises:
        ContractError: the attack returns no finite points of x's shape.
    """
    counted = Counted(model)
    with evaluating(counted):
        own = x.clone()  # a copy: the ball stays around x whatever the attack does
        if start is not None and isinstance(attack, Continuing) and attack.continuing:
            found = attack(counted, own, y, generator, start)
        else:
            found = attack(counted, own, y, generator)
    if not isinstance(found, Tensor) or found.shape != x.shape:
        came = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ContractError(f"{describe(attack)}: expected points of shape {tuple(x.shape)}, got {came}")
    points = found.detach().to(x, copy=True)
    if not bool(points.isfinite().all()):
        raise ContractError(f"{describe(attack)}: expected finite points, got NaN or infinity; check its gradients")
    flat = points.flatten(1)
    outside = lengths(points - x, attack.norm) > attack.eps + TOLERANCE * max(1, attack.eps)
    outside |= (flat.amin(1) < -TOLERANCE) | (flat.amax(1) > 1 + TOLERANCE)
    points = project_(points, x, attack.eps, attack.norm)
    prediction = predict_logits(model, points).argmax(1)
    return Strike(points.cpu(), prediction, outside.cpu(), counted.forwarded, counted.differentiated)
