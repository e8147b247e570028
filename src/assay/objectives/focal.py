"""Focal loss: cross entropy that minds an image the less, the surer the model is of its class.

L = -sum_c y_c (1 - p_c)^g log p_c, with p = softmax(f(x)); the batch's mean. Source: Lin, Goyal, Girshick, He and
Dollar (2017), Focal loss for dense object detection, without their weights of classes; for calibration Mukhoti,
Kulharia, Sanyal, Golodetz, Torr and Dokania (2020), Calibrating deep neural networks using focal loss, with g = 3: for
g >= 1 it is at least the cross entropy less g times the entropy of p, so that confidence has a price.

Soft labels, as those of MixUp, weigh each class's own term, which is the form that the second paper derives this from.
log(1 - p_c) is formed from the logits of the other classes, so that value and gradient are finite for every g, also
where p_c is 0 or 1 in the arithmetic of the machine: there (1 - p)^g has no finite slope of its own for g < 1.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from assay.classifier import Classifier
from assay.objectives.base import Batch, Loss
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class Focal:
    """The focal loss, in nats. Nothing is drawn.

    Attributes:
        gamma: g >= 0; 0 is the cross entropy.
    """

    name: ClassVar[str] = "focal"
    version: ClassVar[int] = 1
    stacks: ClassVar[bool] = True

    gamma: float = 3.0

    def __post_init__(self) -> None:
        check_number(self.name, "gamma", self.gamma, low=0)

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002
        """The loss of the model on a batch. See `Objective`."""
        logits = model(batch.x)
        y = batch.y if batch.y.is_floating_point() else one_hot(batch.y, logits.shape[1])
        weights = (self.gamma * log_others(logits)).exp()
        return Loss(-(y * weights * logits.log_softmax(1)).sum(1).mean(), logits)


def log_others(logits: Tensor) -> Tensor:
    """log(1 - softmax(z)_c) of each class, in nats: z (B, K) -> (B, K), with finite gradients.

    Of the likeliest class from the logits of the others; the others' probabilities are at most a half.
    """
    top = logits.argmax(1, keepdim=True)
    small = logits.log_softmax(1).exp().scatter(1, top, 0.0)
    rest = logits.scatter(1, top, -torch.inf).logsumexp(1, keepdim=True) - logits.logsumexp(1, keepdim=True)
    return torch.log1p(-small).scatter(1, top, rest)
