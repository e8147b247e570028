"""EOT: what it does to models that answer at random, and that it changes nothing on those that do not."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.architectures.ensemble import Ensemble
from assay.attacks.averaged import Averaged
from assay.attacks.base import Aim, attack_loss, input_gradient
from assay.attacks.counted import Counted
from assay.attacks.deepfool import DeepFool
from assay.attacks.eot import EOT
from assay.attacks.fgsm import FGSM
from assay.attacks.norms import Norm
from assay.attacks.pgd import PGD
from assay.attacks.square import Square
from assay.attacks.worst_case import WorstCase
from assay.classifier import Classifier, Outputs
from assay.errors import BadValueError
from assay.parts import canonical, describe, parse

Scene = tuple[Classifier, Tensor, Tensor]


def generator(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Around(Classifier):
    """A defence: the model sees a version of the images that is drawn from the global stream in each pass."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.n_classes, self.model = model.n_classes, model

    def drawn(self, x: Tensor) -> Tensor:
        return x

    def features(self, x: Tensor) -> Tensor:
        return self.model.features(self.drawn(x))

    def head(self, features: Tensor) -> Tensor:
        return self.model.head(features)


class Noisy(Around):
    """Adds Gaussian noise."""

    def drawn(self, x: Tensor) -> Tensor:
        return x + 0.3 * torch.randn_like(x)


class Resized(Around):
    """Shrinks the images to a random size and pads them at a random place (Xie et al., 2018, in small)."""

    def drawn(self, x: Tensor) -> Tensor:
        whole = x.shape[-1]
        size = int(torch.randint(whole - 3, whole + 1, ()))
        left, top = (int(torch.randint(0, whole - size + 1, ())) for _ in range(2))
        small = F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)
        return F.pad(small, (left, whole - size - left, top, whole - size - top), value=0.5)


