"""Label smoothing: cross entropy to labels that leave a share of their weight to all classes alike.

L = -sum_c ((1 - s) y_c + s / K) log softmax(f(x))_c, the batch's mean. Source: Szegedy, Vanhoucke, Ioffe, Shlens and
Wojna (2016), Rethinking the inception architecture for computer vision, with s = 0.1; that it calibrates, and at what
price: Mueller, Kornblith and Hinton (2019), When does label smoothing help?

The least loss is reached at p_y = 1 - s + s / K, so that a model that is always right is under-confident by design.
Soft labels, as those of MixUp, are smoothed by the same formula.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional as F

from assay.classifier import Classifier
from assay.objectives.base import Batch, Loss
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class LabelSmoothing:
    """Cross entropy to smoothed labels, in nats. Nothing is drawn.

    Attributes:
        share: s in [0, 1], the share of a label that all classes divide; 0 is the cross entropy.
    """

    name: ClassVar[str] = "label_smoothing"
    version: ClassVar[int] = 1
    stacks: ClassVar[bool] = True

    share: float = 0.1

    def __post_init__(self) -> None:
        check_number(self.name, "share", self.share, low=0, high=1)

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002
        """The loss of the model on a batch. See `Objective`."""
        logits = model(batch.x)
        y = batch.y.to(logits.dtype) if batch.y.is_floating_point() else batch.y
        return Loss(F.cross_entropy(logits, y, label_smoothing=self.share), logits)
