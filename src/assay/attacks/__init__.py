"""Attacks: (model, x, y, generator) -> x_adv, inside a ball around x and inside [0, 1]."""

from assay.attacks.apgd import APGD, APGDT
from assay.attacks.base import Attack
from assay.attacks.carlini_wagner import CarliniWagner
from assay.attacks.counted import Counted
from assay.attacks.deepfool import DeepFool
from assay.attacks.eot import EOT
from assay.attacks.fab import FAB
from assay.attacks.fab_t import FABT
from assay.attacks.fgsm import FGSM
from assay.attacks.hop_skip_jump import HopSkipJump
from assay.attacks.mim import MIM
from assay.attacks.multi_targeted import MultiTargeted
from assay.attacks.pgd import PGD
from assay.attacks.square import Square
from assay.attacks.transfer import Transfer
from assay.attacks.worst_case import WorstCase

__all__ = [
    "APGD",
    "APGDT",
    "EOT",
    "FAB",
    "FABT",
    "FGSM",
    "MIM",
    "PGD",
    "Attack",
    "CarliniWagner",
    "Counted",
    "DeepFool",
    "HopSkipJump",
    "MultiTargeted",
    "Square",
    "Transfer",
    "WorstCase",
]
