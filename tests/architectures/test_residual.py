"""The residual network against the same function written with torch.nn.functional."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assay.architectures import Residual
from assay.architectures.residual import Block


def test_weights_counted_by_hand() -> None:
    """Convolutions 3 * 3 * I * O without bias: 1 -> 16, six 16 -> 16, 16 -> 32, five 32 -> 32, 32 -> 64, five 64 -> 64;
    norms of 2 a map; the head 64 * 10 + 10.
    """
    convolutions = 9 * (16 + 6 * 256 + 512 + 5 * 1_024 + 2_048 + 5 * 4_096)
    norms = 2 * (7 * 16 + 6 * 32 + 6 * 64)
    expected = convolutions + norms + 650
    assert sum(weight.numel() for weight in Residual().build((1, 28, 28), 10).parameters()) == expected == 269_434


def group_norm(x: Tensor, layer: nn.GroupNorm) -> Tensor:
    """Group normalisation from its definition, in groups of 8 maps."""
    batch, maps, *size = x.shape
    groups = x.reshape(batch, maps // 8, 8, *size)
    mean, variance = groups.mean((2, 3, 4), keepdim=True), groups.var((2, 3, 4), keepdim=True, correction=0)
    normal: Tensor = ((groups - mean) / (variance + layer.eps).sqrt()).flatten(1, 2)
    return normal * layer.weight[:, None, None] + layer.bias[:, None, None]


def test_it_is_norm_relu_and_convolution_twice_beside_a_shortcut_without_weights() -> None:
    model: Any = Residual().build((3, 19, 22), 5).double().eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.GroupNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
    x = torch.rand(4, 3, 19, 22, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model.normalise.fit((x * 255).round().to(torch.uint8))
    h: Tensor = F.conv2d((x - model.normalise.mean) / model.normalise.std, model.body[0].weight, stride=2, padding=1)
    blocks: list[Any] = [module for module in model.body if isinstance(module, Block)]
    assert len(blocks) == 9
    for number, block in enumerate(blocks):
        norm1, _, conv1, norm2, _, conv2 = block.inner
        stride = 2 if number in (3, 6) else 1
        z = F.conv2d(F.relu(group_norm(h, norm1)), conv1.weight, stride=stride, padding=1)
        z = F.conv2d(F.relu(group_norm(z, norm2)), conv2.weight, padding=1)
        past = torch.zeros_like(z)
        past[:, : h.shape[1]] = h[:, :, ::stride, ::stride]
        h = past + z
    features = F.relu(group_norm(h, model.body[-4])).mean((2, 3))
    torch.testing.assert_close(model.features(x), features)
    torch.testing.assert_close(model(x), F.linear(features, model.last.weight, model.last.bias))


def test_kernels_start_with_a_variance_of_two_over_the_fan_in() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Residual().build((1, 28, 28), 10)
    last = [module for module in model.modules() if isinstance(module, nn.Conv2d)][-1]
    assert abs(float(last.weight.detach().std()) * (9 * 64 / 2) ** 0.5 - 1) < 0.02
