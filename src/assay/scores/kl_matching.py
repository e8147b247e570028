"""KL matching: the divergence of the prediction from the nearest typical prediction of a class.

Hendrycks, Basart, Mazeika, Zou, Kwon, Mostajabi, Steinhardt and Song 2022, "Scaling out-of-distribution detection for
real-world settings". It takes typical predictions from validation images; we take training images, as all scores do.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import Classifier, Outputs
from assay.scores.base import Fitted, Training, given


@dataclass(frozen=True, kw_only=True)
class KLMatching:
    """score = min_k KL(p || d_k), at least 0, for p = softmax(z).

    d_k is the mean of p over the training images that the model predicts as class k, whatever their label. A class that
    it predicts for none has no d_k. Computed in float64 from logarithms, so that no probability is rounded to 0.
    """

    name: ClassVar[str] = "kl_matching"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = True
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Training | None) -> Fitted:  # noqa: ARG002
        """Find the typical predictions from training outputs.

        Raises:
            BadValueError: there are no training outputs.
        """
        logs = given(self.name, train).logits.cpu().double().log_softmax(dim=1)
        predicted = logs.argmax(dim=1)
        groups = [logs[predicted == k] for k in range(logs.shape[1]) if bool((predicted == k).any())]
        typical = torch.stack([group.logsumexp(dim=0) - math.log(len(group)) for group in groups])
        return lambda outputs: _score(outputs, typical)


def _score(outputs: Outputs, typical: Tensor) -> Tensor:
    logs = outputs.logits.double().log_softmax(dim=1)
    p = logs.exp()
    divergences: Tensor = (p * logs).sum(dim=1, keepdim=True) - p @ typical.to(p.device).T
    return divergences.amin(dim=1)
