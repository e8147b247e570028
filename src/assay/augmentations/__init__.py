"""Augmentations: (x, y, generator) -> (x, y), applied to training batches."""

from assay.augmentations.base import Augmentation
from assay.augmentations.cutmix import CutMix
from assay.augmentations.cutout import CutOut
from assay.augmentations.mixup import MixUp
from assay.augmentations.random_erasing import RandomErasing
from assay.augmentations.salt_pepper import SaltPepper

__all__ = ["Augmentation", "CutMix", "CutOut", "MixUp", "RandomErasing", "SaltPepper"]
