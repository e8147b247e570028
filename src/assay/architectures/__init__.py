"""Architectures: descriptions that build classifiers; normalisation lives inside the network."""

from assay.architectures.base import Architecture
from assay.architectures.ensemble import Ensemble
from assay.architectures.lenet import LeNet5, LeNet5Large
from assay.architectures.mixer import Mixer
from assay.architectures.residual import Residual
from assay.architectures.vit import ViT

__all__ = ["Architecture", "Ensemble", "LeNet5", "LeNet5Large", "Mixer", "Residual", "ViT"]
