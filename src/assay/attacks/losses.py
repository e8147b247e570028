"""Losses of the logits that tell how near a model is to an error: margin, DLR and targeted DLR, all to be maximised.

With z the logits, y the label, t a wrong class and z_(1) >= z_(2) >= ... the logits in order:

    margin(z, y)          = max_{c != y} z_c - z_y
    dlr(z, y)             = -(z_y - max_{c != y} z_c) / (z_(1) - z_(3))
    targeted_dlr(z, y, t) = -(z_y - z_t) / (z_(1) - (z_(3) + z_(4)) / 2)

The difference of logits ratio does not change when all logits are shifted or multiplied by a positive number, so that a
model cannot hide its gradients by large logits, where those of the cross entropy vanish. Source: Croce and Hein (2020),
Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks; the margin is from
Carlini and Wagner (2017), Towards evaluating the robustness of neural networks.

Deviations: with too few classes for a ratio (dlr: 2, targeted: 2 or 3) its numerator alone is taken, the margin or
z_t - z_y: with two classes the margin over z_(1) - z_(2) would be 1 or -1 everywhere and have no gradient. A divisor is
at least 1e-12, for ties. Soft labels (B, K) are taken by their largest entry.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import hard, ordinary

LogitLoss = Callable[[Tensor, Tensor], Tensor]  # logits (B, K), labels (B,) or (B, K) -> (B,)
TargetedLoss = Callable[[Tensor, Tensor, Tensor], Tensor]  # the same, and targets (B,)

_TINY = 1e-12


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """The largest wrong logit minus the label's (B,): above 0 where the model errs.

    Args:
        logits: (B, K), K >= 2.
        y: class indices (B,) or probabilities (B, K).
    """
    y = hard(y)
    top, classes = logits.topk(2, dim=1)
    rival = torch.where(classes[:, 0] == y, top[:, 1], top[:, 0])
    return rival - _at(logits, y)


def dlr(logits: Tensor, y: Tensor) -> Tensor:
    """The margin over z_(1) - z_(3), (B,); the margin itself for two classes. Arguments as `margin`."""
    if logits.shape[1] < 3:
        return margin(logits, y)
    top = logits.topk(3, dim=1).values
    return margin(logits, y) / (top[:, 0] - top[:, 2]).clamp(min=_TINY)


def targeted_dlr(logits: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """z_t - z_y over z_(1) - (z_(3) + z_(4)) / 2, (B,); z_t - z_y itself for two or three classes.

    Args:
        logits: (B, K), K >= 2.
        y: class indices (B,) or probabilities (B, K).
        target: class indices (B,), each other than the label.
    """
    difference = targeted_margin(logits, y, target)
    if logits.shape[1] < 4:
        return difference
    top = logits.topk(4, dim=1).values
    return difference / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2).clamp(min=_TINY)


def targeted_margin(logits: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """z_t - z_y, (B,). Arguments as `targeted_dlr`."""
    return _at(logits, target) - _at(logits, hard(y))


def likeliest_wrong(logits: Tensor, y: Tensor, count: int) -> Tensor:
    """The `count` classes other than y (B,) of the largest logits (B, K), those first: (B, min(count, K - 1))."""
    wrong = logits.scatter(1, y[:, None], -torch.inf)
    return wrong.topk(min(count, logits.shape[1] - 1), dim=1).indices


def _at(logits: Tensor, index: Tensor) -> Tensor:
    return logits.gather(1, index[:, None]).squeeze(1)


class Away(NamedTuple):
    """The goal of leaving the labels (B,) by climbing a loss such as `margin` or `dlr`."""

    loss: LogitLoss
    labels: Tensor

    def take(self, index: Tensor) -> "Away":
        """The goal of the images at `index`."""
        return Away(self.loss, self.labels[index])

    def climbed(self, logits: Tensor) -> Tensor:
        """The loss (B,) of the logits (B, K)."""
        return self.loss(logits, ordinary(self.labels))

    def reached(self, logits: Tensor) -> Tensor:
        """Where (B,) the logits (B, K) leave the label."""
        return logits.argmax(1) != self.labels


class Towards(NamedTuple):
    """The goal of leaving the labels (B,), whereto it may be, by climbing a loss to the targets (B,)."""

    labels: Tensor
    target: Tensor
    loss: TargetedLoss = targeted_dlr

    def take(self, index: Tensor) -> "Towards":
        """The goal of the images at `index`."""
        return Towards(self.labels[index], self.target[index], self.loss)

    def climbed(self, logits: Tensor) -> Tensor:
        """The loss (B,) of the logits (B, K)."""
        return self.loss(logits, ordinary(self.labels), ordinary(self.target))

    def reached(self, logits: Tensor) -> Tensor:
        """Where (B,) the logits (B, K) leave the label."""
        return logits.argmax(1) != self.labels