def accuracy(model: Classifier, x: Tensor, y: Tensor) -> float:
    """The mean over 50 predictions."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        return sum(float((model(x).argmax(1) == y).float().mean()) for _ in range(50)) / 50


@pytest.mark.parametrize("defence", [Noisy, Resized])
@pytest.mark.parametrize("early_stop", [False, True])
def test_it_finds_more_on_a_random_model_with_as_many_steps(
    trained: Scene, defence: type[Around], early_stop: bool
) -> None:
    model, x, y = defence(trained[0]).eval(), *trained[1:]
    pgd = PGD(eps=0.1, steps=10, early_stop=early_stop)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # the model's draws, which PGD leaves to the global stream
        alone, expected = (accuracy(model, one(model, x, y, generator()), y) for one in (pgd, EOT(attack=pgd)))
    assert expected < alone - 0.01


@pytest.mark.parametrize(
    "attack",
    [
        *(FGSM(eps=0.1), PGD(eps=0.05, steps=5, early_stop=True), PGD(eps=0.8, steps=5, norm="l2", restarts=2)),
        *(Square(eps=0.1, queries=30), DeepFool(eps=0.5), WorstCase(eps=0.1, attacks=(PGD(eps=1, steps=3),))),
    ],
    ids=describe,
)
def test_one_pass_of_a_model_without_randomness_is_the_attack(trained: Scene, attack: Any) -> None:
    model, x, y = trained[0], trained[1][:40], trained[2][:40]
    expected = attack(model, x, y, generator())
    torch.testing.assert_close(EOT(attack=attack, samples=1)(model, x, y, generator()), expected)
    fooled = model(EOT(attack=attack, samples=3)(model, x, y, generator())).argmax(1) != y
    assert int((fooled != (model(expected).argmax(1) != y)).sum()) <= 1  # sums of passes round


def test_the_optimum_of_a_linear_model_is_reached_through_noise(linear: Any) -> None:
    """The gradient of the loss of a linear model has one sign whatever the noise: one step takes the optimum."""
    w = torch.randn(2, 16, generator=generator())
    model, x, y = Noisy(linear(w)), torch.full((3, 1, 4, 4), 0.5), torch.tensor([0, 1, 0])
    points = EOT(attack=FGSM(eps=0.1), samples=4)(model, x, y, generator())
    way = (w[1 - y] - w[y]).sign().view_as(x)
    torch.testing.assert_close(points, x + 0.1 * way)


def test_a_generator_gives_one_result_and_the_global_stream_stays(trained: Scene) -> None:
    model, x, y = Noisy(trained[0]).eval(), trained[1][:20], trained[2][:20]
    eot = EOT(attack=FGSM(eps=0.1), samples=2)
    first = eot(model, x, y, generator())
    torch.manual_seed(77)  # wherever the global stream stands
    stream = torch.get_rng_state()
    assert torch.equal(eot(model, x, y, generator()), first)
    assert torch.equal(torch.get_rng_state(), stream)
    same = generator()
    assert torch.equal(eot(model, x, y, same), first)
    assert not torch.equal(eot(model, x, y, same), first)  # FGSM draws nothing, and yet the passes are others


@pytest.mark.parametrize("samples", [1, 3])
def test_the_mean_of_passes_without_randomness_is_the_model(trained: Scene, samples: int) -> None:
    """Of an ensemble too: its members, once for each pass."""
    model, x, y = trained
    other = type(model)()
    for whole in (model, Ensemble([model, other]).eval()):
        mean = Averaged(whole, samples)
        assert mean.members == whole.members * samples
        torch.testing.assert_close(mean(x), whole(x))
        torch.testing.assert_close(mean.head(mean.features(x)), whole(x))
        torch.testing.assert_close(attack_loss(mean, x, y), attack_loss(whole, x, y))
        theirs = input_gradient(whole, x, Aim(y))
        torch.testing.assert_close(input_gradient(mean, x, Aim(y)).gradient, theirs.gradient)
        assert not mean.training


def test_decisions_average_probabilities(linear: Any) -> None:
    class Torn(Around):
        """Sure of class 1 in one pass of two, of class 0, less so, in the others."""

        calls = 0

        def outputs(self, x: Tensor) -> Outputs:
            self.calls += 1
            row = [0.0, 9.0] if self.calls % 2 else [1.0, 0.0]
            return Outputs(x.flatten(1), torch.tensor([row] * len(x)))

    mean = Averaged(Torn(linear(torch.ones(2, 4))), 2)(torch.rand(3, 1, 2, 2)).softmax(1)
    expected = (torch.tensor([0.0, 9.0]).softmax(0) + torch.tensor([1.0, 0.0]).softmax(0)) / 2
    torch.testing.assert_close(mean, expected.expand(3, 2))


def test_each_pass_is_counted(trained: Scene) -> None:
    counted = Counted(trained[0])
    EOT(attack=FGSM(eps=0.1), samples=4)(counted, trained[1][:10], trained[2][:10], generator())
    assert (counted.forwarded, counted.differentiated) == (40, 40)


def test_it_is_what_the_attack_inside_is() -> None:
    norm: Norm = "l2"
    eot = EOT(attack=PGD(eps=0.5, steps=3, norm=norm, early_stop=True))
    assert (eot.eps, eot.norm, eot.early_stop, eot.minimal, eot.black_box) == (0.5, "l2", True, False, False)
    assert EOT(attack=DeepFool(eps=1)).minimal
    assert EOT(attack=Square(eps=1)).black_box
    assert eot.at(0.25).attack == PGD(eps=0.25, steps=3, norm=norm, early_stop=True)
    assert eot.at(0.25).samples == eot.samples
    assert describe(EOT(attack=FGSM(eps=0.1), samples=3)) == "eot(attack=fgsm(eps=0.1), samples=3)"
    kinds = {kind.name: kind for kind in (EOT, WorstCase, FGSM, PGD)}
    for part in (eot, WorstCase(eps=0.1, attacks=(EOT(attack=FGSM(eps=1)),)), EOT(attack=WorstCase(eps=0.1))):
        assert parse(describe(part), kinds) == [part]
        assert canonical(part)["name"] == part.name


def test_refusals() -> None:
    with pytest.raises(BadValueError, match=r"eot: attack: expected an attack, got 0\.1"):
        EOT(attack=0.1)  # type: ignore[arg-type]
    with pytest.raises(BadValueError, match="eot: samples: expected a whole number >= 1, got 0"):
        EOT(attack=FGSM(eps=0.1), samples=0)
    with pytest.raises(BadValueError, match=r"expected the norm l2, got eot\(attack=fgsm\(eps=1\)\); give worst_case"):
        WorstCase(eps=0.3, attacks=(EOT(attack=FGSM(eps=1)),), norm="l2")
