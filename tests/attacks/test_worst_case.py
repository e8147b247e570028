"""The worst case: order, who still stands, radii and norms, and what becomes of those that nobody fools."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from assay.attacks.apgd import APGD
from assay.attacks.counted import Counted
from assay.attacks.fgsm import FGSM
from assay.attacks.losses import margin
from assay.attacks.norms import Norm, lengths
from assay.attacks.pgd import PGD
from assay.attacks.worst_case import WorstCase
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError
from assay.parts import describe, parse

Scene = tuple[Classifier, Tensor, Tensor]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Adds a number to every pixel, and keeps what it was given: the images, and a draw."""

    name: ClassVar[str] = "shift"
    version: ClassVar[int] = 1

    eps: float
    by: float
    draws: int = 1
    norm: Norm = "linf"
    seen: list[tuple[float, Tensor, float]] = field(default_factory=list, compare=False)

    def at(self, eps: float) -> "Shift":
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        self.seen.append((self.eps, x, float(torch.rand(self.draws, generator=generator)[0])))
        return x + self.by


def brightness(linear: Any) -> Scene:
    """Two classes and five images, of class 0, with z_1 - z_0 = -0.85, -0.65, -0.45, -0.25 and -0.05.

    It is half the sum of the first four pixels less the fifth: a shift of all five by s raises it by s.
    """
    x = torch.arange(1, 6).view(-1, 1, 1, 1).repeat(1, 1, 1, 5) / 10
    x[..., 4] = 1.05
    return linear(torch.tensor([[0.5] * 4 + [0.0], [1.0] * 4 + [-1.0]])), x, torch.zeros(5, dtype=torch.int64)


def test_each_attack_meets_what_the_ones_before_did_not_fool(linear: Any) -> None:
    model, x, y = brightness(linear)
    attacks = (Shift(eps=9, by=0.0), Shift(eps=9, by=0.15), Shift(eps=9, by=-0.05), Shift(eps=9, by=0.3))
    points = WorstCase(eps=0.3, attacks=attacks)(model, x, y, generator())
    assert [len(one.seen[0][1]) for one in attacks] == [5, 5, 4, 4]
    assert all(one.seen[0][0] == 0.3 for one in attacks)
    torch.testing.assert_close(points[4], x[4] + 0.15)
    torch.testing.assert_close(points[3], x[3] + 0.3)
    torch.testing.assert_close(points[:3], x[:3] + 0.3)  # they stand: the largest margin met


def test_an_image_that_stands_keeps_the_largest_margin_met(linear: Any) -> None:
    model, x, y = brightness(linear)
    attacks = (Shift(eps=9, by=0.02), Shift(eps=9, by=-0.3))
    torch.testing.assert_close(WorstCase(eps=0.3, attacks=attacks)(model, x, y, generator()), x + 0.02)
    assert torch.equal(WorstCase(eps=0.3, attacks=attacks[1:])(model, x, y, generator()), x)


def test_images_that_are_misclassified_already_meet_no_attack(linear: Any) -> None:
    model, x, y = brightness(linear)
    y[[1, 3]] = 1
    shift = Shift(eps=0.1, by=0.05)
    points = WorstCase(eps=0.1, attacks=(shift,))(model, x, y, generator())
    assert torch.equal(shift.seen[0][1], x[[0, 2, 4]])
    assert torch.equal(points[[1, 3]], x[[1, 3]])
    y[:] = 1
    assert torch.equal(WorstCase(eps=0.1, attacks=(shift,))(model, x, y, generator()), x)
    assert len(shift.seen) == 1


def test_an_attacks_draws_do_not_depend_on_how_much_the_ones_before_drew(linear: Any) -> None:
    seen = []
    for draws in (1, 1000):
        last = Shift(eps=0.1, by=0.0)
        WorstCase(eps=0.1, attacks=(Shift(eps=0.1, by=0.0, draws=draws), last))(*brightness(linear), generator())
        seen.append(last.seen[0][2])
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.1), ("l2", 0.8), ("l1", 2.5)])
def test_it_fools_whatever_one_of_its_attacks_fools(trained: Scene, norm: Norm, eps: float) -> None:
    """Attacks without draws, so that each does alone what it does among the others."""
    model, x, y = trained
    attacks = (FGSM(eps=9), PGD(eps=9, steps=5, random_start=False, early_stop=True))
    worst = WorstCase(eps=eps, attacks=attacks, norm=norm)
    assert [(one.eps, one.norm) for one in worst.members] == [(eps, norm)] * 2
    points = worst(model, x, y, generator())
    assert float(lengths(points - x, norm).max()) <= eps + 1e-6
    each = [model(one(model, x, y, generator())).argmax(1) != y for one in worst.members]
    fooled = model(points).argmax(1) != y
    assert torch.equal(fooled, each[0] | each[1] | (model(x).argmax(1) != y))
    assert 0 < int(fooled.sum()) < len(x)
    stands = ~fooled
    assert bool((margin(model(points), y) >= margin(model(x), y))[stands].all())


def test_the_standard_set_is_autoattacks_and_costs_little_once_all_are_fooled(trained: Scene) -> None:
    model, x, y = trained
    worst = WorstCase(eps=0.6)
    assert [describe(attack) for attack in worst.members] == [
        "apgd(eps=0.6)", "apgd_t(eps=0.6)", "fab_t(eps=0.6, early_stop=True)", "square(eps=0.6)"
    ]  # fmt: skip
    counted = Counted(model)
    points = worst(counted, x, y, generator())
    assert float((model(points).argmax(1) != y).float().mean()) == 1
    assert counted.forwarded < 20 * len(x)


def test_names_and_refusals() -> None:
    kinds = {kind.name: kind for kind in (WorstCase, FGSM, PGD, APGD)}
    worst = WorstCase(eps=0.3, attacks=(FGSM(eps=0.1), PGD(eps=0.1, steps=3)))
    assert describe(WorstCase(eps=0.3)) == "worst_case(eps=0.3)"
    assert describe(worst) == "worst_case(eps=0.3, attacks=(fgsm(eps=0.1), pgd(eps=0.1, steps=3)))"
    assert parse(describe(worst), kinds) == [worst]
    assert worst.at(0.1) == replace(worst, eps=0.1)
    with pytest.raises(BadValueError, match="worst_case: attacks: expected a tuple of at least one attack, got"):
        WorstCase(eps=0.3, attacks=())
    with pytest.raises(BadValueError, match=r"expected the norm linf, got fgsm\(eps=1, norm='l2'\); give worst_case"):
        WorstCase(eps=0.3, attacks=(FGSM(eps=1, norm="l2"),))
    with pytest.raises(BadValueError, match="apgd: norm: expected one of linf, l2, got 'l1'"):
        WorstCase(eps=9, norm="l1")
    with pytest.raises(BadValueError, match="worst_case: eps: expected a number >= 0, got -1"):
        WorstCase(eps=-1)


def test_logits_that_are_not_finite_are_named(linear: Any) -> None:
    model = linear(torch.full((2, 4), float("nan")))
    with pytest.raises(ContractError, match="worst_case: expected finite logits"):
        WorstCase(eps=0.1)(model, torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0]), generator())
