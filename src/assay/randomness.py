"""Randomness: every draw comes from a generator derived from a seed and names, on the CPU.

One seed and one list of names give one stream, whatever ran before, in which process, and on which device: numbers are
drawn on the CPU and moved.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def derive(seed: int, *names: object) -> torch.Generator:
    """Return a CPU generator for (seed, names): independent streams for different names.

    The seed is 63 bits of SHA-256 over the length-prefixed texts, so ("a", "bc") and ("ab", "c") differ. PyTorch's
    generator on the CPU starts from the lowest 32 of them: two lists of names share a stream with probability 2^-32.
    """
    digest = hashlib.sha256()
    for item in (seed, *names):
        text = str(item).encode()
        digest.update(len(text).to_bytes(8, "little") + text)
    return torch.Generator().manual_seed(int.from_bytes(digest.digest()[:8], "little") >> 1)


@contextmanager
def global_streams(seed: int, device: str | torch.device) -> Iterator[None]:
    """Seed the global streams of the CPU and of the device inside, and put them back; no other stream is touched.

    For what draws from them whatever is asked, such as initialisation, dropout, and models whose output is random.
    """
    cuda = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        for one in cuda:
            with torch.cuda.device(one):
                torch.cuda.manual_seed(seed)
        yield


def uniform(shape: tuple[int, ...] | torch.Size, generator: torch.Generator, *, like: Tensor) -> Tensor:
    """Draw U[0, 1) of `shape` in float32 on the CPU, then move it to the device and dtype of `like`."""
    return torch.rand(shape, generator=generator).to(like)


def normal(shape: tuple[int, ...] | torch.Size, generator: torch.Generator, *, like: Tensor) -> Tensor:
    """Draw N(0, 1) of `shape` in float32 on the CPU, then move it to the device and dtype of `like`."""
    return torch.randn(shape, generator=generator).to(like)


def integers(
    low: int, high: int, shape: tuple[int, ...] | torch.Size, generator: torch.Generator, *, like: Tensor
) -> Tensor:
    """Draw int64 numbers, uniform on {low, ..., high - 1}, on the CPU; then move them to the device of `like`."""
    return torch.randint(low, high, shape, generator=generator).to(like.device)
