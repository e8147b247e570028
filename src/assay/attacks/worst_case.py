"""The worst case over several attacks: each attacks what the ones before did not fool.

x' = a_m(x) with m the first of the attacks whose point the model misclassifies. The standard set and its order, that of
AutoAttack: APGD on the cross entropy, APGD to targets, FAB to targets, Square. Source: Croce and Hein (2020), Reliable
evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks.

Deviations: those of its attacks, told with each. Images that are misclassified already are returned as they are. Each
attack has its own stream of draws, which does not depend on how much the ones before drew.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.apgd import APGD, APGDT
from assay.attacks.base import Attack, hard, standing
from assay.attacks.fab_t import FABT
from assay.attacks.losses import margin
from assay.attacks.norms import NORMS, Norm, check_norm
from assay.attacks.square import Square
from assay.attacks.transfer import Transfer
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import Part, check_number, describe
from assay.randomness import derive, integers

_EPS = 0.3  # a placeholder: the members' own radii are not used


def _standard() -> tuple[Attack, ...]:
    return APGD(eps=_EPS), APGDT(eps=_EPS), FABT(eps=_EPS, early_stop=True), Square(eps=_EPS)


@dataclass(frozen=True, kw_only=True)
class WorstCase:
    """AutoAttack's set, or another: per image, the first point that fools the model.

    Attributes:
        eps: radius in pixel units, >= 0; every attack is given it, whatever its own.
        attacks: in the order of their turns, at least one.
        norm: "linf", "l2" or "l1"; attacks of "linf", the default of each, are given it. Not all of the standard set
            know "l1": for it, give attacks that do.
    """

    name: ClassVar[str] = "worst_case"
    version: ClassVar[int] = 1
    early_stop: ClassVar[bool] = True

    eps: float
    attacks: tuple[Attack, ...] = field(default_factory=_standard)
    norm: Norm = "linf"

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_norm(self.name, self.norm, NORMS)
        if not self.attacks or not all(isinstance(attack, Part) for attack in self.attacks):
            raise BadValueError(f"{self.name}: attacks: expected a tuple of at least one attack, got {self.attacks!r}")
        for attack in self.attacks:
            adapts = attack.norm == "linf" and "norm" in attack.__dataclass_fields__
            if attack.norm != self.norm and not adapts:
                raise BadValueError(
                    f"{self.name}: attacks: expected the norm {self.norm}, got {describe(attack)}; "
                    f"give worst_case norm={attack.norm!r}"
                )
            if isinstance(attack, Transfer):
                raise BadValueError(
                    f"{self.name}: attacks: transfer would be taught by the few images that still stand; "
                    "give it to the evaluation, beside the attacks of worst_case"
                )
        _ = self.members  # each refuses a norm that it does not support

    def at(self, eps: float) -> "WorstCase":
        """The same attacks with another radius."""
        return replace(self, eps=eps)

    @property
    def members(self) -> tuple[Attack, ...]:
        """The attacks as they are run: with this radius and norm."""
        resized = (attack.at(self.eps) for attack in self.attacks)
        return tuple(attack if attack.norm == self.norm else replace(attack, norm=self.norm) for attack in resized)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`.

        An image that stands to the end has the point of the largest margin, its own where no attack raised it.

        Raises:
            ContractError: a logit or a gradient is not finite.
        """
        x, labels = x.detach(), hard(y)
        points = x.clone()
        if self.eps == 0:
            return points
        seed = int(integers(0, 2**62, (), generator, like=x))
        logits, todo = standing(self.name, model, x, y)
        best = margin(logits, labels)
        for number, attack in enumerate(self.members):
            if len(todo) == 0:
                break
            found = attack(model, x[todo], y[todo], derive(seed, self.name, number))
            logits, right = standing(self.name, model, found, y[todo])
            height = margin(logits, labels[todo])
            better = height > best[todo]
            better[logits.argmax(1) != labels[todo]] = True
            points[todo[better]], best[todo[better]] = found[better], height[better]
            todo = todo[right]
        return points
