from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from assay.architectures.thin_convolution import ThinConv2d


@pytest.mark.parametrize(
    "settings", [{}, {"padding": 2}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"bias": False}]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_values_and_gradients_are_those_of_a_convolution(settings: dict[str, Any], channels: int) -> None:
    thin = ThinConv2d(channels, 4, 3, **settings).double()
    plain = nn.Conv2d(channels, 4, 3, **settings).double()
    plain.load_state_dict(thin.state_dict())
    g = torch.Generator().manual_seed(0)
    x = torch.rand(2, channels, 9, 8, generator=g, dtype=torch.float64, requires_grad=True)
    pull = torch.rand(plain(x).shape, generator=g, dtype=torch.float64)
    torch.testing.assert_close(thin(x), plain(x))
    found = torch.autograd.grad((thin(x).sin() * pull).sum(), [x, *thin.parameters()])
    torch.testing.assert_close(found, torch.autograd.grad((plain(x).sin() * pull).sum(), [x, *plain.parameters()]))


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def test_an_attacks_gradient_computes_no_weight_gradient() -> None:
    thin, x = ThinConv2d(1, 4, 3), torch.rand(2, 1, 9, 8, requires_grad=True)
    total = thin(x).sum()
    with Operations() as seen:
        torch.autograd.grad(total, x)
    assert "aten.mm.default" in seen.names
    assert "aten.convolution_backward.default" not in seen.names
