"""Square, FAB, DeepFool, Carlini and Wagner's attack and MIM against torchattacks: ours are as strong or stronger.

MIM and DeepFool draw nothing and follow the same rule, so their points are compared. FAB follows the same rule, but
sums in another order, by which a search may turn to another boundary: distances are compared. Square draws other
squares, and their C&W has no search over c: robust accuracy, and distances.
"""

import warnings
from types import ModuleType

import pytest
import torch
from torch import Tensor

from assay.attacks.carlini_wagner import CarliniWagner
from assay.attacks.deepfool import DeepFool
from assay.attacks.fab import FAB
from assay.attacks.mim import MIM
from assay.attacks.norms import Norm, lengths
from assay.attacks.square import Square
from assay.classifier import Classifier

pytestmark = pytest.mark.oracle

Scene = tuple[Classifier, Tensor, Tensor]


@pytest.fixture(scope="module")
def torchattacks() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: ModuleType = pytest.importorskip(
            "torchattacks", reason="torchattacks is not installed; make test-oracles installs it"
        )
    return module


@pytest.fixture
def scene(trained: Scene) -> Scene:
    """A trained network, and images that it gets right."""
    model, x, y = trained
    right = model(x).argmax(1) == y
    return model, x[right][:60], y[right][:60]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def accuracy(scene: Scene, points: Tensor) -> float:
    return float((scene[0](points).argmax(1) == scene[2]).float().mean())


def test_square_is_as_strong(torchattacks: ModuleType, scene: Scene) -> None:
    """In "linf" alone: their "l2" fails on images as small as these, whose tiles have two pixels a side."""
    theirs = torchattacks.Square(scene[0], norm="Linf", eps=0.08, n_queries=300)(*scene[1:])
    mine = Square(eps=0.08, queries=300)(*scene, generator())
    assert 0 < accuracy(scene, mine) <= accuracy(scene, theirs) + 0.05  # three images: the draws differ


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_fab_comes_as_near(torchattacks: ModuleType, scene: Scene, norm: Norm) -> None:
    model, x, y = scene
    theirs = torchattacks.FAB(model, norm=norm.capitalize(), eps=10, steps=15, n_classes=5)(x, y)
    mine = FAB(eps=10, steps=15, norm=norm)(model, x, y, generator())
    assert accuracy(scene, mine) == accuracy(scene, theirs) == 0
    near, far = lengths(mine - x, norm), lengths(theirs - x, norm)
    assert float((near <= 1.001 * far).float().mean()) > 0.95
    assert float(near.mean()) <= 1.002 * float(far.mean())


def test_deepfool_finds_the_same_points(torchattacks: ModuleType, scene: Scene) -> None:
    """In images whose first step is enough; then ours overshoots the whole change, theirs each step."""
    model, x, y = scene
    theirs = torchattacks.DeepFool(model)(x, y)
    mine = DeepFool(eps=10)(model, x, y, generator())
    assert accuracy(scene, mine) == 0
    wrong = model(theirs).argmax(1) != y
    near, far = lengths(mine - x, "l2")[wrong], lengths(theirs - x, "l2")[wrong]
    assert float(near.mean()) <= 1.02 * float(far.mean())
    same = (mine - theirs).abs().flatten(1).amax(1) < 1e-4
    assert int(same.sum()) > 5


def test_carlini_and_wagner_comes_nearer(torchattacks: ModuleType, scene: Scene) -> None:
    model, x, y = scene
    theirs = torchattacks.CW(model, c=1, steps=100)(x, y)
    mine = CarliniWagner(eps=10, steps=100, searches=6)(model, x, y, generator())
    assert accuracy(scene, mine) == 0
    wrong = model(theirs).argmax(1) != y
    assert int(wrong.sum()) > 10
    near, far = lengths(mine - x, "l2")[wrong], lengths(theirs - x, "l2")[wrong]
    assert float(near.mean()) <= 1.02 * float(far.mean())


def test_mim_finds_the_same_points(torchattacks: ModuleType, scene: Scene) -> None:
    model, x, y = scene
    theirs = torchattacks.MIFGSM(model, eps=0.05, alpha=0.005, steps=10, decay=0.9)(x, y)
    mine = MIM(eps=0.05, steps=10, decay=0.9)(model, x, y, generator())
    assert 0 < accuracy(scene, mine) < 1
    assert accuracy(scene, mine) == accuracy(scene, theirs)
    assert float(((mine - theirs).abs() > 1e-5).float().mean()) < 1e-3
