"""MIM: gradient steps that remember the gradients before them.

g_{t+1} = m * g_t + grad L(x_t) / ||grad L(x_t)||_1 from g_0 = 0, x_{t+1} = clip(project(x_t + a * sign(g_{t+1}))) from
x_0 = x, with L the cross entropy, m the decay and a = eps / steps. For the l2 norm the step is a * g / ||g||_2. Source:
Dong et al. (2018), Boosting adversarial attacks with momentum.

Deviations: with `early_stop` an image is left where it first fools the model.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import Target, aim_at, check_finite, check_target, input_gradient
from assay.attacks.norms import Norm, ascend_, check_norm, project_, wide
from assay.classifier import Classifier
from assay.parts import check_count, check_number


@dataclass(frozen=True, kw_only=True)
class MIM:
    """The momentum iterative method; white box, `steps` gradients at most.

    Attributes:
        eps: radius in pixel units, >= 0.
        steps: gradient steps, >= 1.
        decay: how much of the earlier gradients is kept, >= 0.
        norm: "linf" or "l2".
        target: None (away from the label), a class index, or "least_likely"; an image whose label is the target is
            attacked away from it.
        early_stop: leave an image at the first point that fools the model (or reaches the target).
    """

    name: ClassVar[str] = "mim"
    version: ClassVar[int] = 1

    eps: float
    steps: int
    decay: float = 1.0
    norm: Norm = "linf"
    target: Target = None
    early_stop: bool = False

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        check_number(self.name, "decay", self.decay, low=0)
        check_norm(self.name, self.norm)
        check_target(self.name, self.target)

    def at(self, eps: float) -> "MIM":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`. Nothing is drawn.

        Raises:
            ContractError: a gradient is not finite.
        """
        ends = x.detach().clone()
        if self.eps == 0:
            return ends
        aim = aim_at(self.name, self.target, model, x, y)
        x, point, momentum = x.detach(), ends.clone(), torch.zeros_like(ends)
        index, total = torch.arange(len(x), device=x.device), x.new_zeros(())
        for _ in range(self.steps):
            _, logits, gradient = input_gradient(model, point, aim)
            total += gradient.sum()
            if self.early_stop:
                on = (~aim.reached(logits)).nonzero().squeeze(1)
                ends[index] = point
                index, x, point, aim = index[on], x[on], point[on], aim.take(on)
                gradient, momentum = gradient[on], momentum[on]
                if len(index) == 0:
                    break
            size = gradient.flatten(1).abs().sum(1).clamp_(min=torch.finfo(gradient.dtype).tiny)
            momentum = self.decay * momentum + gradient / wide(size, gradient)
            project_(ascend_(point, momentum.clone(), self.eps / self.steps, self.norm), x, self.eps, self.norm)
        ends[index] = point
        check_finite(self.name, total)
        return ends
