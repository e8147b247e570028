"""ODIN: the tempered maximum softmax probability after a small step that raises it.

Liang, Li and Srikant 2018, "Enhancing the reliability of out-of-distribution image detection in neural networks". The
step raises the confidence of what was trained on more than that of other images.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import input_gradient, ordinary
from assay.classifier import Classifier, Outputs, device_of, evaluating, to_unit
from assay.parts import check_number
from assay.scores.base import FittedToImages, Training
from assay.scores.tempered_msp import check_temperature, tempered


@dataclass(frozen=True, kw_only=True)
class ODIN:
    """The score of `tempered_msp` at x' = x - eps * sign(-grad_x log softmax(z(x) / T)_c), c the predicted class.

    x' is clipped to [0, 1], which the paper does not do, as models get images in [0, 1]. For an ensemble the step
    follows the mean of the members' log softmaxes. It costs two forward passes and a backward pass beside the one that
    all scores share. The paper chooses T and eps on outliers; here they are given.

    Attributes:
        temperature: T; 1000 as in the paper.
        eps: size of the step in pixel units; 0.0014 is the paper's for DenseNet on CIFAR-10.
    """

    name: ClassVar[str] = "odin"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False
    needs_images: ClassVar[Literal[True]] = True

    temperature: float = 1000
    eps: float = 0.0014

    def __post_init__(self) -> None:
        check_temperature(self.name, self.temperature)
        check_number(self.name, "eps", self.eps, low=0)

    def fit(self, model: Classifier, train: Training | None = None) -> FittedToImages:  # noqa: ARG002
        """Take the model, which the fitted function runs in evaluation mode.

        That function raises GradientError where the model's output does not depend on the image differentiably.
        """
        return lambda outputs, x: _score(self, model, outputs, to_unit(x, device_of(model)))


class _Confidence(NamedTuple):
    """What the step climbs: the log of the tempered softmax of the predicted class (B,)."""

    predicted: Tensor
    temperature: float

    def climbed(self, logits: Tensor) -> Tensor:
        logs = (logits / self.temperature).log_softmax(dim=1)
        return logs.gather(1, ordinary(self.predicted)[:, None]).squeeze(1)

    def reached(self, logits: Tensor) -> Tensor:
        return logits.argmax(1) == self.predicted

    def take(self, index: Tensor) -> "_Confidence":
        return self._replace(predicted=self.predicted[index])


def _score(odin: ODIN, model: Classifier, outputs: Outputs, x: Tensor) -> Tensor:
    goal = _Confidence(outputs.logits.argmax(1), odin.temperature)
    with evaluating(model):
        gradient = input_gradient(model, x, goal).gradient
        with torch.inference_mode():
            logits = model((x + odin.eps * gradient.sign()).clamp(0, 1))
    return tempered(logits, odin.temperature)
