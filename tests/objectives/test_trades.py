from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from torch import Tensor

from assay.attacks.norms import Norm, lengths
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError
from assay.objectives import Batch, CrossEntropy, Trades
from assay.objectives.trades import Otherwise, divergence
from assay.parts import describe


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch() -> Batch:
    g = generator()
    return Batch(0.2 + 0.6 * torch.rand(6, 1, 12, 12, generator=g), torch.randint(0, 4, (6,), generator=g))


def test_the_divergence_is_scipys_relative_entropy() -> None:
    first, second = (torch.randn(20, 7, dtype=torch.float64, generator=generator(seed)) * 3 for seed in (1, 2))
    expected = entropy(softmax(first.numpy(), axis=1), softmax(second.numpy(), axis=1), axis=1)
    np.testing.assert_allclose(divergence(first, second).numpy(), expected, rtol=1e-10)


def test_the_divergence_of_certainties_is_finite_with_finite_gradients() -> None:
    first = (1000 * torch.eye(3)).requires_grad_()
    second = (1000 * torch.eye(3).flip(0)).requires_grad_()
    value = divergence(first, second)
    torch.testing.assert_close(value.detach(), torch.tensor([1000.0, 0.0, 1000.0]))
    torch.autograd.backward(value.sum())
    assert first.grad is not None
    assert second.grad is not None
    assert bool(torch.cat([first.grad, second.grad]).isfinite().all())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_point_raises_the_divergence_beyond_its_start_and_stays_in_the_ball(small: Classifier, norm: Norm) -> None:
    small.eval()
    x, eps = batch().x, 0.1 if norm == "linf" else 1.0
    clean = small(x)
    start, one, ten = (
        Trades(eps=eps, steps=steps, step_size=size, norm=norm).search(small, x, generator())
        for steps, size in ((1, 0.0), (1, eps / 4), (10, eps / 4))
    )
    seen = [divergence(clean, small(point)) for point in (start, one, ten)]
    assert bool((seen[0] < seen[1]).all())
    assert bool((seen[1] < seen[2]).all())
    assert float((start - x).abs().max()) < 0.01
    for point in (start, one, ten):
        assert float(lengths(point - x, norm).max()) <= eps + 1e-6
        assert float(point.min()) >= 0
        assert float(point.max()) <= 1


def test_between_two_classes_the_search_ends_in_a_corner_of_the_ball(linear: Any) -> None:
    """The divergence grows both ways along w_0 - w_1: a long search ends at x + eps * sign or x - eps * sign."""
    w = torch.randn(2, 144, generator=generator(1)) / 6
    x = batch().x
    point = Trades(eps=0.1, steps=20).search(linear(w), x, generator(3))
    way = (w[0] - w[1]).sign().view(1, 1, 12, 12)
    moved = (point - x) / 0.1
    side = (moved * way).flatten(1).mean(1).sign().view(-1, 1, 1, 1)
    torch.testing.assert_close(moved, side * way.expand_as(moved), rtol=0, atol=1e-5)


def test_it_is_the_clean_loss_plus_the_weighted_divergence(linear: Any) -> None:
    model, (x, y, _) = linear(torch.randn(4, 144, generator=generator(1)) / 12), batch()
    part = Trades(eps=0.1, steps=3, beta=6.0)
    point = part.search(model, x, generator(5))
    found = part(model, Batch(x, y), generator(5))
    clean = CrossEntropy()(model, Batch(x, y), generator()).value
    torch.testing.assert_close(found.value, clean + 6 * divergence(model(x), model(point)).mean())
    torch.testing.assert_close(found.logits, model(x))


def test_both_sides_of_the_divergence_are_learned(linear: Any) -> None:
    """The gradient is that of the formula with the point held fixed, by finite differences."""
    model, (x, y, _) = linear(torch.randn(3, 144, dtype=torch.float64, generator=generator(1)) / 12), batch()
    x, y = x.double(), y % 3
    part = Trades(eps=0.1, steps=2, beta=2.0)
    point = part.search(model, x, generator(5))

    def value(weight: Tensor) -> Tensor:
        logits, other = x.flatten(1) @ weight.T, point.flatten(1) @ weight.T
        p, q = logits.softmax(1), other.softmax(1)
        return -(p[torch.arange(6), y].log()).mean() + 2 * (p * (p / q).log()).sum(1).mean()

    torch.autograd.backward(part(model, Batch(x, y), generator(5)).value)
    for place in ((0, 3), (2, 100)):
        step = torch.zeros(3, 144, dtype=torch.float64)
        step[place] = 1e-5
        expected = (value(model.weight.detach() + step) - value(model.weight.detach() - step)) / 2e-5
        assert float(model.weight.grad[place]) == pytest.approx(float(expected), rel=1e-5)


def test_the_search_leaves_batch_statistics_and_modes_alone(small: Classifier) -> None:
    small.train()
    loss = Trades(eps=0.1, steps=3)(small, batch(), generator())
    assert int(small.body[1].num_batches_tracked) == 2  # type: ignore[index, union-attr]
    assert all(module.training for module in small.modules())
    assert all(weight.grad is None for weight in small.parameters())
    loss.value.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None for weight in small.parameters())


def test_the_goal_of_some_images_is_theirs() -> None:
    logits = torch.randn(5, 3, generator=generator())
    goal, index = Otherwise(logits), torch.tensor([3, 1])
    other = torch.randn(5, 3, generator=generator(1))
    assert torch.equal(goal.take(index).climbed(other[index]), goal.climbed(other)[index])
    assert torch.equal(goal.reached(other), logits.argmax(1) != other.argmax(1))


def test_names_and_refusals(linear: Any) -> None:
    assert describe(Trades(eps=0.3, steps=40, step_size=0.01)) == "trades(eps=0.3, steps=40, step_size=0.01)"
    with pytest.raises(BadValueError, match="trades: beta: expected a number >= 0, got -1"):
        Trades(eps=0.3, steps=40, beta=-1)
    with pytest.raises(BadValueError, match="trades: steps: expected a whole number >= 1, got 0"):
        Trades(eps=0.3, steps=0)
    with pytest.raises(ContractError, match="trades: expected finite gradients"):
        Trades(eps=0.1, steps=2)(linear(torch.full((4, 144), torch.nan)), batch(), generator())
