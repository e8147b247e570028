"""TRADES: accuracy on the images, and a penalty where a point near them is seen otherwise.

L = CE(f(x), y) + b * KL(f(x) || f(x')), with KL(f(x) || f(x')) = sum_c p_c(x) (log p_c(x) - log p_c(x')), p the
softmax, and x' what maximises that divergence in the ball: projected gradient ascent from x + 0.001 N(0, I), since at x
itself it is 0 with a gradient of 0. The batch's mean. Source: Zhang, Yu, Jiao, Xing, El Ghaoui and Jordan (2019),
Theoretically principled trade-off between robustness and accuracy. Their setting for MNIST is
`trades(eps=0.3, steps=40, step_size=0.01)`.

x' depends on no label: it is no attack of `assay.attacks`, which climb a loss to the label. Deviations: the start is
brought into the ball and [0, 1]; the step size defaults to 2.5 * eps / steps, as for `pgd`.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import check_finite, input_gradient
from assay.attacks.norms import Norm, ascend_, check_norm, project_
from assay.classifier import Classifier, evaluating
from assay.objectives.base import Batch, Loss, cross_entropy
from assay.parts import check_count, check_number
from assay.randomness import normal

JITTER = 0.001  # standard deviation of the start, in pixel units


@dataclass(frozen=True, kw_only=True)
class Trades:
    """Cross entropy on the images, plus the divergence to the point of the ball that is seen most otherwise.

    The point is sought in evaluation mode, as attacks are; both losses are taken in the mode that the model is in.

    Attributes:
        eps: radius of the ball in pixel units, >= 0.
        steps: gradient steps of the search, >= 1.
        step_size: length of a step in pixel units; None for 2.5 * eps / steps.
        norm: "linf" or "l2".
        beta: b, the weight of the divergence, >= 0: the larger, the more robust and the less accurate.
    """

    name: ClassVar[str] = "trades"
    version: ClassVar[int] = 1

    eps: float
    steps: int
    step_size: float | None = None
    norm: Norm = "linf"
    beta: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        if self.step_size is not None:
            check_number(self.name, "step_size", self.step_size, low=0)
        check_norm(self.name, self.norm)
        check_number(self.name, "beta", self.beta, low=0)

    def __call__(self, model: Classifier, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of the model on a batch; the logits are those of the images. See `Objective`.

        Raises:
            ContractError: a gradient of the divergence is not finite.
        """
        with evaluating(model):
            point = self.search(model, batch.x, generator)
        logits = model(batch.x)
        value = cross_entropy(logits, batch.y) + self.beta * divergence(logits, model(point)).mean()
        return Loss(value, logits)

    def search(self, model: Classifier, x: Tensor, generator: torch.Generator) -> Tensor:
        """The point of the ball around each image of x (B, C, H, W) that is seen most otherwise, as far as found."""
        step = 2.5 * self.eps / self.steps if self.step_size is None else self.step_size
        with torch.no_grad():
            goal = Otherwise(model(x))
        point = project_(normal(x.shape, generator, like=x).mul_(JITTER).add_(x), x, self.eps, self.norm)
        total = point.new_zeros(())
        for _ in range(self.steps):
            gradient = input_gradient(model, point, goal).gradient
            total += gradient.sum()
            project_(ascend_(point, gradient, step, self.norm), x, self.eps, self.norm)
        check_finite(self.name, total)
        return point


def divergence(first: Tensor, second: Tensor) -> Tensor:
    """KL(softmax(first) || softmax(second)) in nats, for logits (B, K): (B,), >= 0 up to rounding."""
    log_p = first.log_softmax(1)
    return (log_p.exp() * (log_p - second.log_softmax(1))).sum(1)


class Otherwise(NamedTuple):
    """The goal of being seen otherwise than with these logits (B, K), by climbing the divergence from them."""

    logits: Tensor

    def take(self, index: Tensor) -> "Otherwise":
        """The goal of the images at `index`."""
        return Otherwise(self.logits[index])

    def climbed(self, logits: Tensor) -> Tensor:
        """The divergence (B,) of the logits (B, K)."""
        return divergence(self.logits, logits)

    def reached(self, logits: Tensor) -> Tensor:
        """Where (B,) the logits (B, K) predict another class."""
        return logits.argmax(1) != self.logits.argmax(1)
