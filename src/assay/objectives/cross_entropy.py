"""Cross entropy: the mean over the batch of -sum_c y_c log softmax(f(x))_c, with hard or soft labels y."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from assay.classifier import Classifier
from assay.objectives.base import Batch, Loss, cross_entropy


@dataclass(frozen=True, kw_only=True)
class CrossEntropy:
    """The negative log likelihood of the labels, in nats. Nothing is drawn."""

    name: ClassVar[str] = "cross_entropy"
    version: ClassVar[int] = 1
    stacks: ClassVar[bool] = True

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002
        """The loss of the model on a batch. See `Objective`."""
        logits = model(batch.x)
        return Loss(cross_entropy(logits, batch.y), logits)
