"""Tempered maximum softmax probability: the softmax of the logits divided by a temperature.

Liang, Li and Srikant 2018, "Enhancing the reliability of out-of-distribution image detection in neural networks": ODIN
without its step on the input.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import check_number
from assay.scores.base import Fitted, Training


@dataclass(frozen=True, kw_only=True)
class TemperedMSP:
    """score = T log mean_{j != m} exp((z_j - z_m) / T), at most 0, where z_m is the largest of the logits z (B, K).

    The paper's score is p = max softmax(z / T), higher = less anomalous. Ours is T (log(1 / p - 1) - log(K - 1)), a
    decreasing function of it, which ranks images alike: at a temperature of 1000 all p lie close above 1 / K, where
    float32 would round them to ties. At a large temperature it is the mean of the other logits less the largest.

    Attributes:
        temperature: T, in the logits' units; 1000 as in the paper.
    """

    name: ClassVar[str] = "tempered_msp"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False

    temperature: float = 1000

    def __post_init__(self) -> None:
        check_temperature(self.name, self.temperature)

    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        """Return the score; there is nothing to fit."""
        return lambda outputs: tempered(outputs.logits, self.temperature)


def check_temperature(part: str, temperature: object) -> None:
    """Raise BadValueError unless the temperature is a finite number above 0."""
    check_number(part, "temperature", temperature, low=0)
    if temperature == 0:
        raise BadValueError(f"{part}: temperature: expected a number > 0, got 0")


def tempered(logits: Tensor, temperature: float) -> Tensor:
    """The score (B,) of logits (B, K), in float64."""
    falling = logits.double().sort(dim=1, descending=True).values
    gaps = (falling[:, 1:] - falling[:, :1]) / temperature
    return temperature * (gaps.logsumexp(dim=1) - math.log(gaps.shape[1]))
