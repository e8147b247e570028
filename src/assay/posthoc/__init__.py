"""After training: calibration, fitted to a model on validation images, never on test images, and Monte Carlo dropout.

Each gives a classifier again. `temperature`, `vector`, `matrix` and `platt` have gradients; `isotonic`, `histogram` and
`bbq` map probabilities by steps and plateaus and give none, so that attacks by gradients report that they cannot run.
`mc_dropout` fits nothing, needs no validation images, and has the model's gradients.
"""

from assay.posthoc.base import Calibrator, Posthoc
from assay.posthoc.bbq import BBQ
from assay.posthoc.histogram import Histogram
from assay.posthoc.isotonic import Isotonic
from assay.posthoc.matrix import Matrix
from assay.posthoc.mc_dropout import MCDropout
from assay.posthoc.platt import Platt
from assay.posthoc.temperature import Temperature
from assay.posthoc.vector import Vector

__all__ = [
    "BBQ", "Calibrator", "Histogram", "Isotonic", "MCDropout", "Matrix", "Platt", "Posthoc", "Temperature", "Vector"
]  # fmt: skip
