"""Disagreement: how far the predictions of an ensemble's members lie from each other.

Lakshminarayanan, Pritzel and Blundell 2017, "Simple and scalable predictive uncertainty estimation using deep
ensembles", whose disagreement is M times ours. It is the mutual information of member and predicted class: Houlsby,
Huszar, Ghahramani and Lengyel 2011, "Bayesian active learning for classification and preference learning"; and the
Jensen-Shannon divergence of the members' predictions: Lin 1991, "Divergence measures based on the Shannon entropy".
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.architectures.ensemble import Ensemble
from assay.classifier import Classifier, Outputs, evaluating
from assay.errors import BadValueError
from assay.scores.base import Fitted, Training


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """score = mean_m KL(p_m || p), in [0, log M] nats, for members' softmaxes p_m and their mean p.

    The members' logits come from their features, which an ensemble has side by side. Computed in float64.
    """

    name: ClassVar[str] = "disagreement"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        """Take the members' heads.

        Raises:
            BadValueError: the model is no ensemble of at least two members.
        """
        if not isinstance(model, Ensemble) or len(model.members) < 2:
            raise BadValueError(
                "disagreement: expected an ensemble of at least two members with nothing around it, got another model; "
                "leave out this score"
            )
        return lambda outputs: _score(outputs, model)


def _score(outputs: Outputs, model: Ensemble) -> Tensor:
    with evaluating(model), torch.inference_mode():
        logs = model.member_logits(outputs.features).double().log_softmax(dim=2)
    mean = logs.logsumexp(dim=0) - math.log(len(logs))
    return (logs.exp() * (logs - mean)).sum(dim=2).mean(dim=0)
