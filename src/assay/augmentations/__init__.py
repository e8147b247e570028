"""Augmentations: (x, y, generator) -> (x, y), applied to training batches."""

from assay.augmentations.base import Augmentation
from assay.augmentations.cutout import CutOut
from assay.augmentations.mixup import MixUp

__all__ = ["Augmentation", "CutOut", "MixUp"]
