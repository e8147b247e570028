"""FGSM, PGD and APGD against foolbox and torchattacks: same start, steps and step size give the same points.

Both libraries take the mean or the sum of the loss over the batch, on which neither the sign nor the direction of an
image's gradient depends. Without a random start nothing is drawn. APGD always draws: there, as many images must fall.
"""

import warnings
from types import ModuleType

import pytest
import torch
from torch import Tensor

from assay.attacks import FGSM, PGD
from assay.attacks.apgd import APGD, APGDT
from assay.attacks.losses import dlr, targeted_dlr
from assay.attacks.norms import Norm, lengths
from assay.classifier import Classifier, evaluating

pytestmark = pytest.mark.oracle

STEPS = 12


def library(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # foolbox imports names that SciPy has deprecated
        module: ModuleType = pytest.importorskip(name, reason=f"{name} is not installed; make test-oracles installs it")
    return module


@pytest.fixture(scope="module")
def foolbox() -> ModuleType:
    return library("foolbox")


@pytest.fixture(scope="module")
def torchattacks() -> ModuleType:
    return library("torchattacks")


def agree(model: Classifier, points: Tensor, theirs: Tensor, y: Tensor) -> None:
    """The points agree, but for pixels whose gradient is 0 within rounding; the same images are fooled.

    On some processors rounding also puts a step on the other side of a kink of the network (a ReLU at 0, a tie in
    pooling), and the gradient, and so the whole image, differs from there on: one in a hundred may, by a little.
    """
    apart = ((points - theirs).abs() > 1e-5).flatten(1)
    kinked = apart.float().mean(dim=1) > 0.05
    assert int(kinked.sum()) <= len(y) / 100
    assert not kinked.any() or float((points - theirs)[kinked].abs().max()) < 0.01
    assert float(apart[~kinked].float().mean()) < 1e-3
    fooled = model(points).argmax(1) != y
    assert 10 < int(fooled.sum()) < len(y)
    assert torch.equal(model(theirs).argmax(1) != y, fooled)


def ours(attack: FGSM | PGD, scene: tuple[Classifier, Tensor, Tensor]) -> Tensor:
    with evaluating(scene[0]):
        return attack(*scene, torch.Generator())


def pgd(eps: float, norm: Norm) -> PGD:
    return PGD(eps=eps, steps=STEPS, step_size=eps / 5, norm=norm, random_start=False)


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.1), ("l2", 0.8)])
def test_foolbox_pgd(foolbox: ModuleType, trained: tuple[Classifier, Tensor, Tensor], norm: Norm, eps: float) -> None:
    model, x, y = trained
    kind = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm]
    attack = kind(abs_stepsize=eps / 5, steps=STEPS, random_start=False)
    theirs = attack(foolbox.PyTorchModel(model, bounds=(0, 1)), x, y, epsilons=eps)[1]
    assert float(lengths(theirs - x, norm).max()) <= eps + 1e-5
    agree(model, ours(pgd(eps, norm), trained), theirs, y)


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.1), ("l2", 0.8)])
def test_foolbox_fgsm(foolbox: ModuleType, trained: tuple[Classifier, Tensor, Tensor], norm: Norm, eps: float) -> None:
    model, x, y = trained
    kind = {"linf": foolbox.attacks.LinfFastGradientAttack, "l2": foolbox.attacks.L2FastGradientAttack}[norm]
    theirs = kind(random_start=False)(foolbox.PyTorchModel(model, bounds=(0, 1)), x, y, epsilons=eps)[1]
    agree(model, ours(FGSM(eps=eps, norm=norm), trained), theirs, y)


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.1), ("l2", 0.8)])
def test_torchattacks_pgd(
    torchattacks: ModuleType, trained: tuple[Classifier, Tensor, Tensor], norm: Norm, eps: float
) -> None:
    model, x, y = trained
    kind = {"linf": torchattacks.PGD, "l2": torchattacks.PGDL2}[norm]
    theirs = kind(model, eps=eps, alpha=eps / 5, steps=STEPS, random_start=False)(x, y)
    agree(model, ours(pgd(eps, norm), trained), theirs, y)


