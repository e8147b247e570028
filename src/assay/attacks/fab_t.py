"""FAB-T: FAB against one rival class at a time, with one gradient a step whatever the number of classes.

The searches of FAB, each for the boundary between the label and one other class: first that with the largest logit at
the image, then the second, and so on. Sources: Croce and Hein (2020), Minimally distorted adversarial examples with a
fast adaptive boundary attack; Croce and Hein (2020), Reliable evaluation of adversarial robustness with an ensemble of
diverse parameter-free attacks, which searches nine classes.

Deviations: as FAB.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import hard
from assay.attacks.fab import Search
from assay.attacks.norms import Norm, check_norm
from assay.classifier import Classifier
from assay.parts import check_count, check_number


@dataclass(frozen=True, kw_only=True)
class FABT:
    """The fast adaptive boundary attack, class by class; white box, `targets * steps` gradients at most.

    Attributes:
        eps: radius in pixel units, >= 0.
        steps: steps of a search, >= 1.
        targets: how many rival classes are searched, >= 1; all where there are fewer.
        norm: "linf" or "l2".
        early_stop: leave an image at the first misclassified point within eps: the same verdict at eps at less cost.
    """

    name: ClassVar[str] = "fab_t"
    version: ClassVar[int] = 1
    minimal: ClassVar[bool] = True

    eps: float
    steps: int = 100
    targets: int = 9
    norm: Norm = "linf"
    early_stop: bool = False

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_count(self.name, "steps", self.steps)
        check_count(self.name, "targets", self.targets)
        check_norm(self.name, self.norm)

    def at(self, eps: float) -> "FABT":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`. Nothing is drawn.

        Raises:
            ContractError: a gradient is not finite.
        """
        search = Search(self.name, model, x, hard(y), self.eps, self.norm, self.early_stop)
        if self.eps == 0 or len(search.todo) == 0:
            return x.detach().clone()
        others = search.logits.scatter(1, search.y[:, None], -torch.inf)
        order = others.argsort(dim=1, descending=True, stable=True)
        for rank in range(min(self.targets, model.n_classes - 1)):
            search.run(search.x, order[:, rank : rank + 1], self.steps)
        return search.result()
