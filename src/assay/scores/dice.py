"""DICE: the energy where the head keeps only the weights that contribute most in training.

Sun and Li 2022, "DICE: leveraging sparsification for out-of-distribution detection".
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from assay.classifier import Classifier, LinearHead
from assay.parts import check_number
from assay.scores.base import Fitted, Training, given, head_logits, kept, linear_head


@dataclass(frozen=True, kw_only=True)
class DICE:
    """score = -logsumexp_k ((M * W) f + b)_k, for features f (B, D) and the linear head W (K, D), b.

    The contribution of a weight is W_kd times the mean of feature d over training. M is 1 for the largest contributions
    of all K * D and for what ties with the last of them, else 0. For an ensemble, features are the members' side by
    side, and the head is that of the mean of their logits.

    Attributes:
        percentile: per cent of the weights that go; 90 is the paper's sparsity for ten classes.
    """

    name: ClassVar[str] = "dice"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = True
    needs_linear_head: ClassVar[bool] = True

    percentile: float = 90

    def __post_init__(self) -> None:
        check_number(self.name, "percentile", self.percentile, low=0, high=100)

    def fit(self, model: Classifier, train: Training | None) -> Fitted:
        """Find the mask from training outputs.

        Raises:
            BadValueError: there are no training outputs, or the head is not linear.
        """
        weight, bias = linear_head(self.name, model)
        contributions = weight.double() * given(self.name, train).features.cpu().double().mean(dim=0)
        last = contributions.flatten().topk(kept(contributions.numel(), self.percentile)).values[-1]
        sparse = LinearHead(torch.where(contributions >= last, weight, 0), bias)
        return lambda outputs: -head_logits(outputs.features, sparse).logsumexp(dim=1)
