"""Energy-bounded learning: low energy on the training images, high energy on outliers, each by a squared hinge.

L = objective(x, y) + w * (mean max(0, E(x) - m_in)^2 + mean max(0, m_out - E(x_out))^2), with E = -logsumexp(z).
Source: Liu, Wang, Owens and Li (2020), Energy-based out-of-distribution detection, with w = 0.1, m_in = -23 and
m_out = -5 for networks of ten classes, by which they tune trained models.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch

from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.objectives.base import Batch, Loss, Objective
from assay.objectives.cross_entropy import CrossEntropy
from assay.objectives.outlier_exposure import check_wrapped, outliers_of
from assay.outliers import DataSet, OutlierSource
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class EnergyMargin:
    """Another objective, and a margin between the energies of the training images and of as many outliers.

    Attributes:
        objective: what is minimised on the training images.
        source: where the outliers come from.
        weight: w, >= 0.
        inside: m_in, the energy in nats that training images should not exceed.
        outside: m_out > m_in, the energy that outliers should reach.
    """

    name: ClassVar[str] = "energy_margin"
    version: ClassVar[int] = 1

    objective: Objective = field(default_factory=CrossEntropy)
    source: OutlierSource = field(default_factory=DataSet)
    weight: float = 0.1
    inside: float = -23.0
    outside: float = -5.0

    def __post_init__(self) -> None:
        check_wrapped(self.name, self.objective, self.source)
        check_number(self.name, "weight", self.weight, low=0)
        for field_name in ("inside", "outside"):
            check_number(self.name, field_name, getattr(self, field_name), low=-1e6, high=1e6)
        if self.inside >= self.outside:
            raise BadValueError(
                f"{self.name}: inside: expected a number below outside={self.outside:g}, got {self.inside:g}"
            )

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss on a batch with outliers; the logits are those of the images. See `Objective`."""
        value, logits = self.objective(model, batch, generator)
        known = (-logits.logsumexp(dim=1) - self.inside).clamp(min=0).square().mean()
        strange = (self.outside + model(outliers_of(self.name, batch)).logsumexp(dim=1)).clamp(min=0).square().mean()
        return Loss(value + self.weight * (known + strange), logits)
