"""What every objective shares: a batch goes in, the loss to be minimised comes out, with the logits it has seen."""

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from assay.attacks import Attack
from assay.augmentations import Augmentation
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import Part, describe


class Batch(NamedTuple):
    """Images (B, C, H, W) float in [0, 1], and labels: class indices (B,) int64 or probabilities (B, K).

    `outliers` (B, C, H, W) are there for an objective with a `source` of them, see `assay.outliers`.
    """

    x: Tensor
    y: Tensor
    outliers: Tensor | None = None


class Loss(NamedTuple):
    """The scalar to be minimised, and the logits (B, K) of the batch's own images.

    The logits tell the accuracy while training goes on, and with their gradient serve an objective that wraps this one,
    both at no further pass.
    """

    value: Tensor
    logits: Tensor


@runtime_checkable
class Objective(Part, Protocol):
    """What training minimises. Called in training mode, with gradients enabled."""

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of the model on a batch; every draw comes from the generator."""
        ...


def check_objective(part: str, value: object) -> None:
    """Raise BadValueError unless the value is an objective: other parts can be called too, and are none."""
    if isinstance(value, Augmentation | Attack) or not isinstance(value, Objective):
        came = describe(value) if isinstance(value, Part) else repr(value)
        raise BadValueError(f"{part}: objective: expected an objective, such as cross_entropy, got {came}")


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """The batch's mean of -sum_c y_c log softmax(z)_c, for y as indices (B,) or probabilities (B, K): a scalar."""
    return F.cross_entropy(logits, y.to(logits.dtype) if y.is_floating_point() else y)
