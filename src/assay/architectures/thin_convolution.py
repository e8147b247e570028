"""A convolution of few channels whose gradient with respect to the image is fast on a CPU.

An attack asks for that gradient at every step, and for one input channel the CPU's convolution library computes it
slowly: much of an attack's time goes there. It is the transpose of the convolution, here taken in two steps: a matrix
product of the weights (C k k, O) with each output pixel's gradient (O), then the sum of the overlapping patches. The
values are those of `nn.Conv2d` to rounding.
"""

from typing import Any

import torch
from torch import Tensor, nn

Pair = tuple[int, ...]  # of rows, of columns


class ThinConv2d(nn.Conv2d):
    """As `nn.Conv2d` in all but speed, without groups and with padding by zeros given in pixels."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 the name is nn.Conv2d's
        """Map (B, C, H, W) to (B, O, H', W')."""
        if not (input.requires_grad and torch.is_grad_enabled() and input.device.type == "cpu"):
            return super().forward(input)
        # The gradients of weight and bias flow through this result, and autograd skips them where nobody asks.
        result = super().forward(input.detach())
        shape = (self.dilation, self.padding, self.stride)
        joined: Tensor = _ToInput.apply(result, input, self.weight, *shape)  # type: ignore[no-untyped-call]
        return joined


class _ToInput(torch.autograd.Function):
    """(result, x, weight) -> result, with the gradient of the convolution of x by weight with respect to x."""

    @staticmethod
    def forward(ctx: Any, result: Tensor, x: Tensor, weight: Tensor, *shape: tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.size, ctx.shape = x.shape[2:], shape
        return result.view_as(result)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient, (weight,) = gradients[0], ctx.saved_tensors
        (batch, _, height, width), (channels, rows, columns) = gradient.shape, weight.shape[1:]
        pixels = gradient.permute(0, 2, 3, 1).flatten(0, 2)  # (B H' W', O)
        patches = (weight.flatten(1).t() @ pixels.t()).view(channels, rows, columns, batch, height, width)
        to_x = _overlapped(patches, ctx.size, *ctx.shape)
        return gradient, to_x.transpose(0, 1), None, None, None, None


def _overlapped(patches: Tensor, size: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Tensor:
    """Sum patches (C, k, k, B, H', W') where they overlap in the image: (C, B, H, W), its columns first, then its rows.

    Shifted sums over whole rows of memory: three times as fast as `fold`, which sums patch by patch.
    """
    channels, rows, columns, *_, height, width = patches.shape
    batch = patches.shape[3]
    (tall, wide), (above, left) = [extent + 2 * pad for extent, pad in zip(size, padding, strict=True)], padding
    lines = patches.new_zeros(channels, rows, batch, height, wide)
    for column in range(columns):
        start = column * dilation[1]
        lines[..., start : start + stride[1] * (width - 1) + 1 : stride[1]] += patches[:, :, column]
    whole = patches.new_zeros(channels, batch, tall, wide)
    for row in range(rows):
        start = row * dilation[0]
        whole[:, :, start : start + stride[0] * (height - 1) + 1 : stride[0]] += lines[:, row]
    return whole[:, :, above : above + size[0], left : left + size[1]]
