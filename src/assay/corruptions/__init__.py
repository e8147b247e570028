"""Corruptions: label-preserving damage (x, generator) -> x, one file each."""

from assay.corruptions.base import Corruption
from assay.corruptions.brightness import Brightness
from assay.corruptions.canny_edges import CannyEdges
from assay.corruptions.dotted_line import DottedLine
from assay.corruptions.fog import Fog
from assay.corruptions.glass_blur import GlassBlur
from assay.corruptions.impulse_noise import ImpulseNoise
from assay.corruptions.mnist_c import MNIST_C
from assay.corruptions.motion_blur import MotionBlur
from assay.corruptions.rotate import Rotate
from assay.corruptions.scale import Scale
from assay.corruptions.severities import GRADED
from assay.corruptions.shear import Shear
from assay.corruptions.shot_noise import ShotNoise
from assay.corruptions.spatter import Spatter
from assay.corruptions.stripe import Stripe
from assay.corruptions.translate import Translate
from assay.corruptions.zigzag import Zigzag

__all__ = [
    "GRADED",
    "MNIST_C",
    "Brightness",
    "CannyEdges",
    "Corruption",
    "DottedLine",
    "Fog",
    "GlassBlur",
    "ImpulseNoise",
    "MotionBlur",
    "Rotate",
    "Scale",
    "Shear",
    "ShotNoise",
    "Spatter",
    "Stripe",
    "Translate",
    "Zigzag",
]
