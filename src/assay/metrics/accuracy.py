"""Accuracy: the share of examples whose largest logit is that of the label. In [0, 1], higher is better."""

from torch import Tensor

from assay.metrics.checks import logits_and_labels
from assay.metrics.intervals import Interval, wilson


def hits(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether each prediction is right: (N,) bool on the CPU. Of equal largest logits the first class is predicted.

    Args:
        logits: (N, K).
        labels: (N,) whole numbers in 0..K-1.

    Raises:
        BadValueError: a shape is wrong, a logit is not finite, or a label lies outside the classes.
    """
    z, y = logits_and_labels(logits, labels)
    return z.argmax(1) == y


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """The share of right predictions, with the arguments and errors of `hits`."""
    return float(hits(logits, labels).double().mean())


def accuracy_interval(logits: Tensor, labels: Tensor, level: float = 0.95) -> Interval:
    """Wilson's interval of the accuracy."""
    right = hits(logits, labels)
    return wilson(int(right.sum()), len(right), level)
