"""Energy: the logsumexp of the logits, negated.

Liu, Wang, Owens and Li 2020, "Energy-based out-of-distribution detection".
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier, Outputs
from assay.scores.base import Fitted


@dataclass(frozen=True, kw_only=True)
class Energy:
    """score = -logsumexp_k z_k, the paper's energy at temperature 1."""

    name: ClassVar[str] = "energy"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Outputs | None = None) -> Fitted:  # noqa: ARG002
        """Return the score; there is nothing to fit."""
        return _score


def _score(outputs: Outputs) -> Tensor:
    return -outputs.logits.logsumexp(dim=1)
