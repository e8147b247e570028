"""What every anomaly score shares: fitted once to a model, it maps outputs to numbers, higher = more anomalous."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from assay.classifier import Classifier, LinearHead, Outputs
from assay.errors import BadValueError
from assay.parts import Part


class Training(NamedTuple):
    """A model's outputs on training images, with labels: features (N, D), logits (N, K), labels (N,) int64."""

    features: Tensor
    logits: Tensor
    labels: Tensor


Fitted = Callable[[Outputs], Tensor]  # features (B, D) and logits (B, K) to scores (B,), higher = more anomalous
# The same, for scores that see the images too: (B, C, H, W), uint8 or float in [0, 1].
FittedToImages = Callable[[Outputs, Tensor], Tensor]


@runtime_checkable
class Score(Part, Protocol):
    """An anomaly score. It reads outputs, not images, so that one forward pass serves all scores.

    Attributes:
        needs_train: whether `fit` needs the model's outputs on training images.
        needs_linear_head: whether `fit` needs the model's head to be linear in its features.
    """

    needs_train: ClassVar[bool]
    needs_linear_head: ClassVar[bool]

    def fit(self, model: Classifier, train: Training | None) -> Fitted:
        """Fit the score to the model and return the fitted function, so that an unfitted score cannot be called.

        Args:
            model: any classifier.
            train: outputs on training images, with labels; scores that do not need them take None.

        Raises:
            BadValueError: the score needs training outputs or a linear head, and there are none.
        """
        ...


@runtime_checkable
class ImageScore(Part, Protocol):
    """An anomaly score that runs the model again, on images that it changes.

    It says so by its attribute `needs_images`, and its fitted function gets the images beside their outputs. Everything
    else is as `Score` says.
    """

    needs_train: ClassVar[bool]
    needs_linear_head: ClassVar[bool]
    needs_images: ClassVar[Literal[True]]

    def fit(self, model: Classifier, train: Training | None) -> FittedToImages:
        """As `Score.fit`."""
        ...


AnyScore = Score | ImageScore


def check_scores(part: str, scores: Sequence[AnyScore]) -> None:
    """Raise BadValueError unless there is at least one score, and each has another name."""
    names = [score.name for score in scores]
    if not names or len(set(names)) < len(names):
        raise BadValueError(f"{part}: scores: expected at least one, each a different one, got {names}")


def given(name: str, train: Training | None) -> Training:
    """The training outputs that the score of that name needs.

    Raises:
        BadValueError: there are none.
    """
    if train is None:
        raise BadValueError(f"{name}: expected the model's outputs on training images, got none; give a training set")
    return train


def linear_head(name: str, model: Classifier) -> LinearHead:
    """The linear head that the score of that name needs, without gradients, on the CPU.

    For an ensemble it maps the members' features, side by side, to the mean of the members' logits.

    Raises:
        BadValueError: the model's head is not linear.
    """
    head = model.linear_head
    if head is None:
        raise BadValueError(
            f"{name}: expected a head that is linear in the features, got another; leave out this score"
        )
    return LinearHead(head.weight.detach().cpu(), head.bias.detach().cpu())


def head_logits(features: Tensor, head: LinearHead) -> Tensor:
    """The head's logits (B, K) of features (B, D), on their device and in their type."""
    logits: Tensor = features @ head.weight.to(features).T + head.bias.to(features)
    return logits


def kept(count: int, percentile: float) -> int:
    """How many of `count` values stay where the lowest `percentile` per cent go: at least one."""
    return max(1, count - round(count * percentile / 100))
