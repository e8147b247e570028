"""What every cell is given, and how it tells of itself while it is computed."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Report = Callable[[float, str], None]  # the fraction done in [0, 1], and a few words
Keep = Callable[[str, bytes], None]  # a finished piece of an evaluation, by name


class Given(NamedTuple):
    """What a cell is given beside the data.

    Attributes:
        weights: the safetensors of the models that it needs, in the order of `cell.models`.
        pieces: what an earlier run has kept of it, by name.
    """

    weights: Sequence[bytes]
    pieces: Mapping[str, bytes]


def forget(name: str, content: bytes) -> None:
    """Keep no piece."""
