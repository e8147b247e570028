"""Mixing pictures: repeatable, independent of the count, of any shape, and none of them dull."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import BadValueError
from assay.pictures import KINDS, clouds, mixing_pictures
from assay.pictures.dull import dull
from assay.pictures.mixing import _pictures
from assay.pictures.plasma import torus

sides = st.integers(1, 24)


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), sides, sides, st.integers(0, 99))
def test_any_shape_and_the_prefix_property(count: int, channels: int, height: int, width: int, seed: int) -> None:
    shape = (channels, height, width)
    some, more = mixing_pictures(count, shape, seed=seed), mixing_pictures(count + 5, shape, seed=seed)
    assert some.dtype == torch.uint8
    assert some.shape == (count, *shape)
    assert torch.equal(some, more[:count])


def test_the_prefix_property_across_chunks() -> None:
    shape = (1, 12, 12)
    assert torch.equal(mixing_pictures(100, shape), mixing_pictures(500, shape)[:100])


def test_the_same_arguments_share_one_tensor_and_give_it_again_when_it_is_forgotten() -> None:
    first = mixing_pictures(30, (3, 16, 20), seed=3)
    assert mixing_pictures(30, (3, 16, 20), seed=3) is first
    _pictures.cache_clear()
    assert torch.equal(mixing_pictures(30, (3, 16, 20), seed=3), first)
    assert not torch.equal(mixing_pictures(30, (3, 16, 20), seed=4), first)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (2, 20, 45), (3, 100, 64)])
def test_pictures_span_the_range_and_few_are_dull(shape: tuple[int, int, int]) -> None:
    x = mixing_pictures(96, shape).float() / 255
    assert torch.all(x.amin((1, 2, 3)) == 0)
    assert torch.all(x.amax((1, 2, 3)) == 1)
    assert dull(x).float().mean() <= 0.05


@pytest.mark.parametrize("shape", [(1, 1, 1000), (1, 8, 512), (3, 300, 2), (1, 31, 31)])
def test_oblong_pictures_do_not_take_many_large_maps(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def measured(count: int, side: int, *rest: Any) -> torch.Tensor:
        made.append(count * side**2)
        assert made[-1] <= 2**23, f"{count} maps of {side} x {side} at once"  # 32 MiB in float32
        return torus(count, side, *rest)

    monkeypatch.setattr(clouds, "torus", measured)
    _pictures.cache_clear()
    assert mixing_pictures(3, shape).shape == (3, *shape)
    assert made


def test_the_number_of_threads_changes_nothing_and_is_not_changed() -> None:
    shape = (1, 40, 40)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        _pictures.cache_clear()
        several = _pictures(60, shape, 0)
        _pictures.cache_clear()
        assert torch.equal(mixing_pictures(60, shape), several)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_kinds_take_turns() -> None:
    assert KINDS == ("ifs", "escape_time", "plasma")
    x = mixing_pictures(150, (1, 24, 24)).float()
    background = (x == x.flatten(1).mode().values[:, None, None, None]).float().mean((1, 2, 3))
    assert background[0::3].mean() > 2 * background[1::3].mean() > 0  # only attractors leave much of the plane empty


def test_refusals() -> None:
    with pytest.raises(BadValueError, match="count: expected a whole number >= 1, got 0"):
        mixing_pictures(0, (1, 8, 8))
    with pytest.raises(BadValueError, match="height: expected a whole number >= 1, got 0"):
        mixing_pictures(1, (1, 0, 8))
    with pytest.raises(BadValueError, match="shape: expected"):
        mixing_pictures(1, (8, 8))  # type: ignore[arg-type]
