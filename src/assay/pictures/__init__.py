"""Pictures: structurally rich pictures generated from a seed, to mix into images or to train on as outliers."""

from assay.pictures.mixing import KINDS, mixing_pictures

__all__ = ["KINDS", "mixing_pictures"]
