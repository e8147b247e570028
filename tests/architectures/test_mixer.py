"""The mixer against the same function written with einsum."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from assay.architectures import Mixer
from assay.architectures.patches import Skip


def test_weights_counted_by_hand() -> None:
    """Patches 16 * 64 + 64; a layer: two norms of 128, tokens 49 * 32 + 32 and 32 * 49 + 49, channels 64 * 256 + 256
    and 256 * 64 + 64; the last norm 128, and the head 64 * 10 + 10.
    """
    layer = 2 * 128 + 1_600 + 1_617 + 16_640 + 16_448
    expected = 1_088 + 7 * layer + 128 + 650
    assert sum(weight.numel() for weight in Mixer().build((1, 28, 28), 10).parameters()) == expected == 257_793


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def test_it_mixes_tokens_and_channels_in_turn() -> None:
    model: Any = Mixer().build((3, 18, 23), 5).double().eval()
    x = torch.rand(4, 3, 18, 23, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model.normalise.fit((x * 255).round().to(torch.uint8))
    h: Tensor = model.body[0]((x - model.normalise.mean) / model.normalise.std)  # (B, tokens, channels)
    skips: list[Any] = [module for module in model.body if isinstance(module, Skip)]
    for across, along in zip(skips[::2], skips[1::2], strict=True):
        one, two = across.inner.mix[0], across.inner.mix[2]
        z = F.layer_norm(h, (64,), across.norm.weight, across.norm.bias)
        z = gelu(torch.einsum("btd,ht->bhd", z, one.weight) + one.bias[None, :, None])
        h = h + torch.einsum("bhd,th->btd", z, two.weight) + two.bias[None, :, None]
        one, two = along.inner[0], along.inner[2]
        z = F.layer_norm(h, (64,), along.norm.weight, along.norm.bias)
        z = gelu(torch.einsum("btd,hd->bth", z, one.weight) + one.bias)
        h = h + torch.einsum("bth,dh->btd", z, two.weight) + two.bias
    features = F.layer_norm(h, (64,), model.body[-2].weight, model.body[-2].bias).mean(1)
    torch.testing.assert_close(model.features(x), features)
    torch.testing.assert_close(model(x), F.linear(features, model.last.weight, model.last.bias))
