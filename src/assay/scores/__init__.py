"""Anomaly scores: outputs of a model -> one number an image, higher = more anomalous."""

from assay.scores.cross_entropy import CrossEntropy
from assay.scores.energy import Energy
from assay.scores.max_logit import MaxLogit
from assay.scores.msp import MSP
from assay.scores.vim import ViM

__all__ = ["MSP", "CrossEntropy", "Energy", "MaxLogit", "ViM"]
