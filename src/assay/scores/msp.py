"""Maximum softmax probability: one minus the probability of the predicted class.

Hendrycks and Gimpel 2017, "A baseline for detecting misclassified and out-of-distribution examples in neural networks".
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier, Outputs
from assay.scores.base import Fitted, Training


@dataclass(frozen=True, kw_only=True)
class MSP:
    """score = 1 - max_k softmax(z)_k, in [0, 1 - 1 / K].

    The paper's score is -max softmax, which ranks alike and is less by 1. Near certainty float32 rounds -max softmax to
    ties; we sum the other classes' probabilities instead, which keeps them apart.
    """

    name: ClassVar[str] = "msp"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        """Return the score; there is nothing to fit."""
        return _score


def _score(outputs: Outputs) -> Tensor:
    falling = outputs.logits.softmax(dim=1).sort(dim=1, descending=True).values
    return falling[:, 1:].sum(dim=1)
