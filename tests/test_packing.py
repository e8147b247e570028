"""What cells hold: as it was given, and refused where it is no such file."""

import contextlib
import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import StoreError
from assay.evaluations import Observations
from assay.packing import pack, pack_weights, to_json, unpack, unpack_arrays, unpack_weights

names = st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__" and name.isprintable())


@settings(max_examples=40)
@given(
    shapes=st.dictionaries(names, st.lists(st.integers(0, 3), max_size=3), max_size=4),
    notes=st.dictionaries(names, names),
)
def test_observations_come_back(shapes: dict[str, list[int]], notes: dict[str, str]) -> None:
    tensors = {name: torch.rand(shape) for name, shape in shapes.items()}
    found = unpack(pack(Observations(tensors=tensors, notes=notes)))
    assert found.notes == notes
    assert found.tensors.keys() == tensors.keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
)
def test_types_are_kept(dtype: torch.dtype) -> None:
    tensor = torch.tensor([0, 1, 3]).to(dtype)
    found = unpack(pack(Observations(tensors={"a": tensor}))).tensors["a"]
    assert found.dtype == dtype
    assert torch.equal(found, tensor)


def test_tensors_come_in_the_order_of_their_names() -> None:
    named = {f"{place * 7 % 40:02}": torch.zeros(place % 3 + 1) for place in range(40)}
    assert list(unpack(pack(Observations(tensors=named))).tensors) == sorted(named)
    assert list(unpack_weights(pack_weights(named))) == sorted(named)


def test_arrays_are_the_tensors() -> None:
    named = {"a": torch.rand(3), "b": torch.rand(2, 2)}
    found = unpack_arrays(pack_weights(named))
    assert found.keys() == named.keys()
    assert all(np.array_equal(found[name], tensor.numpy()) for name, tensor in named.items())
    with pytest.raises(StoreError, match=r"arrays: cannot be read .*; delete them and run again"):
        unpack_arrays(pack_weights(named)[:-2])
    for other in (
        pack_weights(named)[:-4],
        pack_weights({"a": torch.rand(3, dtype=torch.float64)}),
        b"\x02\0\0\0\0\0\0\0[]",
        b"",
    ):
        with pytest.raises(StoreError, match="arrays: cannot be read"):
            unpack_arrays(other)


def test_tensors_that_share_memory_or_stand_across_it_are_kept() -> None:
    base = torch.rand(4, 3, requires_grad=True)
    image = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)
    views = {
        "base": base,
        "same": base,
        "row": base[1],
        "turned": base.T,
        "one": base[:, 1].expand(2, 4),
        "image": image,
    }
    for found in (unpack(pack(Observations(tensors=views))).tensors, unpack_weights(pack_weights(views))):
        assert all(torch.equal(found[name], view) for name, view in views.items())


def hostile(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


NOTED = {"notes": "{}"}
FLOATS = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        b"\x80\x04cposix\nsystem\n.",  # a pickle
        (2**63 - 1).to_bytes(8, "little") + b"{}",
        pack(Observations(tensors={"a": torch.zeros(4)}))[:-1],
        pack(Observations(tensors={"a": torch.zeros(4)})) + b"\0",
        hostile([]),
        hostile({}),
        hostile(b"[" * 100_000),
        hostile(b"{" + b'"a":{' * 5000),
        hostile({"__metadata__": []}),
        hostile({"__metadata__": {"notes": 3}}),
        hostile({"__metadata__": {"notes": "not json"}}),
        hostile({"__metadata__": {"notes": "[1]"}}),
        hostile({"__metadata__": {"notes": '{"a": 1}'}}),
        hostile({"__metadata__": {"notes": "[" * 100_000}}),
        hostile({"__metadata__": NOTED, "a": {**FLOATS, "data_offsets": [0, 2**40]}}, b"\0" * 4),
        hostile({"__metadata__": NOTED, "a": {**FLOATS, "data_offsets": [4, 0]}}, b"\0" * 4),
        hostile({"__metadata__": NOTED, "a": {**FLOATS, "shape": [2**62, 4]}}, b"\0" * 4),
        hostile({"__metadata__": NOTED, "a": {**FLOATS, "shape": [-1]}}, b"\0" * 4),
        hostile({"__metadata__": NOTED, "a": {**FLOATS, "dtype": "OBJECT"}}, b"\0" * 4),
    ],
)
def test_hostile_observations_are_refused(content: bytes) -> None:
    with pytest.raises(StoreError, match=r"observations: .*delete them and run again"):
        unpack(content)


@given(content=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(StoreError):
        unpack(content)
    with contextlib.suppress(StoreError):
        unpack_weights(hostile(content))


def test_damaged_weights_are_refused() -> None:
    content = pack_weights({"a": torch.zeros(3)})
    with pytest.raises(StoreError, match=r"weights: cannot be read .*; delete them and run again"):
        unpack_weights(content[:-2])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_holds_finite_numbers_alone(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"value": value})


def test_json_is_plain() -> None:
    assert json.loads(to_json({"a": [1, 0.5, None, "ä"]})) == {"a": [1, 0.5, None, "ä"]}
