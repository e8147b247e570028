"""The vision transformer against PyTorch's own encoder layers, and patches against a strided convolution."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assay.architectures import ViT
from assay.architectures.patches import Patches, Skip
from assay.architectures.vit import HEADS, LAYERS, WIDTH, Attention


def test_weights_counted_by_hand() -> None:
    """Patches 16 * 64 + 64, token 64, positions 50 * 64; a layer: two norms of 128, attention 64 * 192 + 192 and
    64 * 64 + 64, MLP 64 * 256 + 256 and 256 * 64 + 64; the last norm 128, and the head 64 * 10 + 10.
    """
    layer = 2 * 128 + 12_480 + 4_160 + 16_640 + 16_448
    expected = 1_088 + 64 + 3_200 + 5 * layer + 128 + 650
    assert sum(weight.numel() for weight in ViT().build((1, 28, 28), 10).parameters()) == expected == 255_050


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 18, 23), (2, 5, 4)])
def test_patches_are_a_convolution_of_their_own_stride_over_the_padded_image(shape: tuple[int, int, int]) -> None:
    patches = Patches(shape, 6)
    x = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    (left, right, above, below), (_, height, width) = patches.margins, shape
    assert 0 <= left + right < 4
    assert right - left in (0, 1)
    assert below - above in (0, 1)
    padded = torch.zeros(2, shape[0], height + above + below, width + left + right)
    padded[:, :, above : above + height, left : left + width] = x
    weight = patches.project.weight.view(6, shape[0], 4, 4)
    expected = F.conv2d(padded, weight, patches.project.bias, stride=4).flatten(2).transpose(1, 2)
    assert patches(x).shape[1] == patches.count
    torch.testing.assert_close(patches(x), expected)


def reference(model: Any) -> nn.TransformerEncoder:
    """PyTorch's encoder with the model's weights."""
    layer = nn.TransformerEncoderLayer(
        WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    encoder = nn.TransformerEncoder(layer, LAYERS, norm=nn.LayerNorm(WIDTH), enable_nested_tensor=False).double()
    skips: list[Any] = [module for module in model.body if isinstance(module, Skip)]
    layers: Any = encoder.layers
    for theirs, looks, thinks in zip(layers, skips[::2], skips[1::2], strict=True):
        ours = looks.inner
        assert isinstance(ours, Attention)
        state = {
            "self_attn.in_proj_weight": ours.ask.weight,
            "self_attn.in_proj_bias": ours.ask.bias,
            "self_attn.out_proj.weight": ours.merge.weight,
            "self_attn.out_proj.bias": ours.merge.bias,
            "norm1.weight": looks.norm.weight,
            "norm1.bias": looks.norm.bias,
            "norm2.weight": thinks.norm.weight,
            "norm2.bias": thinks.norm.bias,
            "linear1.weight": thinks.inner[0].weight,
            "linear1.bias": thinks.inner[0].bias,
            "linear2.weight": thinks.inner[2].weight,
            "linear2.bias": thinks.inner[2].bias,
        }
        theirs.load_state_dict(state)
    assert encoder.norm is not None
    encoder.norm.load_state_dict(model.body[-1].state_dict())
    return encoder


def test_it_is_pytorchs_encoder_over_patches_with_a_class_token() -> None:
    model: Any = ViT().build((3, 18, 23), 5).double().eval()
    g = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():  # norms away from 1 and 0, a class token away from 0
            weight += 0.1 * torch.randn(weight.shape, dtype=torch.float64, generator=g)
    x = torch.rand(4, 3, 18, 23, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model.normalise.fit((x * 255).round().to(torch.uint8))
    tokens = model.body[0]((x - model.normalise.mean) / model.normalise.std)
    placed = torch.cat((model.body[1].token.expand(4, 1, WIDTH), tokens), 1) + model.body[1].position
    expected = reference(model).eval()(placed)[:, 0]
    torch.testing.assert_close(model.features(x), expected)
    torch.testing.assert_close(model(x), F.linear(expected, model.last.weight, model.last.bias))


def test_positions_tell_where_a_patch_lies() -> None:
    model: Any = ViT().build((1, 16, 16), 3).eval()
    x = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    moved = x.roll(4, 3)  # the same patches elsewhere
    assert not torch.allclose(model(x), model(moved), atol=1e-5)
    model.body[1].position.data.zero_()
    torch.testing.assert_close(model(x), model(moved), rtol=1e-4, atol=1e-5)
