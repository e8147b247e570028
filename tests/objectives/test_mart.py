import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

from assay.attacks import FGSM
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.objectives import MART, Batch
from assay.objectives.mart import boosted_cross_entropy
from assay.parts import describe


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(classes: int = 4) -> Batch:
    g = generator()
    return Batch(torch.rand(6, 1, 12, 12, generator=g), torch.randint(0, classes, (6,), generator=g))


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_the_papers_formula(linear: Any, classes: int) -> None:
    model = linear(torch.randn(classes, 144, dtype=torch.float64, generator=generator(1)) / 6)
    x, y, _ = batch(classes)
    x = x.double()
    attacked = FGSM(eps=0.1)(model, x, y, generator())
    found = MART(attack=FGSM(eps=0.1), weight=3.0)(model, Batch(x, y), generator())
    clean, other = (softmax(model(points).detach().numpy(), axis=1) for points in (x, attacked))
    rows, labels = np.arange(6), y.numpy()
    wrong = other.copy()
    wrong[rows, labels] = 0
    boosted = -np.log(other[rows, labels]) - np.log(1 - wrong.max(1))
    regulariser = entropy(clean, other, axis=1) * (1 - clean[rows, labels])
    assert float(found.value.detach()) == pytest.approx(float((boosted + 3 * regulariser).mean()), rel=1e-9)
    torch.testing.assert_close(found.logits, model(x))


def test_soft_labels_are_weighed(linear: Any) -> None:
    model = linear(torch.randn(3, 144, dtype=torch.float64, generator=generator(1)) / 6)
    x, soft = batch().x.double(), torch.tensor([[0.7, 0.3, 0.0]] * 6, dtype=torch.float64)
    attacked = FGSM(eps=0.1)(model, x, soft, generator())
    found = MART(attack=FGSM(eps=0.1), weight=3.0)(model, Batch(x, soft), generator()).value
    clean, turned = (model(points).detach().numpy() for points in (x, attacked))
    p, q = softmax(clean, axis=1), softmax(turned, axis=1)
    boosted = -(soft.numpy() * log_softmax(turned, axis=1)).sum(1) - np.log(1 - q[:, 1:].max(1))
    regulariser = entropy(p, q, axis=1) * (1 - 0.7 * p[:, 0] - 0.3 * p[:, 1])
    assert float(found.detach()) == pytest.approx(float((boosted + 3 * regulariser).mean()), rel=1e-9)


def test_certain_errors_cost_much_and_have_finite_gradients() -> None:
    logits = (1000 * torch.eye(3)).requires_grad_()
    value = boosted_cross_entropy(logits, torch.tensor([1, 1, 2]))
    # Only the first is an error: 1000 for its label, 1000 - log 2 for the two classes that share the rest.
    assert float(value.detach()) == pytest.approx((2000 - math.log(2)) / 3)
    value.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


def test_the_attack_meets_evaluation_mode(small: Classifier) -> None:
    small.train()
    MART(attack=FGSM(eps=0.1))(small, batch(), generator())
    assert int(small.body[1].num_batches_tracked) == 2  # type: ignore[index, union-attr]
    assert all(module.training for module in small.modules())


def test_names_and_refusals() -> None:
    assert describe(MART(attack=FGSM(eps=0.3))) == "mart(attack=fgsm(eps=0.3))"
    with pytest.raises(BadValueError, match="mart: attack: expected an attack, got 3"):
        MART(attack=3)  # type: ignore[arg-type]
    with pytest.raises(BadValueError, match="mart: weight: expected a number >= 0, got -1"):
        MART(attack=FGSM(eps=0.3), weight=-1)
