"""Transfer: a substitute is taught by the model's predicted classes alone, and attacked in the model's place.

The substitute F, a small network, starts from a few seed images S_0. Each round asks for the model's class O(x) of what
is new in S_r, trains F on all of S_r, and doubles the set by Jacobian-based augmentation:

    S_{r+1} = S_r with clip(x + l_r * sign(grad_x F_O(x)(x)), 0, 1) for each x in S_r

where F_O(x) is the probability that F gives that class. Points that fool the substitute often fool the model too.
Source: Papernot, McDaniel, Goodfellow, Jha, Celik and Swami (2017), Practical black-box attacks against machine
learning.

Deviations: the seed images are drawn from those that are to be attacked, where the paper's attacker holds a few others;
an evaluation draws them once from its test images, so that one substitute serves all batches and radii. l_r is
-0.2, 0.2, -0.2, ...: first away from the label; the paper's is 0.1, or with its "periodical step size" changes sign
after some rounds. F has two convolutions of stride 2 with 16 and 32 maps and 64 hidden units, and is trained by Adam at
1e-3 in batches of 64, going on from round to round; there is no reservoir sampling. It is attacked by PGD, not by a
single step. Images that the model misclassifies already are returned as they are. Of soft labels the largest counts.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.base import Attack, hard, standing
from assay.attacks.norms import Norm, check_norm
from assay.attacks.pgd import PGD
from assay.attacks.substitute import Substitute, decide, teach
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import Part, check_count, check_number, describe
from assay.randomness import uniform


def _standard() -> Attack:
    return PGD(eps=0.3, steps=40)  # a placeholder for eps: the attack's own radius is not used


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """An attack on a substitute; black box that sees labels alone, seeds * 2^rounds queries and one for each image.

    Attributes:
        eps: radius in pixel units, >= 0; the attack on the substitute is given it, whatever its own.
        attack: on the substitute; one of "linf" is given `norm`.
        seeds: images from which the substitute is taught, >= 1.
        rounds: how often they are doubled, >= 0.
        epochs: of the substitute's training in each round, >= 1.
        step: of the doubling, in pixel units, >= 0.
        norm: "linf" or "l2".
    """

    name: ClassVar[str] = "transfer"
    version: ClassVar[int] = 1
    black_box: ClassVar[bool] = True

    eps: float
    attack: Attack = field(default_factory=_standard)
    seeds: int = 150
    rounds: int = 5
    epochs: int = 10
    step: float = 0.2
    norm: Norm = "linf"

    def __post_init__(self) -> None:
        check_number(self.name, "eps", self.eps, low=0)
        check_norm(self.name, self.norm)
        check_count(self.name, "seeds", self.seeds)
        check_count(self.name, "rounds", self.rounds, low=0)
        check_count(self.name, "epochs", self.epochs)
        check_number(self.name, "step", self.step, low=0)
        if not isinstance(self.attack, Part):
            raise BadValueError(f"{self.name}: attack: expected an attack, got {self.attack!r}")
        adapts = self.attack.norm == "linf" and "norm" in self.attack.__dataclass_fields__
        if self.attack.norm != self.norm and not adapts:
            raise BadValueError(
                f"{self.name}: attack: expected the norm {self.norm}, got {describe(self.attack)}; "
                f"give transfer norm={self.attack.norm!r}"
            )

    def at(self, eps: float) -> "Transfer":
        """The same attack with another radius."""
        return replace(self, eps=eps)

    def prepare(self, model: Classifier, x: Tensor, generator: torch.Generator) -> "Prepared":
        """Teach a substitute of the model, from seeds among x (N, C, H, W) in [0, 1]; it serves any radius.

        Raises:
            ContractError: a gradient of the substitute is not finite.
        """
        seeds = x[uniform((len(x),), generator, like=x).argsort()[: self.seeds]]
        taught = teach(model, seeds, rounds=self.rounds, epochs=self.epochs, step=self.step, generator=generator)
        attack = self.attack if self.attack.norm == self.norm else replace(self.attack, norm=self.norm)
        return Prepared(eps=self.eps, attack=attack, substitute=taught)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`. Seeds are drawn from x.

        Raises:
            ContractError: a logit at x is not finite.
        """
        if self.eps == 0:
            return x.detach().clone()
        return self.prepare(model, x, generator)(model, x, y, generator)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """`Transfer` with a substitute that has been taught.

    Attributes:
        eps: radius in pixel units.
        attack: on the substitute, whatever its own radius.
        substitute: the network attacked in the model's place.
    """

    name: ClassVar[str] = Transfer.name
    version: ClassVar[int] = Transfer.version

    eps: float
    attack: Attack
    substitute: Substitute

    @property
    def norm(self) -> Norm:
        """The norm of the ball."""
        return self.attack.norm

    def at(self, eps: float) -> "Prepared":
        """The same attack, and substitute, with another radius."""
        return replace(self, eps=eps)

    def agreement(self, model: Classifier, x: Tensor) -> float:
        """The share of images x (N, C, H, W) in [0, 1] to which model and substitute give the same class."""
        return float((decide(model, x) == decide(self.substitute, x)).double().mean())

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`.

        Raises:
            ContractError: a logit at x is not finite.
        """
        points, y = x.detach().clone(), hard(y)
        if self.eps == 0:
            return points
        found = self.attack.at(self.eps)(self.substitute, points, y, generator)  # all: draws are the whole batch's
        index = standing(self.name, model, points, y)[1]
        points[index] = found[index]
        return points
