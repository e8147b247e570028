"""FGSM and PGD on a stack: one gradient step moves the images of all networks, each in its own ball.

The networks stand in descending order of their steps, so that those that still climb are always the first of the stack
and no step is computed for one that has ended. The formulas are those of `assay.attacks.pgd` and `fgsm`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks import FGSM, PGD
from assay.attacks.norms import Norm, ascend_, project_, random_start
from assay.attacks.steps import length
from assay.stacks.networks import Stack


class Ascent(NamedTuple):
    """What FGSM and PGD have in common: `steps` steps of the length `size` in a ball, from a random start or from x."""

    part: str
    eps: float
    norm: Norm
    steps: int
    size: float
    random_start: bool

    @classmethod
    def of(cls, attack: object) -> "Ascent | None":
        """An attack as steps; None where it is more: it aims at a target, starts again, or stops early."""
        if isinstance(attack, FGSM) and attack.target is None and attack.norm != "l1":
            steps, size = 1, attack.step
        elif isinstance(attack, PGD) and attack.target is None and attack.norm != "l1":
            steps, size = attack.steps, length(attack.eps, attack.steps, attack.step_size)
            if attack.restarts > 1 or attack.early_stop:
                return None
        else:
            return None
        # A ball of radius 0 is its centre: nothing is drawn and no step is taken.
        return cls(attack.name, attack.eps, attack.norm, steps if attack.eps > 0 else 0, size, attack.random_start)

    def start(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Where the steps begin, for x (B, C, H, W)."""
        drawn = self.random_start and self.steps > 0
        return random_start(x, self.eps, self.norm, generator) if drawn else x.clone()


def climb(
    stack: Stack, ascents: Sequence[Ascent], x: Tensor, y: Tensor, generators: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor]:
    """Attack each network of a stack, in evaluation mode, on images of its own.

    Args:
        stack: N networks.
        ascents: one for each, of one norm, in descending order of their steps.
        x: (N, B, C, H, W) in [0, 1]; left as it is.
        y: labels (N, B), or probabilities (N, B, K).
        generators: one for each network, where its start is drawn from.

    Returns:
        Where the images ended, as x, and of each network the sum (N,) of its gradients, which is finite where all are.
    """
    drawn = zip(ascents, x, generators, strict=True)
    point, total = torch.stack([one.start(own, generator) for one, own, generator in drawn]), x.new_zeros(len(x))
    norm, batch = ascents[0].norm, x.shape[1]
    eps, size = (
        x.new_tensor(values).repeat_interleave(batch)
        for values in ([one.eps for one in ascents], [one.size for one in ascents])
    )
    for step in range(ascents[0].steps):
        active = sum(one.steps > step for one in ascents)
        gradient = stack.first(active).input_gradient(point[:active], y[:active])
        total[:active] += gradient.flatten(1).sum(1)
        moved, images = point[:active].flatten(0, 1), active * batch
        ascend_(moved, gradient.flatten(0, 1), size[:images], norm)
        project_(moved, x[:active].flatten(0, 1), eps[:images], norm)
    return point, total
