"""Augmentations: (x, y, generator) -> (x, y), applied to training batches."""

from assay.augmentations.augmix import AugMix
from assay.augmentations.base import Augmentation
from assay.augmentations.cutmix import CutMix
from assay.augmentations.cutout import CutOut
from assay.augmentations.mixup import MixUp
from assay.augmentations.pixmix import PixMix
from assay.augmentations.random_erasing import RandomErasing
from assay.augmentations.salt_pepper import SaltPepper

__all__ = ["AugMix", "Augmentation", "CutMix", "CutOut", "MixUp", "PixMix", "RandomErasing", "SaltPepper"]
