"""Post-hoc calibration: parts fitted to a trained model on validation images, never on test images.

Each gives a classifier again. `temperature`, `vector`, `matrix` and `platt` have gradients; `isotonic`, `histogram` and
`bbq` map probabilities by steps and plateaus and give none, so that attacks by gradients report that they cannot run.
"""

from assay.posthoc.base import Posthoc
from assay.posthoc.bbq import BBQ
from assay.posthoc.histogram import Histogram
from assay.posthoc.isotonic import Isotonic
from assay.posthoc.matrix import Matrix
from assay.posthoc.platt import Platt
from assay.posthoc.temperature import Temperature
from assay.posthoc.vector import Vector

__all__ = ["BBQ", "Histogram", "Isotonic", "Matrix", "Platt", "Posthoc", "Temperature", "Vector"]
