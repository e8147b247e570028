"""Dropout of a stack: what each network's layers would have drawn, had it been trained alone.

`nn.Dropout` draws from the device's global stream. Here each seed has a copy of the stream that `fit` would have seeded
for it; before a step the copies are put in its place one by one, and each layer's dropout of ones is drawn: 0 with
probability p, else 1 / (1 - p).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assay.classifier import Classifier, device_of
from assay.errors import BadValueError
from assay.randomness import derive
from assay.stacks.networks import NOISE


class Site(NamedTuple):
    """A dropout layer: its name, its probability, and what entered it of a batch of one image."""

    name: str
    p: float
    entered: Tensor


class Streams:
    """The dropout of networks with these seeds. To be used inside `global_streams`, which puts the stream back."""

    def __init__(self, network: Classifier, shape: tuple[int, int, int], seeds: Sequence[int]) -> None:
        """Find the dropout layers of a network for images (C, H, W), in the order in which they draw.

        Raises:
            BadValueError: one layer draws several times.
        """
        device = device_of(network)
        self.sites, self.seeds = _sites(network, torch.zeros((1, *shape), device=device)), tuple(seeds)
        names = [site.name for site in self.sites]
        for name in names:
            if names.count(name) > 1:
                raise BadValueError(f"{name}: draws more than once; give each dropout a layer of its own to stack")
        self.stream = _global(device)
        self.states = {seed: self._fresh(seed) for seed in seeds}

    def _fresh(self, seed: int) -> Tensor:
        self.stream.manual_seed(derive(seed, "dropout").initial_seed())
        return self.stream.get_state()

    def draw(self, batch: int) -> dict[str, Tensor]:
        """What each layer multiplies by in the next step, (N, batch, ...), by the name of the buffer that takes it."""
        if not self.sites:
            return {}
        drawn = {seed: self._draw(seed, batch) for seed in self.states}
        return {
            f"{site.name}.{NOISE}": torch.stack([drawn[seed][place] for seed in self.seeds])
            for place, site in enumerate(self.sites)
        }

    def _draw(self, seed: int, batch: int) -> list[Tensor]:
        self.stream.set_state(self.states[seed])
        noise = [F.dropout(_ones(site.entered, batch), site.p) for site in self.sites]
        self.states[seed] = self.stream.get_state()
        return noise


def _ones(entered: Tensor, batch: int) -> Tensor:
    """Ones for a batch, in memory as what entered is: dropout draws in that order."""
    ones = entered.new_ones(batch, *entered.shape[1:])
    last = entered.ndim == 4 and not entered.is_contiguous()
    return ones.contiguous(memory_format=torch.channels_last) if last else ones


def _global(device: torch.device) -> torch.Generator:
    """The stream that a device's dropout draws from."""
    if device.type != "cuda":
        return torch.default_generator
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]


def _sites(network: Classifier, x: Tensor) -> list[Site]:
    sites: list[Site] = []
    hooks = [
        module.register_forward_pre_hook(
            lambda layer, inputs, name=name: sites.append(Site(name, layer.p, inputs[0].detach()))
        )
        for name, module in network.named_modules()
        if isinstance(module, nn.Dropout)
    ]
    try:
        with torch.no_grad():
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return sites
