"""Rotation prediction: how badly a model that was trained to tell rotations apart tells those of an image.

Hendrycks, Mazeika, Kadavath and Song 2019, "Using self-supervised learning can improve model robustness and
uncertainty", take the loss of the rotations as the score; Golan and El-Yaniv 2018, "Deep anomaly detection using
geometric transformations", the mean probability of the transformations that were applied in the simpler of their two
scores, and in the other how likely the probabilities are under a Dirichlet distribution fitted to training images.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from assay.classifier import Classifier, Outputs, device_of, evaluating, to_unit
from assay.data.one_class import ROTATIONS, turned
from assay.errors import BadValueError
from assay.scores.base import FittedToImages, Training


@dataclass(frozen=True, kw_only=True)
class RotationPrediction:
    """score = -(1 / 4) sum_r log softmax(z(x turned by r))_r, at least 0, where r = 0, 90, 180, 270 degrees.

    The mean ranks images as the sum does. It takes square, upright images, and a model whose four classes are these
    rotations, counter-clockwise, as `assay.data.one_class` labels them; whether they are, no model can tell. It costs
    three forward passes beside the one that all scores share.
    """

    name: ClassVar[str] = "rotation_prediction"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = False
    needs_images: ClassVar[Literal[True]] = True

    def fit(self, model: Classifier, train: Training | None = None) -> FittedToImages:  # noqa: ARG002
        """Take the model, which the fitted function runs in evaluation mode.

        That function raises BadValueError where the images are not square.

        Raises:
            BadValueError: the model has not four classes.
        """
        if model.n_classes != len(ROTATIONS):
            raise BadValueError(
                f"{self.name}: expected a model whose {len(ROTATIONS)} classes are rotations, got {model.n_classes} "
                "classes; leave out this score"
            )
        return lambda outputs, x: _score(model, outputs, x)


def _score(model: Classifier, outputs: Outputs, x: Tensor) -> Tensor:
    if x.shape[2] != x.shape[3]:
        raise BadValueError(
            f"{RotationPrediction.name}: expected square images, got {tuple(x.shape[1:])}; leave out this score"
        )
    upright = to_unit(x, device_of(model))
    losses = -outputs.logits.log_softmax(dim=1)[:, 0]
    with evaluating(model), torch.inference_mode():
        for quarters in range(1, len(ROTATIONS)):
            losses = losses - model(turned(upright, quarters)).log_softmax(dim=1)[:, quarters].to(losses)
    return losses / len(ROTATIONS)
