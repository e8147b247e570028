"""N networks of one architecture as one: their weights lie in one tensor each, (N, ...), and one call runs all.

Each call is `torch.func.vmap` of the network over its weights and its images, so that a matrix product of each network
becomes one batched product, and a convolution of each one grouped convolution. Source: Horace He and Richard Zou
(2021), functorch: JAX-like composable function transforms for PyTorch, whose model ensembling this is.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from assay.architectures.thin_convolution import ThinConv2d
from assay.attacks.base import Aim
from assay.classifier import Classifier
from assay.objectives import Batch, Loss, Objective

NOISE = "noise"  # the buffer of a `Dropped`


class Stack:
    """Networks that are run together; the stack holds a copy of their weights.

    Attributes:
        parameters: by name, (N, ...), to be trained.
        buffers: by name, (N, ...).
    """

    def __init__(self, networks: Sequence[Classifier]) -> None:
        """Stack the networks, which are of one architecture and in the same mode."""
        self.parameters, self.buffers = cast(
            "tuple[dict[str, Tensor], dict[str, Tensor]]", stack_module_state(list(networks))
        )
        self._training, self._still = _skeleton(networks[0]).train(), _skeleton(networks[0]).eval()

    def __len__(self) -> int:
        return len(next(iter(self.parameters.values())))

    def first(self, count: int) -> "Stack":
        """The first networks, with the weights of this stack."""
        if count == len(self):
            return self
        fewer = copy.copy(self)
        fewer.parameters = {name: weight[:count] for name, weight in self.parameters.items()}
        fewer.buffers = {name: value[:count] for name, value in self.buffers.items()}
        return fewer

    def take(self, places: Sequence[int]) -> "Stack":
        """The networks at these places, with a copy of their weights."""
        fewer, index = copy.copy(self), list(places)
        fewer.parameters = {name: weight.detach()[index] for name, weight in self.parameters.items()}
        fewer.buffers = {name: value[index] for name, value in self.buffers.items()}
        return fewer

    def features(self, x: Tensor) -> Tensor:
        """Features (N, B, D) in evaluation mode, for images (N, B, C, H, W) of each network's own."""

        def one(state: dict[str, Tensor], x: Tensor) -> Tensor:
            return cast(Tensor, functional_call(_Features(self._still), state, (x,)))

        return vmap(one)({f"network.{name}": value for name, value in self._constant.items()}, x)

    def logits(self, x: Tensor) -> Tensor:
        """Logits (N, B, K) in evaluation mode, for images (N, B, C, H, W) of each network's own."""

        def one(state: dict[str, Tensor], x: Tensor) -> Tensor:
            return cast(Tensor, functional_call(self._still, state, (x,)))

        return vmap(one)(self._constant, x)

    def input_gradient(self, x: Tensor, y: Tensor) -> Tensor:
        """The gradient (N, B, C, H, W) of each image's cross entropy to y, (N, B) or (N, B, K), in evaluation mode."""
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            loss = Aim(y.flatten(0, 1)).climbed(self.logits(leaf).flatten(0, 1))
            return torch.autograd.grad(loss.sum(), leaf)[0]

    def losses(self, objective: Objective, x: Tensor, y: Tensor, noise: Mapping[str, Tensor]) -> Loss:
        """The objective's value (N,) of each network, and the logits (N, B, K), in training mode, with gradients.

        Args:
            objective: one that stacks.
            x: (N, B, C, H, W) in [0, 1].
            y: labels (N, B), or probabilities (N, B, K).
            noise: what each dropout multiplies by, as `Streams.draw` gives it.
        """
        undrawn = torch.Generator()

        def one(state: dict[str, Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            def network(x: Tensor) -> Tensor:
                return cast(Tensor, functional_call(self._training, state, (x,)))

            value, logits = objective(cast(Classifier, network), Batch(x, y), undrawn)
            return value, logits

        return Loss(*vmap(one)({**self.parameters, **self.buffers, **noise}, x, y))

    @property
    def _constant(self) -> dict[str, Tensor]:
        return {**{name: weight.detach() for name, weight in self.parameters.items()}, **self.buffers}

    def give_back(self, networks: Sequence[Classifier]) -> None:
        """Copy the weights into networks of that architecture."""
        state = self._constant
        for place, network in enumerate(networks):
            network.load_state_dict({name: value[place] for name, value in state.items()})


class _Features(nn.Module):
    """A network up to its head."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to features (B, D)."""
        return self.network.features(x)


class Dropped(nn.Module):
    """In the place of `nn.Dropout`: multiplies, in training, by what was drawn before."""

    noise: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer(NOISE, torch.empty(0))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, ...) to the same shape."""
        return x * self.noise if self.training else x


def _skeleton(network: Classifier) -> Classifier:
    """The network's layers without its weights, as vmap can run them."""
    return cast(Classifier, _replaced(copy.deepcopy(network)).to("meta"))


def _replaced(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        if isinstance(child, nn.Dropout):
            setattr(module, name, Dropped())
        elif isinstance(child, ThinConv2d):  # the same values, with a backward pass that vmap cannot see into
            setattr(module, name, _plain(child))
        else:
            _replaced(child)
    return module


def _plain(thin: ThinConv2d) -> nn.Conv2d:
    shape = (thin.in_channels, thin.out_channels, thin.kernel_size, thin.stride, thin.padding, thin.dilation)
    return nn.Conv2d(*shape, bias=thin.bias is not None, device="meta")  # type: ignore[arg-type]
