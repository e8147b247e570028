"""What the files of cells hold, as bytes: safetensors and JSON alone, so that nothing that is read can run code."""

import contextlib
import json
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from assay.errors import StoreError
from assay.evaluations.base import Observations

NOTES = "notes"


def pack(observations: Observations) -> bytes:
    """Observations as safetensors; their notes are its metadata."""
    return save_tensors(_separate(observations.tensors), metadata={NOTES: json.dumps(observations.notes)})


def unpack(content: bytes) -> Observations:
    """The reverse of `pack`.

    Raises:
        StoreError: the content is no such file.
    """
    tensors = _load(content, "observations")
    try:
        size = int.from_bytes(content[:8], "little")  # the header's, which `_load` has checked
        notes = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][NOTES])
    except (ValueError, KeyError, RecursionError) as error:
        raise StoreError("observations: the notes cannot be read; delete them and run again") from error
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise StoreError("observations: expected notes by name; delete them and run again")
    return Observations(tensors=tensors, notes=notes)


def pack_weights(state: Mapping[str, Tensor]) -> bytes:
    """A model's state as safetensors."""
    return save_tensors(_separate(state))


def unpack_weights(content: bytes) -> dict[str, Tensor]:
    """The reverse of `pack_weights`.

    Raises:
        StoreError: the content is no such file.
    """
    return _load(content, "weights")


def unpack_arrays(content: bytes) -> dict[str, NDArray[np.float32]]:
    """As `unpack_weights`, of float32 alone and in their own order, as views of the content: a tenth of the time.

    Raises:
        StoreError: the content is no such file, or holds tensors of another type.
    """
    with _refused("arrays"):
        size = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:size])
        numbers = np.frombuffer(content, dtype="<f4", offset=size)
        return {name: _view(numbers, **entry) for name, entry in header.items() if name != "__metadata__"}


def _view(numbers: NDArray[np.float32], dtype: str, shape: list[int], data_offsets: list[int]) -> NDArray[np.float32]:
    """The tensor of one entry in a header of safetensors."""
    if dtype != "F32":
        raise ValueError(f"expected float32, got {dtype}")
    start, end = data_offsets
    return numbers[start // 4 : end // 4].reshape(shape)  # which fails where the shape does not fit


def _separate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU: safetensors refuses tensors that share memory, as views and tied weights do."""
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }


def _load(content: bytes, what: str) -> dict[str, Tensor]:
    with _refused(what):
        return dict(sorted(load_tensors(content).items()))  # which comes in another order every time


@contextlib.contextmanager
def _refused(what: str) -> Iterator[None]:
    """Say what a content that is no safetensors file was for."""
    try:
        yield
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # KeyError: a type that torch has not; what follows it: JSON that is no header
        raise StoreError(f"{what}: cannot be read ({error}); delete them and run again") from error


def to_json(content: object) -> bytes:
    """Plain data as indented JSON.

    Raises:
        ValueError: the content holds NaN or infinity, which JSON has not.
    """
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()
