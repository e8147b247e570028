"""A strike: one attack on one batch, checked. An attack is never trusted: what it returns is held to its budget."""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks import Attack
from assay.attacks.norms import lengths, project_
from assay.classifier import Classifier, evaluating, predict_logits
from assay.errors import ContractError
from assay.parts import describe

TOLERANCE = 1e-5  # pixel units: what rounding may add to a point on the edge of the ball


class Strike(NamedTuple):
    """What came of an attack, on the CPU.

    Attributes:
        points: (B, C, H, W) in [0, 1] and the ball, brought there where the attack did not.
        prediction: (B,) int64, the model's class for each point, in evaluation mode.
        outside: (B,) whether the attack's own point left the ball or [0, 1] by more than `TOLERANCE`.
    """

    points: Tensor
    prediction: Tensor
    outside: Tensor


def strike(model: Classifier, attack: Attack, x: Tensor, y: Tensor, generator: torch.Generator) -> Strike:
    """Attack x (B, C, H, W) with labels y (B,), bring the points into the ball and [0, 1], and predict them anew.

    Raises:
        ContractError: the attack returns no finite points of x's shape.
    """
    with evaluating(model):
        found = attack(model, x.clone(), y, generator)  # a copy: the ball stays around x whatever the attack does
    if not isinstance(found, Tensor) or found.shape != x.shape:
        came = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ContractError(f"{describe(attack)}: expected points of shape {tuple(x.shape)}, got {came}")
    points = found.detach().to(x, copy=True)
    if not bool(points.isfinite().all()):
        raise ContractError(f"{describe(attack)}: expected finite points, got NaN or infinity; check its gradients")
    flat = points.flatten(1)
    outside = lengths(points - x, attack.norm) > attack.eps + TOLERANCE
    outside |= (flat.amin(1) < -TOLERANCE) | (flat.amax(1) > 1 + TOLERANCE)
    points = project_(points, x, attack.eps, attack.norm)
    prediction = predict_logits(model, points).argmax(1)
    return Strike(points.cpu(), prediction, outside.cpu())
