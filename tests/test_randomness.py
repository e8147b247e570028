"""Streams are determined by a seed and names."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from assay.randomness import derive, global_streams, integers, normal, uniform

names = st.lists(st.text(max_size=4) | st.integers(), max_size=4)


def draws(seed: int, *items: object) -> list[float]:
    values: list[float] = torch.rand(8, generator=derive(seed, *items)).tolist()
    return values


@given(seed=st.integers(0, 2**64), items=names)
def test_one_seed_and_one_list_of_names_give_one_stream(seed: int, items: list[object]) -> None:
    assert draws(seed, *items) == draws(seed, *items)


@given(one=names, other=names)
def test_other_names_give_another_stream(one: list[object], other: list[object]) -> None:
    same = list(map(str, one)) == list(map(str, other))
    assert (draws(0, *one) == draws(0, *other)) == same


def test_names_are_not_run_together() -> None:
    streams = [("a", "bc"), ("ab", "c"), ("abc",), ("abc", ""), ("", "abc"), ("a", "b", "c"), ()]
    assert len({tuple(draws(0, *items)) for items in streams}) == len(streams)
    assert draws(1, "2") != draws(12)


def test_many_chunks_have_many_streams() -> None:
    assert len({derive(0, "shift", "fog", chunk).initial_seed() for chunk in range(5000)}) == 5000


def test_a_stream_is_the_same_in_another_process_and_after_other_draws() -> None:
    torch.rand(5)
    code = "import torch; from assay.randomness import derive; print(torch.rand(8, generator=derive(7, 'x')).tolist())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == str(draws(7, "x"))


def test_deriving_leaves_the_global_stream_alone() -> None:
    before = torch.get_rng_state()
    uniform((3,), derive(0), like=torch.zeros(1))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("draw", [uniform, normal])
def test_draws_have_the_type_of_like_and_do_not_depend_on_it(draw: Callable[..., Tensor], dtype: torch.dtype) -> None:
    found = draw((2, 3), derive(0), like=torch.zeros(1, dtype=dtype))
    assert found.dtype == dtype
    assert found.shape == (2, 3)
    assert torch.equal(found, draw((2, 3), derive(0), like=torch.zeros(1)).to(dtype))


def test_moments() -> None:
    """Means and variances of 40,000 draws, within five standard errors."""
    like = torch.zeros(1)
    u, z = uniform((40_000,), derive(0), like=like), normal((40_000,), derive(0), like=like)
    assert 0 <= float(u.min()) < float(u.max()) < 1
    assert abs(float(u.mean()) - 0.5) < 5 * (1 / 12 / 40_000) ** 0.5
    assert abs(float(z.mean())) < 5 / 200
    assert abs(float(z.var()) - 1) < 5 * (2 / 40_000) ** 0.5


def test_integers_cover_their_range() -> None:
    found = integers(-1, 3, (500,), derive(0), like=torch.zeros(1, dtype=torch.float16))
    assert found.dtype == torch.int64
    assert sorted(set(found.tolist())) == [-1, 0, 1, 2]


def test_global_streams_are_seeded_inside_and_as_before_afterwards() -> None:
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with global_streams(5, "cpu"):
            drawn.append(torch.rand(3))
    assert torch.equal(*drawn)
    assert torch.equal(torch.get_rng_state(), before)
