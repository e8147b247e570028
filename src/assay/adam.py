"""Adam, by torch's own fused step.

`torch.optim.Adam` takes the same steps, to the bit; but the first use of any `torch.optim.Optimizer` imports torch's
compiler, which takes each process about as long as torch itself, and 30 MB.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam

BETAS, EPS = (0.9, 0.999), 1e-8  # the paper's


class Adam:
    """Moves weights along their gradients (Kingma and Ba, 2015, Adam: a method for stochastic optimisation).

    Attributes:
        learning_rate: the paper's step size; may be changed between two steps.
    """

    def __init__(self, weights: Iterable[Tensor], learning_rate: float) -> None:
        """Begin with moments of 0."""
        self.weights, self.learning_rate = list(weights), learning_rate
        self._means = [torch.zeros_like(weight) for weight in self.weights]
        self._squares = [torch.zeros_like(weight) for weight in self.weights]
        self._counts = [torch.zeros((), dtype=torch.float32, device=weight.device) for weight in self.weights]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Take a step; weights without a gradient stay, and so do their moments."""
        state = zip(self.weights, self._means, self._squares, self._counts, strict=True)
        moved = [(weight, weight.grad, *moments) for weight, *moments in state if weight.grad is not None]
        if not moved:
            return
        weights, gradients, means, squares, counts = map(list, zip(*moved, strict=True))
        adam(
            weights, gradients, means, squares, [], counts,
            fused=True, amsgrad=False, beta1=BETAS[0], beta2=BETAS[1], lr=self.learning_rate, weight_decay=0.0,
            eps=EPS, maximize=False,
        )  # fmt: skip
