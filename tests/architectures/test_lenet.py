"""LeNet-5 and its large form."""

import pytest
import torch
from torch.nn import functional as F

from assay.architectures import Architecture, LeNet5, LeNet5Large
from assay.architectures.base import Network, Normalise
from assay.errors import BadValueError


def weights(model: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def test_sizes() -> None:
    """Counted by hand: 32 * 25 + 32, 64 * 32 * 25 + 64, 1024 * 200 + 200 and 200 * 10 + 10."""
    small, large = LeNet5().build((1, 28, 28), 10), LeNet5Large().build((1, 28, 28), 10)
    assert weights(small) == 832 + 51_264 + 205_000 + 2_010 == 259_106
    assert 18 < weights(large) / weights(small) < 22


@pytest.mark.parametrize("architecture", [LeNet5(), LeNet5Large()])
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 17, 24), (1, 28, 28), (3, 32, 32)])
def test_shapes(architecture: Architecture, shape: tuple[int, int, int]) -> None:
    model = architecture.build(shape, 7).eval()
    out = model.outputs(torch.rand(3, *shape))
    assert out.logits.shape == (3, 7)
    assert out.features.shape == (3, 200 if isinstance(architecture, LeNet5) else 1400)
    assert torch.equal(model.head(out.features), out.logits)


@pytest.mark.parametrize("architecture", [LeNet5(), LeNet5Large()])
@pytest.mark.parametrize("shape", [(1, 15, 16), (1, 16, 15), (1, 3, 3)])
def test_images_that_are_too_small_are_refused(architecture: Architecture, shape: tuple[int, int, int]) -> None:
    with pytest.raises(BadValueError, match=f"images of {shape[1]} x {shape[2]} pixels are too small"):
        architecture.build(shape, 10)


def test_lenet_is_convolution_pooling_and_relu_twice_then_two_linear_layers() -> None:
    """Against the same function written with torch.nn.functional, ReLU before pooling as in the paper's order."""
    model = LeNet5().build((1, 20, 20), 4).eval()
    x = torch.rand(5, 1, 20, 20)
    model.normalise.fit((x * 255).round().to(torch.uint8))
    conv1, conv2, hidden = (layer for layer in model.body if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear))
    h = (x - model.normalise.mean) / model.normalise.std
    for conv in (conv1, conv2):
        h = F.max_pool2d(F.relu(F.conv2d(h, conv.weight, conv.bias)), 2)
    features = F.relu(F.linear(h.flatten(1), hidden.weight, hidden.bias))
    logits = F.linear(features, model.last.weight, model.last.bias)
    torch.testing.assert_close(model(x), logits)
    torch.testing.assert_close(model.features(x), features)


def test_linear_head_gives_the_logits() -> None:
    model = LeNet5().build((1, 16, 16), 3).eval()
    out = model.outputs(torch.rand(4, 1, 16, 16))
    weight, bias = model.linear_head
    torch.testing.assert_close(out.features @ weight.T + bias, out.logits)


def test_building_depends_on_the_global_stream_alone() -> None:
    with torch.random.fork_rng():
        built: list[Network] = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            built.append(LeNet5().build((1, 16, 16), 3))
    one, same, other = (model.last.weight for model in built)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_normalisation_takes_mean_and_deviation_per_channel() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (50, 3, 8, 8), generator=generator).to(torch.uint8)
    x[:, 1] //= 4
    layer = Normalise(3)
    assert torch.equal(layer(torch.ones(1, 3, 2, 2)), torch.ones(1, 3, 2, 2))
    layer.fit(x)
    unit = x.double() / 255
    torch.testing.assert_close(layer.mean.flatten().double(), unit.mean((0, 2, 3)), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(layer.std.flatten().double(), unit.std((0, 2, 3), correction=0), rtol=1e-6, atol=1e-7)
    normal = layer(unit.float())
    torch.testing.assert_close(normal.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(normal.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)


def test_a_constant_channel_stays_finite() -> None:
    layer = Normalise(1)
    layer.fit(torch.full((4, 1, 2, 2), 51, dtype=torch.uint8))
    assert torch.equal(layer(torch.full((1, 1, 2, 2), 0.2)), torch.zeros(1, 1, 2, 2))


def test_normalisation_is_kept_with_the_weights() -> None:
    model = LeNet5().build((1, 16, 16), 3).eval()
    model.normalise.fit(torch.arange(256).to(torch.uint8).view(1, 1, 16, 16))
    other = LeNet5().build((1, 16, 16), 3).eval()
    other.load_state_dict(model.state_dict())
    x = torch.rand(2, 1, 16, 16)
    assert torch.equal(model(x), other(x))
