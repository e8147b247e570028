"""A quick look at a model that is being trained on attacked images: accuracy under FGSM and under PGD.

Training on single steps may end in catastrophic overfitting: accuracy under FGSM stays high or rises while that under
PGD falls to 0, within an epoch. Sources: Wong, Rice and Kolter (2020), Fast is better than free: revisiting adversarial
training; Andriushchenko and Flammarion (2020), Understanding and improving fast adversarial training. The look is cheap
and overstates robustness; it tells whether training has broken, and is no measurement.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import Attack, hard
from assay.attacks.fgsm import FGSM
from assay.attacks.norms import Norm
from assay.attacks.pgd import PGD
from assay.classifier import Classifier, evaluating

STEPS = 10


class Look(NamedTuple):
    """Shares of the images that keep their label under attack."""

    pgd: float
    fgsm: float


def look(model: Classifier, x: Tensor, y: Tensor, eps: float, norm: Norm, generator: torch.Generator) -> Look:
    """Accuracy under PGD with 10 steps from one random start, and under FGSM, both in the ball of radius eps.

    Args:
        model: looked at in evaluation mode; left as it is.
        x: (B, C, H, W) in [0, 1], in one batch.
        y: labels (B,).
        eps: radius in pixel units.
        norm: "linf", "l2" or "l1".
        generator: where the start is drawn from.

    Raises:
        ContractError: a gradient is not finite.
    """
    attacks: tuple[Attack, ...] = (PGD(eps=eps, steps=STEPS, norm=norm, early_stop=True), FGSM(eps=eps, norm=norm))
    with evaluating(model):
        return Look(*(_accuracy(model, attack(model, x, y, generator), y) for attack in attacks))


def _accuracy(model: Classifier, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float((model(x).argmax(1) == hard(y)).double().mean())
