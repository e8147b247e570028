"""Objectives: (model, batch, generator) -> loss, with the logits it has seen."""

from assay.objectives.base import Batch, Loss, Objective
from assay.objectives.cross_entropy import CrossEntropy
from assay.objectives.energy_margin import EnergyMargin
from assay.objectives.free import Free
from assay.objectives.jensen_shannon import JensenShannon
from assay.objectives.mart import MART
from assay.objectives.mixed_adversarial import MixedAdversarial
from assay.objectives.outlier_exposure import OutlierExposure
from assay.objectives.trades import Trades

__all__ = [
    "MART",
    "Batch",
    "CrossEntropy",
    "EnergyMargin",
    "Free",
    "JensenShannon",
    "Loss",
    "MixedAdversarial",
    "Objective",
    "OutlierExposure",
    "Trades",
]
