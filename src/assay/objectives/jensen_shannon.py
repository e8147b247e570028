"""The Jensen-Shannon loss: cross entropy on the images, and a penalty where two augmented versions are seen otherwise.

L = CE(f(x), y) + w JS(p, p', p''), with p, p' and p'' the softmax at the image and at two versions of it that are
augmented with draws of their own, and JS = (KL(p, M) + KL(p', M) + KL(p'', M)) / 3 for their mean M; the batch's mean.
Source: Hendrycks, Mu, Cubuk, Zoph, Gilmer and Lakshminarayanan (2020), AugMix: a simple data processing method to
improve robustness and uncertainty, with w = 12.

Deviation: M is formed from log probabilities, so that no bound is needed where one is 0; the authors clamp M at 1e-7.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from assay.augmentations import Augmentation, AugMix
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.objectives.base import Batch, Loss, cross_entropy
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class JensenShannon:
    """Cross entropy on the images plus the divergence between them and two augmented versions, in one forward pass.

    Attributes:
        augmentation: what makes the versions; it must leave labels alone.
        weight: w, >= 0.
    """

    name: ClassVar[str] = "jensen_shannon"
    version: ClassVar[int] = 1

    augmentation: Augmentation = field(default_factory=AugMix)
    weight: float = 12.0

    def __post_init__(self) -> None:
        if not isinstance(self.augmentation, Augmentation):
            raise BadValueError(f"{self.name}: augmentation: expected an augmentation, got {self.augmentation!r}")
        if self.augmentation.needs_soft_labels:
            raise BadValueError(
                f"{self.name}: augmentation: expected one that leaves labels alone, got {self.augmentation.name}, "
                "which mixes them; put it into the pipeline, before the objective"
            )
        check_number(self.name, "weight", self.weight, low=0)

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of the model on a batch; the logits are those of the images, not of their versions."""
        versions = [self.augmentation(batch.x, batch.y, generator)[0] for _ in range(2)]
        logits = model(torch.cat((batch.x, *versions))).unflatten(0, (3, len(batch.x)))
        value = cross_entropy(logits[0], batch.y) + self.weight * jensen_shannon(logits)
        return Loss(value, logits[0])


def jensen_shannon(logits: Tensor) -> Tensor:
    """The Jensen-Shannon divergence between V softmaxes, in nats, from 0 to log V; logits (V, B, K), mean over B."""
    log_p = logits.log_softmax(2)
    log_mean = log_p.logsumexp(0) - math.log(len(logits))
    return (log_p.exp() * (log_p - log_mean)).sum(2).mean()
