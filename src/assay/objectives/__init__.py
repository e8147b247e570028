"""Objectives: (model, batch, generator) -> loss, with the logits it has seen."""

from assay.objectives.base import Batch, Loss, Objective
from assay.objectives.cross_entropy import CrossEntropy
from assay.objectives.energy_margin import EnergyMargin
from assay.objectives.focal import Focal
from assay.objectives.free import Free
from assay.objectives.jensen_shannon import JensenShannon
from assay.objectives.label_smoothing import LabelSmoothing
from assay.objectives.mart import MART
from assay.objectives.mixed_adversarial import MixedAdversarial
from assay.objectives.mmce import MMCE
from assay.objectives.outlier_exposure import OutlierExposure
from assay.objectives.trades import Trades

__all__ = [
    "MART",
    "MMCE",
    "Batch",
    "CrossEntropy",
    "EnergyMargin",
    "Focal",
    "Free",
    "JensenShannon",
    "LabelSmoothing",
    "Loss",
    "MixedAdversarial",
    "Objective",
    "OutlierExposure",
    "Trades",
]
