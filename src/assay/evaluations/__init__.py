"""Evaluations: each observes a model on one axis, then measures what was observed."""

from assay.evaluations.adversarial import Adversarial
from assay.evaluations.anomaly import Anomaly
from assay.evaluations.base import Evaluation, Measurement, Observations
from assay.evaluations.calibration import Calibration
from assay.evaluations.decay import Decay
from assay.evaluations.rejection import Rejection
from assay.evaluations.shift import Shift

__all__ = [
    "Adversarial",
    "Anomaly",
    "Calibration",
    "Decay",
    "Evaluation",
    "Measurement",
    "Observations",
    "Rejection",
    "Shift",
]
