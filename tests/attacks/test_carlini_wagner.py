import pytest
import torch
from torch import Tensor

from assay.attacks.carlini_wagner import CarliniWagner
from assay.attacks.deepfool import DeepFool
from assay.attacks.norms import lengths
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import describe


def test_it_comes_as_near_as_deepfool(trained: tuple[Classifier, Tensor, Tensor]) -> None:
    """Within 5 %, with few steps."""
    model, x, y = trained[0], trained[1][:30], trained[2][:30]
    points = CarliniWagner(eps=20, steps=100, searches=6)(model, x, y, torch.Generator())
    assert bool((model(points).argmax(1) != y).all())
    others = DeepFool(eps=20)(model, x, y, torch.Generator())
    assert float(lengths(points - x, "l2").mean()) < 1.05 * float(lengths(others - x, "l2").mean())


def test_black_and_white_pixels_can_move(trained: tuple[Classifier, Tensor, Tensor]) -> None:
    model, x = trained[0], trained[1][:10].round()
    y = model(x).argmax(1)
    points = CarliniWagner(eps=20, steps=100, searches=6)(model, x, y, torch.Generator())
    assert bool((model(points).argmax(1) != y).all())
    assert float(points.min()) >= 0
    assert float(points.max()) <= 1


def test_names_and_refusals() -> None:
    assert describe(CarliniWagner(eps=2, searches=3)) == "carlini_wagner(eps=2, searches=3)"
    assert CarliniWagner(eps=2, steps=3).at(1) == CarliniWagner(eps=1, steps=3)
    with pytest.raises(BadValueError, match="carlini_wagner: searches: expected a whole number >= 1, got 0"):
        CarliniWagner(eps=2, searches=0)
