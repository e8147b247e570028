"""Anomaly scores: outputs of a model -> one number an image, higher = more anomalous."""

from assay.scores.ash import ASH
from assay.scores.cross_entropy import CrossEntropy
from assay.scores.dice import DICE
from assay.scores.disagreement import Disagreement
from assay.scores.energy import Energy
from assay.scores.gradnorm import GradNorm
from assay.scores.kl_matching import KLMatching
from assay.scores.knn import KNN
from assay.scores.mahalanobis import Mahalanobis
from assay.scores.max_logit import MaxLogit
from assay.scores.msp import MSP
from assay.scores.odin import ODIN
from assay.scores.react import ReAct
from assay.scores.relative_mahalanobis import RelativeMahalanobis
from assay.scores.rotation_prediction import RotationPrediction
from assay.scores.tempered_msp import TemperedMSP
from assay.scores.vim import ViM

__all__ = [
    "ASH",
    "DICE",
    "KNN",
    "MSP",
    "ODIN",
    "CrossEntropy",
    "Disagreement",
    "Energy",
    "GradNorm",
    "KLMatching",
    "Mahalanobis",
    "MaxLogit",
    "ReAct",
    "RelativeMahalanobis",
    "RotationPrediction",
    "TemperedMSP",
    "ViM",
]
