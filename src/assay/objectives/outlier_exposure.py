"""Outlier exposure: be unsure on outliers while another objective is learned.

L = objective(x, y) + w * mean over outliers of (logsumexp(z) - mean_c z_c), the cross entropy of softmax(z) to the
uniform distribution: its minimum, log K, is reached where all logits are equal. Source: Hendrycks,
Mazeika and Dietterich (2019), Deep anomaly detection with outlier exposure, with w = 0.5 for classifiers.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.objectives.base import Batch, Loss, Objective, check_objective
from assay.objectives.cross_entropy import CrossEntropy
from assay.outliers import DataSet, OutlierSource
from assay.parts import check_number, describe


@dataclass(frozen=True, kw_only=True)
class OutlierExposure:
    """Another objective, and cross entropy to the uniform distribution on as many outliers.

    Attributes:
        objective: what is minimised on the training images.
        source: where the outliers come from.
        weight: w, >= 0.
    """

    name: ClassVar[str] = "outlier_exposure"
    version: ClassVar[int] = 1

    objective: Objective = field(default_factory=CrossEntropy)
    source: OutlierSource = field(default_factory=DataSet)
    weight: float = 0.5

    def __post_init__(self) -> None:
        check_wrapped(self.name, self.objective, self.source)
        check_number(self.name, "weight", self.weight, low=0)

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss on a batch with outliers; the logits are those of the images. See `Objective`."""
        value, logits = self.objective(model, batch, generator)
        return Loss(value + self.weight * to_uniform(model(outliers_of(self.name, batch))), logits)


def to_uniform(logits: Tensor) -> Tensor:
    """Mean cross entropy of softmax(z) to the uniform distribution, z (B, K): a scalar >= log K, in nats."""
    return (logits.logsumexp(dim=1) - logits.mean(dim=1)).mean()


def check_wrapped(name: str, objective: Objective, source: object) -> None:
    """Raise BadValueError unless the objective can be wrapped and the source is one."""
    check_objective(name, objective)
    if getattr(objective, "source", None) is not None:
        raise BadValueError(f"{name}: objective: expected one without outliers of its own, got {describe(objective)}")
    if not isinstance(source, OutlierSource):
        raise BadValueError(f"{name}: source: expected a source of outliers, such as fractals, got {source!r}")


def outliers_of(name: str, batch: Batch) -> Tensor:
    """The batch's outliers.

    Raises:
        BadValueError: it has none.
    """
    if batch.outliers is None:
        raise BadValueError(f"{name}: outliers: expected a batch with outliers, got none; fit draws them by itself")
    return batch.outliers
