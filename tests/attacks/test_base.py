from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from assay.architectures.ensemble import Ensemble
from assay.attacks.base import BLOCK, Aim, aim_at, attack_loss, input_gradient, judge
from assay.attacks.fgsm import FGSM
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError


def batch(classes: int = 4) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    return torch.rand(7, 1, 12, 12, generator=g), torch.randint(0, classes, (7,), generator=g)


def weights(classes: int = 4, seed: int = 0) -> Tensor:
    return torch.randn(classes, 144, generator=torch.Generator().manual_seed(seed)) / 12


def test_gradient_of_a_linear_model_is_weight_times_probability_minus_label(linear: Any) -> None:
    (x, y), w = batch(), weights()
    climb = input_gradient(linear(w), x, Aim(y))
    p = (x.flatten(1) @ w.T).softmax(1)
    torch.testing.assert_close(climb.gradient.flatten(1), (p - F.one_hot(y, 4)) @ w)
    torch.testing.assert_close(climb.loss, -p.gather(1, y[:, None])[:, 0].log())
    torch.testing.assert_close(climb.logits, x.flatten(1) @ w.T)


def test_soft_labels_mix_the_losses(linear: Any) -> None:
    (x, y), model = batch(), linear(weights())
    soft = 0.3 * F.one_hot(y, 4) + 0.7 * F.one_hot((y + 1) % 4, 4)
    torch.testing.assert_close(
        attack_loss(model, x, soft), 0.3 * attack_loss(model, x, y) + 0.7 * attack_loss(model, x, (y + 1) % 4)
    )


def test_an_ensemble_averages_its_members_gradients(linear: Any) -> None:
    (x, y), members = batch(), [linear(weights(seed=seed)) for seed in range(3)]
    ensemble = Ensemble(members)
    climb = input_gradient(ensemble, x, Aim(y))
    each = [input_gradient(member, x, Aim(y)) for member in members]
    torch.testing.assert_close(climb.gradient, torch.stack([one.gradient for one in each]).mean(0))
    torch.testing.assert_close(climb.loss, torch.stack([one.loss for one in each]).mean(0))
    torch.testing.assert_close(climb.logits, ensemble(x).detach())


class Backwards(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Which gradients (input, weight, bias) each convolution's backward pass was asked for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.masks: list[list[bool]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution_backward.default:
            self.masks.append(list(args[-1]))
        return func(*args, **(kwargs or {}))


def test_no_weight_gradient_is_computed_or_touched(small: Classifier) -> None:
    x, y = batch()
    for number, weight in enumerate(small.parameters()):
        weight.requires_grad_(number % 2 == 0)
        weight.grad = torch.full_like(weight, 7.0) if number % 2 == 0 else None
    with Backwards() as seen:
        input_gradient(small.eval(), x, Aim(y))
    assert seen.masks == [[True, False, False]]
    for number, weight in enumerate(small.parameters()):
        assert weight.requires_grad == (number % 2 == 0)
        assert (weight.grad is None) if number % 2 else bool((weight.grad == 7).all())  # type: ignore[union-attr]


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_callers_may_have_gradients_off_and_pass_tensors_of_inference_mode(small: Classifier, context: Any) -> None:
    x, y = batch()
    small.eval()
    aim = aim_at("pgd", 1, small, x, y)
    expected = input_gradient(small, x, aim)
    with context():
        there = Aim(aim.labels.clone(), aim.sign.clone() if aim.sign is not None else None)
        copied = x.clone()
        torch.testing.assert_close(input_gradient(small, copied, there).gradient, expected.gradient)
    torch.testing.assert_close(input_gradient(small, copied, there).gradient, expected.gradient)


class Rounded(Classifier):
    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1).detach()

    def head(self, features: Tensor) -> Tensor:
        return features[:, :2]


def test_a_model_without_gradients_is_named() -> None:
    x, y = batch(classes=2)
    with pytest.raises(ContractError, match="expected logits that depend on the image differentiably"):
        input_gradient(Rounded(), x, Aim(y))


def test_aims(linear: Any) -> None:
    x, model = batch()[0], linear(weights())
    logits = model(x).detach()
    least, best = logits.argmin(1), logits.argmax(1)
    away = aim_at("fgsm", None, model, x, best)
    assert away.sign is None
    assert not away.reached(logits).any()
    least_likely = aim_at("fgsm", "least_likely", model, x, best)
    assert torch.equal(least_likely.labels, least)
    assert not least_likely.reached(logits).any()
    assert least_likely.reached(-logits).all()
    assert (least_likely.sign == -1).all()  # type: ignore[union-attr]


def test_an_image_of_the_target_class_is_attacked_away_from_it(linear: Any) -> None:
    (x, y), model = batch(), linear(weights())
    aim = aim_at("fgsm", 2, model, x, y)
    loss, reached = judge(model, x, aim)
    other = y != 2
    torch.testing.assert_close(loss, attack_loss(model, x, torch.full_like(y, 2)) * torch.where(other, -1.0, 1.0))
    predicted = model(x).argmax(1)
    assert torch.equal(reached, torch.where(other, predicted == 2, predicted != 2))
    soft = aim_at("fgsm", 2, model, x, F.one_hot(y, 4).float())
    torch.testing.assert_close(judge(model, x, soft)[0], loss)
    assert torch.equal(judge(model, x, soft)[1], reached)


def test_a_target_outside_the_classes_is_refused(linear: Any) -> None:
    x, y = batch()
    with pytest.raises(BadValueError, match=r"fgsm: target: expected a class in 0\.\.3, got 4"):
        FGSM(eps=0.1, target=4)(linear(weights()), x, y, torch.Generator())
    with pytest.raises(BadValueError, match="fgsm: target: expected a class index, 'least_likely' or None, got 'all'"):
        FGSM(eps=0.1, target="all")


@pytest.mark.parametrize("count", [BLOCK, 2 * BLOCK + 3])
def test_a_batch_of_several_blocks_has_the_gradients_of_its_images(count: int, small: Classifier) -> None:
    g = torch.Generator().manual_seed(5)
    x, y = torch.rand(count, 1, 12, 12, generator=g), torch.randint(0, 4, (count,), generator=g)
    sign = torch.randint(0, 2, (count,), generator=g) * 2.0 - 1
    for model in (small.eval(), Ensemble([small.eval(), small.eval()])):
        whole = input_gradient(model, x, Aim(y, sign))
        for place in (0, BLOCK - 1, count - 1):
            one = input_gradient(model, x[place : place + 1], Aim(y[place : place + 1], sign[place : place + 1]))
            for part, alone in zip(whole, one, strict=True):
                torch.testing.assert_close(part[place : place + 1], alone)


def test_batch_statistics_are_those_of_the_whole_batch_in_training_mode(small: Classifier) -> None:
    x, y = torch.rand(2 * BLOCK, 1, 12, 12), torch.zeros(2 * BLOCK, dtype=torch.int64)
    small.train()
    for module in small.modules():
        if isinstance(module, torch.nn.Dropout):
            module.eval()
    found = input_gradient(small, x, Aim(y)).logits
    torch.testing.assert_close(found, small(x).detach())
