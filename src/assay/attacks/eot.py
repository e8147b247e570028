"""EOT: an attack on a model whose output is random, by its expectation over several passes.

    gradient = grad (1 / n) * sum_i L(f_i(x), y),    decision = argmax (1 / n) * sum_i softmax(f_i(x))

with f_1, ..., f_n passes of the model, drawn anew in every step, and L what the attack inside climbs. Source: Athalye,
Engstrom, Ilyas and Kwok (2018), Synthesizing robust adversarial examples; against defences that answer at random:
Athalye, Carlini and Wagner (2018), Obfuscated gradients give a false sense of security.

One pass of such a model has a noisy gradient and a decision that the next pass may not repeat, and an attack that stops
at the first error is content with luck. The passes draw from PyTorch's global stream, as layers do; while the attack
runs it is a stream of its own, which the generator seeds, and afterwards it is what it was. A model that draws from
elsewhere repeats itself only if that does.

Deviations: losses are averaged, as those of an ensemble's members, and not the outputs. Whoever judges the points meets
the model's own draws: report the mean over several predictions, and let the attack inside take all of its steps, as one
that stops early leaves an image just over the boundary, where half of the draws are right.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks.averaged import Averaged
from assay.attacks.base import Attack
from assay.attacks.norms import Norm
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import check_count
from assay.randomness import derive, global_streams, integers


@dataclass(frozen=True, kw_only=True)
class EOT:
    """Expectation over transformations: an attack that sees the mean of several passes; `samples` times as dear.

    Attributes:
        attack: what attacks; it has the radius and the norm.
        samples: passes for each that the attack asks for, >= 1.
    """

    name: ClassVar[str] = "eot"
    version: ClassVar[int] = 1

    attack: Attack
    samples: int = 10

    def __post_init__(self) -> None:
        if not isinstance(self.attack, Attack):
            raise BadValueError(f"{self.name}: attack: expected an attack, got {self.attack!r}")
        check_count(self.name, "samples", self.samples)

    @property
    def eps(self) -> float:
        """The attack's radius."""
        return self.attack.eps

    @property
    def norm(self) -> Norm:
        """The attack's norm."""
        return self.attack.norm

    @property
    def minimal(self) -> bool:
        """Whether the attack looks for the nearest misclassified point."""
        return bool(getattr(self.attack, "minimal", False))

    @property
    def black_box(self) -> bool:
        """Whether the attack knows scores alone."""
        return bool(getattr(self.attack, "black_box", False))

    @property
    def early_stop(self) -> bool:
        """Whether the attack leaves images that it has fooled."""
        return bool(getattr(self.attack, "early_stop", False))

    def at(self, eps: float) -> "EOT":
        """The same attack with another radius."""
        return replace(self, attack=self.attack.at(eps))

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack x (B, C, H, W) in [0, 1] with labels y (B,) or (B, K); see `Attack`."""
        with _own_stream(x.device, generator):
            return self.attack(Averaged(model, self.samples), x, y, generator)


@contextmanager
def _own_stream(device: torch.device, generator: torch.Generator) -> Iterator[None]:
    """Seed the global stream from the generator, and set it back to where it was afterwards.

    The seed is drawn from a copy, so that the attack inside draws what it would draw alone; one draw at the end lets
    an attack that draws nothing meet another stream in the next call.
    """
    copy = torch.Generator().set_state(generator.get_state())
    seed = derive(int(integers(0, 2**62, (), copy, like=torch.empty(()))), "eot").initial_seed()
    with global_streams(seed, device):
        yield
    integers(0, 2, (), generator, like=torch.empty(()))
