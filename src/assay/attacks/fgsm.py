"""FGSM: one step of length eps along the sign of the loss's gradient.

x' = clip(x + eps * sign(grad_x L(f(x), y)), 0, 1), with L the cross entropy. Source: Goodfellow, Shlens and Szegedy
(2015), Explaining and harnessing adversarial examples. For the l2 norm the step is eps * g / ||g||_2, and for the l1
norm the move of length eps inside [0, 1] that gains most: the pixel of the largest gradient as far as its edge allows,
then the next, until eps is used up (Croce and Hein, 2021, Mind the box: l1-APGD for sparse attacks on image
classifiers). Towards a target the step descends the cross entropy to the target (Kurakin, Goodfellow and Bengio, 2017,
for the least likely class).

With `random_start` the step is longer and starts at x + U, U uniform in the ball, and its end is brought back into the
ball: x' = clip(project(x_0 + a * sign(grad L(f(x_0), y)))), x_0 = clip(x + U), a = 1.25 * eps. That is what fast
adversarial training takes: Wong, Rice and Kolter (2020), Fast is better than free: revisiting adversarial training.
Deviation: x_0 is clipped to [0, 1] before the gradient is taken, which their code for MNIST does only afterwards.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import Target, aim_at, check_finite, check_target, input_gradient
from assay.attacks.norms import NORMS, Norm, ascend_, check_norm, project_, random_start
from assay.classifier import Classifier
from assay.parts import check_number


@dataclass(frozen=True, kw_only=True)
class FGSM:
    """The fast gradient sign method; white box, one gradient.

    Attributes:
        eps: radius in pixel units, >= 0.
        norm: "linf", "l2" or "l1".
        target: None (away from the label), a class index, or "least_likely"; an image whose label is the target is
            attacked away from it.
        random_start: start at a point drawn from the ball, else at x.
        step_size: length of the step in pixel units; None for eps, or 1.25 * eps from a random start, which follow eps.
    """

    name: ClassVar[str] = "fgsm"
    version: ClassVar[int] = 1

    eps: float
    norm: Norm = "linf"
    target: Target = None
    random_start: bool = False
    step_size: float | None = None

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_norm(self.name, self.norm, NORMS)
        check_target(self.name, self.target)
        if self.step_size is not None:
            check_number(self.name, "step_size", self.step_size, low=0)

    def at(self, eps: float) -> "FGSM":
        """The same attack with another radius; a step size that was given stays."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`.

        Without a random start nothing is drawn.

        Raises:
            ContractError: a gradient is not finite.
        """
        x = x.detach()
        if self.eps == 0:
            return x.clone()
        start = random_start(x, self.eps, self.norm, generator) if self.random_start else x.clone()
        gradient = input_gradient(model, start, aim_at(self.name, self.target, model, x, y)).gradient
        check_finite(self.name, gradient.sum())
        return project_(ascend_(start, gradient, self.step, self.norm), x, self.eps, self.norm)

    @property
    def step(self) -> float:
        """Length of the step in pixel units."""
        if self.step_size is not None:
            return self.step_size
        return 1.25 * self.eps if self.random_start else self.eps
