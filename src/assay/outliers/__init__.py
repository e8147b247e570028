"""Outliers to train on, for objectives that show a model what it does not know. They are never what is tested on."""

from assay.outliers.base import Draw, OutlierSource
from assay.outliers.data_set import DataSet
from assay.outliers.fractals import Fractals
from assay.outliers.noise import Noise
from assay.outliers.patches import Patches

__all__ = ["DataSet", "Draw", "Fractals", "Noise", "OutlierSource", "Patches"]
