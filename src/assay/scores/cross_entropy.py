"""Cross entropy from the uniform distribution to the softmax, negated: how near the prediction is to "no idea".

Hendrycks, Mazeika and Dietterich 2019, "Deep anomaly detection with outlier exposure".
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier, Outputs
from assay.scores.base import Fitted, Training


@dataclass(frozen=True, kw_only=True)
class CrossEntropy:
    """score = mean_k log softmax(z)_k = mean_k z_k - logsumexp_k z_k, at most -log K (where all logits are equal).

    The cross entropy H(uniform, softmax) is the negative of this: it is smallest for the most anomalous.
    """

    name: ClassVar[str] = "cross_entropy"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        """Return the score; there is nothing to fit."""
        return _score


def _score(outputs: Outputs) -> Tensor:
    return outputs.logits.log_softmax(dim=1).mean(dim=1)