@pytest.mark.parametrize("random_start", [False, True])
def test_foolbox_sparse_l1_descent(
    foolbox: ModuleType, trained: tuple[Classifier, Tensor, Tensor], random_start: bool
) -> None:
    """One pixel in a hundred a step, clipped after the ball: it fools no more than ours, but for one image."""
    model, x, y = trained
    attack = foolbox.attacks.SparseL1DescentAttack(rel_stepsize=0.1, steps=25, random_start=random_start)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = attack(foolbox.PyTorchModel(model, bounds=(0, 1)), x, y, epsilons=2.0)[1]
    assert float(lengths(theirs - x, "l1").max()) <= 2 + 1e-5
    mine = PGD(eps=2, steps=25, norm="l1", random_start=random_start)(model, x, y, torch.Generator().manual_seed(0))
    standing, others = (int((model(points).argmax(1) == y).sum()) for points in (mine, theirs))
    assert 10 < standing <= others + 1 < len(y)


def test_torchattacks_fgsm(torchattacks: ModuleType, trained: tuple[Classifier, Tensor, Tensor]) -> None:
    model, x, y = trained
    agree(model, ours(FGSM(eps=0.1), trained), torchattacks.FGSM(model, eps=0.1)(x, y), y)


def test_torchattacks_towards_a_target(torchattacks: ModuleType, trained: tuple[Classifier, Tensor, Tensor]) -> None:
    """Only images of other classes: ours attacks those of the target class away from it."""
    model, x, y = trained
    x, y = x[y != 2], y[y != 2]
    attack = torchattacks.PGD(model, eps=0.1, alpha=0.02, steps=STEPS, random_start=False)
    attack.set_mode_targeted_by_label(quiet=True)
    theirs = attack(x, torch.full_like(y, 2))
    mine = PGD(eps=0.1, steps=STEPS, step_size=0.02, random_start=False, target=2)
    agree(model, ours(mine, (model, x, y)), theirs, y)


def test_torchattacks_losses(torchattacks: ModuleType, trained: tuple[Classifier, Tensor, Tensor]) -> None:
    model, x, y = trained
    logits, target = model(x).detach(), (y + 2) % 5
    torch.testing.assert_close(dlr(logits, y), torchattacks.APGD(model).dlr_loss(logits, y))
    theirs = torchattacks.APGDT(model, n_classes=5).dlr_loss_targeted(logits, y, target)
    torch.testing.assert_close(targeted_dlr(logits, y, target), theirs)


@pytest.mark.parametrize("loss", ["ce", "dlr", "targeted"])
@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.07), ("l2", 0.5)])
def test_torchattacks_apgd(
    torchattacks: ModuleType, trained: tuple[Classifier, Tensor, Tensor], loss: str, norm: Norm, eps: float
) -> None:
    """As many images fall, but for one of the 200: starts differ."""
    model, x, y = trained
    same = {"eps": eps, "steps": 30, "norm": {"linf": "Linf", "l2": "L2"}[norm], "n_restarts": 1}
    mine: APGD | APGDT
    if loss == "targeted":
        attack, mine = torchattacks.APGDT(model, n_classes=5, **same), APGDT(eps=eps, steps=30, norm=norm)
    else:
        attack = torchattacks.APGD(model, loss=loss, **same)
        mine = APGD(eps=eps, loss=loss, steps=30, norm=norm)  # type: ignore[arg-type]
    with torch.random.fork_rng():  # the library seeds the global stream
        theirs = attack(x, y)
    points = mine(model, x, y, torch.Generator().manual_seed(0))
    standing = int((model(points).argmax(1) == y).sum())
    assert 10 < standing < len(y) - 10
    assert standing <= int((model(theirs).argmax(1) == y).sum()) + 1
