"""GradNorm: how weakly the last layer's weights are pulled towards the uniform prediction.

Huang, Geng and Li 2021, "On the importance of gradients for detecting distributional shifts in the wild".
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier, LinearHead, Outputs
from assay.scores.base import Fitted, Training, head_logits, linear_head


@dataclass(frozen=True, kw_only=True)
class GradNorm:
    """score = -||d KL(uniform || softmax(W f + b)) / dW||_1, at most 0, at temperature 1.

    For a linear head the gradient is (softmax_k - 1 / K) f_d, so that its norm is
    sum_d |f_d| * sum_k |softmax_k - 1 / K|, without a backward pass. For an ensemble, features are the members' side by
    side, and the head is that of the mean of their logits.
    """

    name: ClassVar[str] = "gradnorm"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = True

    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        """Take the model's head.

        Raises:
            BadValueError: the head is not linear.
        """
        head = linear_head(self.name, model)
        return lambda outputs: _score(outputs, head)


def _score(outputs: Outputs, head: LinearHead) -> Tensor:
    probabilities = head_logits(outputs.features, head).softmax(dim=1)
    pull: Tensor = (probabilities - 1 / probabilities.shape[1]).abs().sum(dim=1)
    return -outputs.features.abs().sum(dim=1) * pull
