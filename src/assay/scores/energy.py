"""Energy: the logsumexp of the logits, negated.

Liu, Wang, Owens and Li 2020, "Energy-based out-of-distribution detection".
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier, Outputs
from assay.errors import BadValueError
from assay.scores.base import Fitted, Training


@dataclass(frozen=True, kw_only=True)
class Energy:
    """score = -logsumexp_k z_k, the paper's energy at temperature 1.

    It needs logits as they leave the last layer: after a log_softmax it is 0 for every image, and rounding alone ranks.
    """

    name: ClassVar[str] = "energy"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False

    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        """Return the score; there is nothing to fit.

        Raises:
            BadValueError: the model gives log-probabilities.
        """
        if model.log_probabilities:
            raise BadValueError(
                "energy: expected logits, got log-probabilities, whose energy is 0 for every image; "
                "remove the final log_softmax"
            )
        return _score


def _score(outputs: Outputs) -> Tensor:
    return -outputs.logits.logsumexp(dim=1)
