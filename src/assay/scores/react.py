"""ReAct: the energy where features are clipped at a percentile of training.

Sun, Guo and Li 2021, "ReAct: out-of-distribution detection with rectified activations".
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.classifier import Classifier
from assay.parts import check_number
from assay.scores.base import Fitted, Training, given, head_logits, linear_head


@dataclass(frozen=True, kw_only=True)
class ReAct:
    """score = -logsumexp_k (W min(f, c) + b)_k, for features f (B, D) and the linear head W, b.

    For an ensemble, features are the members' side by side, and the head is that of the mean of their logits.

    Attributes:
        percentile: c is this percentile of the training features, over all images and units; 90 as in the paper.
    """

    name: ClassVar[str] = "react"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = True
    needs_linear_head: ClassVar[bool] = True

    percentile: float = 90

    def __post_init__(self) -> None:
        check_number(self.name, "percentile", self.percentile, low=0, high=100)

    def fit(self, model: Classifier, train: Training | None) -> Fitted:
        """Find c from training outputs.

        Raises:
            BadValueError: there are no training outputs, or the head is not linear.
        """
        head = linear_head(self.name, model)
        # numpy's: torch.quantile takes no more than 16 million values.
        cut = float(np.percentile(given(self.name, train).features.cpu().numpy(), self.percentile))
        return lambda outputs: -head_logits(outputs.features.clamp(max=cut), head).logsumexp(dim=1)
