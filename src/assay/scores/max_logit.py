"""Maximum logit: how large the largest logit is.

Hendrycks et al. 2022, "Scaling out-of-distribution detection for real-world settings".
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier, Outputs
from assay.scores.base import Fitted, Training


@dataclass(frozen=True, kw_only=True)
class MaxLogit:
    """score = -max_k z_k."""

    name: ClassVar[str] = "max_logit"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        """Return the score; there is nothing to fit."""
        return _score


def _score(outputs: Outputs) -> Tensor:
    return -outputs.logits.amax(dim=1)
