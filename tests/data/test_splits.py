from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from assay.data import Images, sample, split
from assay.errors import BadValueError

Numbered = Callable[[int], Images]
relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def indices(images: Images) -> Tensor:
    return images.x[:, 0, 0, 0].long() * 256 + images.x[:, 0, 0, 1].long()


@relaxed
@given(n=st.integers(2, 400), seed=st.integers(0, 9), data=st.data())
def test_split_is_a_partition_in_order(numbered: Numbered, n: int, seed: int, data: st.DataObject) -> None:
    validation = data.draw(st.integers(1, n - 1))
    rest, held = split(numbered(n), validation=validation, seed=seed)
    assert len(held) == validation
    assert torch.equal(torch.cat([indices(rest), indices(held)]).sort().values, torch.arange(n))
    for part in (rest, held):
        assert torch.equal(indices(part), indices(part).sort().values)
        assert torch.equal(part.y, indices(part) % 10)


def test_split_depends_on_the_seed_alone(numbered: Numbered) -> None:
    images = numbered(300)
    first = indices(split(images, validation=50, seed=1)[1])
    torch.randn(5)  # global draws do not matter
    assert torch.equal(first, indices(split(images, validation=50, seed=1)[1]))
    assert not torch.equal(first, indices(split(images, validation=50, seed=2)[1]))


def test_split_names_its_parts(numbered: Numbered) -> None:
    rest, held = split(numbered(10), validation=3)
    assert (rest.name, held.name) == ("mnist/train", "mnist/validation")


@pytest.mark.parametrize("validation", [0, -1, 10, 11, 2.5, True])
def test_split_refuses_a_validation_that_leaves_nothing(numbered: Numbered, validation: int) -> None:
    with pytest.raises(BadValueError, match="validation: expected"):
        split(numbered(10), validation=validation)


@relaxed
@given(n=st.integers(1, 300), k=st.integers(1, 400), seed=st.integers(0, 9))
def test_sample_is_a_subset_in_order(numbered: Numbered, n: int, k: int, seed: int) -> None:
    drawn = indices(sample(numbered(n), k, seed=seed))
    assert len(drawn) == min(n, k)
    assert bool((drawn.diff() > 0).all())  # in order, without repeats
    assert drawn.max() < n


def test_sample_is_not_the_first_n(numbered: Numbered) -> None:
    drawn = indices(sample(numbered(1000), 500))
    assert 220 < int((drawn < 500).sum()) < 280  # hypergeometric: mean 250, standard deviation 7.9
    assert torch.equal(drawn, indices(sample(numbered(1000), 500)))
    assert not torch.equal(drawn, indices(sample(numbered(1000), 500, seed=1)))


def test_sample_without_a_limit_is_everything(numbered: Numbered) -> None:
    images = numbered(20)
    assert sample(images, None) is images
    assert sample(images, 20) is images


def test_sample_refuses_none_at_all(numbered: Numbered) -> None:
    with pytest.raises(BadValueError, match="n: expected a whole number >= 1, got 0"):
        sample(numbered(20), 0)
