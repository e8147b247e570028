import math

import pytest
import torch
from torch import Tensor

from assay.attacks import PGD, Counted
from assay.attacks.headroom import hopeless
from assay.attacks.norms import Norm
from assay.classifier import Classifier
from assay.errors import BadValueError
from tests.conftest import MakeLinear


def linear_rise(gradient: Tensor, point: Tensor, x: Tensor, eps: float) -> float:
    """The largest g . (x' - point) of one image's linf ball within [0, 1], coordinate by coordinate."""
    total = 0.0
    for g, p, origin in zip(gradient.flatten().tolist(), point.flatten().tolist(), x.flatten().tolist(), strict=True):
        ends = (max(origin - eps, 0.0), min(origin + eps, 1.0))
        total += max(g * (end - p) for end in ends)
    return total


def test_an_image_is_left_where_the_largest_linear_rise_is_too_small() -> None:
    g = torch.Generator().manual_seed(0)
    x = torch.rand(40, 1, 3, 3, generator=g, dtype=torch.float64)
    gradient = torch.randn(x.shape, generator=g, dtype=torch.float64) * 0.01
    eps = 0.2
    point = (x + (torch.rand(x.shape, generator=g, dtype=torch.float64) * 2 - 1) * eps).clamp(0, 1)
    loss = torch.rand(40, generator=g, dtype=torch.float64) * 0.2 + 1e-3
    found = hopeless(loss, gradient, point, x, eps, "linf", 2.0)
    for i in range(40):
        rise = linear_rise(gradient[i], point[i], x[i], eps)
        assert bool(found[i]) == (2 * rise / float(loss[i]) < math.log(math.log(2)) - math.log(float(loss[i])))
    assert 0 < int(found.sum()) < 40


def test_in_l2_the_rise_is_that_of_the_ball() -> None:
    x, point = torch.zeros(1, 1, 1, 2), torch.tensor([[[[0.0, 0.5]]]])
    gradient = torch.tensor([[[[0.3, 0.4]]]])  # of length 0.5: from 0.5 along the second pixel, 1 * 0.5 - 0.5 * 0.4
    loss = torch.tensor([0.2])
    needed = (math.log(math.log(2)) - math.log(0.2)) * 0.2 / 0.3
    assert bool(hopeless(loss, gradient, point, x, 1.0, "l2", needed * 0.99))
    assert not bool(hopeless(loss, gradient, point, x, 1.0, "l2", needed * 1.01))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_linear_model_loses_nothing_and_costs_less(linear: MakeLinear, norm: Norm) -> None:
    """Every image that can be fooled is, and gradients are saved on the others."""
    g = torch.Generator().manual_seed(1)
    weight = torch.randn(3, 16, generator=g, dtype=torch.float64) * 4
    x = torch.rand(200, 1, 4, 4, generator=g, dtype=torch.float64)
    y = (x.flatten(1) @ weight.T).argmax(1)
    eps = 0.05 if norm == "linf" else 0.15
    plain = PGD(eps=eps, steps=40, norm=norm, early_stop=True)
    spared = PGD(eps=eps, steps=40, norm=norm, early_stop=True, headroom=3)
    models = [Counted(linear(weight)) for _ in range(2)]
    fooled = [
        model(attack(model, x, y, torch.Generator().manual_seed(2))).argmax(1) != y
        for model, attack in zip(models, (plain, spared), strict=True)
    ]
    assert torch.equal(*fooled)
    assert 0 < int(fooled[0].sum()) < 200
    assert models[1].differentiated < 0.8 * models[0].differentiated


class Shifted(Classifier):
    """Logits of two classes, 100 (mean of the pixels - 0.1) and its opposite."""

    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return 200 * (x.flatten(1).mean(1, keepdim=True) - 0.1)

    def head(self, features: Tensor) -> Tensor:
        return torch.cat([features, -features], dim=1) / 2


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_loss_that_float32_has_rounded_away_leaves_no_image(norm: Norm) -> None:
    """Gaps of 20 to 80 between the logits: the cross entropy is 0 or next to it, and every ball holds a way out."""
    model = Shifted()
    x = torch.linspace(0.2, 0.5, 40)[:, None, None, None].expand(40, 1, 4, 4).contiguous()
    y = torch.zeros(40, dtype=torch.int64)
    assert float((model(x)[:, 0] - model(x)[:, 1]).max()) == pytest.approx(80)
    assert float(torch.nn.functional.cross_entropy(model(x), y, reduction="none").min()) == 0
    eps = 0.6 if norm == "linf" else 2.4
    for headroom in (None, 2.0):
        attack = PGD(eps=eps, steps=20, norm=norm, early_stop=True, headroom=headroom, random_start=False)
        left = model(attack(model, x, y, torch.Generator())).argmax(1) == y
        assert int(left.sum()) == 0, headroom


@pytest.mark.parametrize("fields", [{"early_stop": False}, {"target": 1}, {"headroom": 0.5}])
def test_what_does_not_fit_is_refused(fields: dict[str, object]) -> None:
    given = {"eps": 0.1, "steps": 5, "early_stop": True, "headroom": 3.0, **fields}
    with pytest.raises(BadValueError, match="headroom"):
        PGD(**given)  # type: ignore[arg-type]
