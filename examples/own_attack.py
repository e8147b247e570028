"""Your own attack: a frozen dataclass with a name, a radius, and a call; the evaluation judges it."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

import assay
from assay.attacks import FGSM
from assay.attacks.norms import Norm
from assay.evaluations import Adversarial
from assay.randomness import uniform


@dataclass(frozen=True, kw_only=True)
class RandomSigns:
    """Add noise of full strength: the best of a few random corners of the ball. A black box, and a weak one."""

    name: ClassVar[str] = "random_signs"
    version: ClassVar[int] = 1
    eps: float
    tries: int = 5
    norm: Norm = "linf"

    def at(self, eps: float) -> "RandomSigns":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(self, model: assay.Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,)."""
        best = x.clone()
        for _ in range(self.tries):
            signs = uniform(x.shape, generator, like=x).round() * 2 - 1
            point = (x + self.eps * signs).clamp(0, 1)
            with torch.no_grad():
                fooled = model(point).argmax(1) != y
            best[fooled] = point[fooled]
        return best


model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
attacks = (FGSM(eps=0.3), RandomSigns(eps=0.3))
results = assay.evaluate(
    model,
    assay.sample(assay.load("mnist", "test"), 500),
    evaluations=[Adversarial(attacks=attacks, budgets=(0.05, 0.1, 0.2))],
)
print(results.table[["setting", "metric", "value", "low", "high"]].to_string())
