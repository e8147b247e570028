"""What every anomaly score shares: fitted once to a model, it maps outputs to numbers, higher = more anomalous."""

from collections.abc import Callable
from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor

from assay.classifier import Classifier, Outputs
from assay.parts import Part

Fitted = Callable[[Outputs], Tensor]  # features (B, D) and logits (B, K) to scores (B,), higher = more anomalous


@runtime_checkable
class Score(Part, Protocol):
    """An anomaly score. It reads outputs, not images, so that one forward pass serves all scores.

    Attributes:
        needs_train: whether `fit` needs the model's outputs on training images.
        needs_linear_head: whether `fit` needs the model's head to be linear in its features.
    """

    needs_train: ClassVar[bool]
    needs_linear_head: ClassVar[bool]

    def fit(self, model: Classifier, train: Outputs | None) -> Fitted:
        """Fit the score to the model and return the fitted function, so that an unfitted score cannot be called.

        Args:
            model: any classifier.
            train: features (N, D) and logits (N, K) of training images; scores that do not need them take None.

        Raises:
            BadValueError: the score needs training outputs or a linear head, and there are none.
        """
        ...
