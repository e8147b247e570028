"""A convolution of few channels whose gradient with respect to the image is fast on a CPU.

An attack asks for that gradient at every step, and for one input channel the CPU's convolution library computes it
slowly: much of an attack's time goes there. It is the transpose of the convolution, here taken in two steps: a matrix
product of each output pixel's gradient (O) with the weights (O, C k k), then the sum of the overlapping patches. The
values are those of `nn.Conv2d` to rounding.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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
        pixels = gradient.permute(0, 2, 3, 1).flatten(0, 2)
        patches = (pixels @ weight.flatten(1)).view(len(gradient), -1, weight[0].numel()).transpose(1, 2)
        to_x = F.fold(patches, ctx.size, weight.shape[2:], *ctx.shape)
        return gradient, to_x, None, None, None, None
