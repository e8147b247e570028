"""A stack of networks computes what each of them does."""

import copy

import pytest
import torch
from torch import Tensor

from assay.architectures import Architecture, LeNet5, Mixer
from assay.attacks.base import Aim, input_gradient
from assay.classifier import Classifier, wrap
from assay.errors import BadValueError
from assay.fit import build
from assay.objectives import Batch, CrossEntropy
from assay.randomness import derive, global_streams
from assay.recipe import Recipe
from assay.stacks import Stack
from assay.stacks.streams import Streams

SHAPE, CLASSES = (1, 16, 16), 4


def networks(architecture: Architecture, seeds: tuple[int, ...] = (0, 1, 2)) -> list[Classifier]:
    return [build(Recipe(architecture=architecture), SHAPE, CLASSES, seed) for seed in seeds]


def batch(count: int = 3, size: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((count, size, *SHAPE), generator=generator)
    return x, torch.randint(0, CLASSES, (count, size), generator=generator)


@pytest.mark.parametrize("architecture", [LeNet5(), Mixer()], ids=["lenet5", "mixer"])
def test_logits_and_gradients_are_each_networks_own(architecture: Architecture) -> None:
    each, (x, y) = networks(architecture), batch()
    stack = Stack(each)
    assert len(stack) == 3
    logits, gradient = stack.logits(x), stack.input_gradient(x, y)
    for place, network in enumerate(each):
        network.eval()
        assert torch.allclose(logits[place], network(x[place]), atol=1e-6)
        assert torch.allclose(gradient[place], input_gradient(network, x[place], Aim(y[place])).gradient, atol=1e-6)
    assert torch.allclose(stack.first(2).logits(x[:2]), logits[:2], atol=1e-6)
    assert stack.first(3) is stack


def test_soft_labels_give_the_gradient_of_hard_ones() -> None:
    stack, (x, y) = Stack(networks(LeNet5())), batch()
    soft = torch.nn.functional.one_hot(y, CLASSES).float()
    assert torch.allclose(stack.input_gradient(x, y), stack.input_gradient(x, soft), atol=1e-6)


def test_training_steps_meet_the_dropout_that_each_network_would_draw_alone() -> None:
    each, seeds, (x, y) = networks(LeNet5()), (7, 8, 7), batch()
    with global_streams(0, "cpu"):
        streams, stack = Streams(each[0], SHAPE, seeds), Stack(each)
        found = [stack.losses(CrossEntropy(), x, y, streams.draw(5)) for _ in range(2)]
    for place, (network, seed) in enumerate(zip(each, seeds, strict=True)):
        with global_streams(derive(seed, "dropout").initial_seed(), "cpu"):
            for losses in found:
                alone = CrossEntropy()(network, Batch(x[place], y[place]), torch.Generator())
                assert torch.allclose(losses.value[place], alone.value, atol=1e-6)
                assert torch.allclose(losses.logits[place], alone.logits, atol=1e-6)


class Early(torch.nn.Module):
    """Dropout between convolutions, of which there may be a second call."""

    def __init__(self, calls: int = 1) -> None:
        super().__init__()
        self.first, self.drop = torch.nn.Conv2d(1, 3, 3), torch.nn.Dropout()
        self.last, self.calls = torch.nn.Conv2d(3, CLASSES, 14), calls

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for _ in range(self.calls):
            x = self.drop(x)
        logits: Tensor = self.last(x).flatten(1)
        return logits


def test_dropout_of_images_is_drawn_in_their_memory_order() -> None:
    network = wrap(Early(), torch.rand((2, *SHAPE))).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.rand((5, *SHAPE)).to(memory_format=torch.channels_last)
    with global_streams(0, "cpu"):
        streams = Streams(network, SHAPE, (7,))
        (noise,) = streams.draw(5).values()
    found = []
    drop = next(layer for layer in network.modules() if isinstance(layer, torch.nn.Dropout))
    drop.register_forward_hook(lambda _, inputs, output: found.append((inputs[0], output)))
    with global_streams(derive(7, "dropout").initial_seed(), "cpu"):
        network(x)
    ((entered, left),) = found
    assert not entered.is_contiguous(), "the case that this is about"
    assert torch.equal(entered * noise[0], left)


def test_a_layer_that_draws_twice_is_refused() -> None:
    network = wrap(Early(calls=2), torch.rand((2, *SHAPE))).train()
    with pytest.raises(BadValueError, match="draws more than once"):
        Streams(network, SHAPE, (7,))


def test_noise_is_of_the_layers_probability_and_mean_one() -> None:
    with global_streams(0, "cpu"):
        drawn = Streams(networks(LeNet5())[0], SHAPE, (0, 1)).draw(2000)
    assert [tuple(noise.shape[:2]) for noise in drawn.values()] == [(2, 2000)] * 2
    for noise in drawn.values():
        assert set(noise.flatten().tolist()) == {0.0, 2.0}
        assert noise.mean().item() == pytest.approx(1, abs=0.01)
        assert not torch.equal(noise[0], noise[1])


def test_a_network_without_dropout_draws_nothing() -> None:
    with global_streams(0, "cpu"):
        before = torch.get_rng_state()
        streams = Streams(networks(Mixer())[0], SHAPE, ())
        assert streams.draw(4) == {}
        assert torch.equal(torch.get_rng_state(), before)


def test_weights_are_a_copy_and_can_be_given_back() -> None:
    each = networks(LeNet5())
    stack, before = Stack(each), [copy.deepcopy(network.state_dict()) for network in each]
    with torch.no_grad():
        for weight in stack.parameters.values():
            weight += 1
    for network, old in zip(each, before, strict=True):
        assert all(torch.equal(value, old[name]) for name, value in network.state_dict().items())
    stack.give_back(each)
    for network, old in zip(each, before, strict=True):
        assert all(torch.equal(weight, old[name] + 1) for name, weight in network.named_parameters())
        assert all(torch.equal(value, old[name]) for name, value in network.named_buffers())
