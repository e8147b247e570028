from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from assay.attacks import FGSM
from assay.attacks.norms import Norm
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.objectives import Batch, CrossEntropy, MixedAdversarial
from assay.parts import describe


def batch() -> Batch:
    g = torch.Generator().manual_seed(0)
    return Batch(torch.rand(6, 1, 12, 12, generator=g), torch.randint(0, 4, (6,), generator=g))


def test_it_is_the_clean_loss_plus_the_weighted_attacked_loss(linear: Any) -> None:
    g = torch.Generator().manual_seed(1)
    model, (x, y, _) = linear(torch.randn(4, 144, generator=g) / 12), batch()
    attacked = FGSM(eps=0.1)(model, x, y, g)
    clean, other = (CrossEntropy()(model, Batch(points, y), g).value for points in (x, attacked))
    found = MixedAdversarial(attack=FGSM(eps=0.1), weight=0.5)(model, Batch(x, y), g)
    torch.testing.assert_close(found.value, clean + 0.5 * other)
    torch.testing.assert_close(found.logits, model(x))


@dataclass(frozen=True, kw_only=True)
class Watching:
    """Returns x, and holds that it is called in evaluation mode with gradients left alone."""

    name: ClassVar[str] = "watching"
    version: ClassVar[int] = 1
    eps: float = 0.0
    norm: Norm = "linf"

    def at(self, eps: float) -> "Watching":
        return Watching(eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        assert not any(module.training for module in model.modules())
        assert y.shape == (len(x),)
        assert isinstance(generator, torch.Generator)
        return x


def test_the_attack_meets_evaluation_mode_and_training_goes_on_in_its_own(small: Classifier) -> None:
    small.train()
    small.body[5].eval()  # type: ignore[index, union-attr]
    modes = [module.training for module in small.modules()]
    loss = MixedAdversarial(attack=Watching())(small, batch(), torch.Generator())
    assert [module.training for module in small.modules()] == modes
    loss.value.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None for weight in small.parameters())


def test_an_attack_leaves_batch_statistics_alone(small: Classifier) -> None:
    """Two passes in training mode update the statistics twice; the attack's passes do not."""
    small.train()
    MixedAdversarial(attack=FGSM(eps=0.1))(small, batch(), torch.Generator())
    assert int(small.body[1].num_batches_tracked) == 2  # type: ignore[index, union-attr]


def test_names_and_refusals() -> None:
    assert describe(MixedAdversarial(attack=FGSM(eps=0.3))) == "mixed_adversarial(attack=fgsm(eps=0.3))"
    with pytest.raises(BadValueError, match="mixed_adversarial: weight: expected a number >= 0, got -1"):
        MixedAdversarial(attack=FGSM(eps=0.3), weight=-1)
