"""Objectives: (model, batch, generator) -> loss, with the logits it has seen."""

from assay.objectives.base import Batch, Loss, Objective
from assay.objectives.cross_entropy import CrossEntropy
from assay.objectives.mixed_adversarial import MixedAdversarial

__all__ = ["Batch", "CrossEntropy", "Loss", "MixedAdversarial", "Objective"]
