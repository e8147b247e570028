"""Attacks: (model, x, y, generator) -> x_adv, inside a ball around x and inside [0, 1]."""

from assay.attacks.base import Attack
from assay.attacks.fgsm import FGSM
from assay.attacks.pgd import PGD

__all__ = ["FGSM", "PGD", "Attack"]
