import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.augmentations.cutout import CutOut
from assay.errors import BadValueError
from assay.parts import describe


@given(length=st.integers(1, 12), holes=st.integers(1, 4), seed=st.integers(0, 999))
def test_holes_are_those_drawn_one_by_one(length: int, holes: int, seed: int) -> None:
    """Against a loop that draws the same centres and blanks each hole by slicing."""
    x, y = torch.ones(3, 2, 9, 7), torch.arange(3)
    cut, same = CutOut(length=length, holes=holes)(x, y, torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(0, 9, (3, holes, 1), generator=generator)
    columns = torch.randint(0, 7, (3, holes, 1), generator=generator)
    expected = np.ones((3, 2, 9, 7), dtype=np.float32)
    for image in range(3):
        for hole in range(holes):
            top, left = int(rows[image, hole]) - length // 2, int(columns[image, hole]) - length // 2
            expected[image, :, max(top, 0) : top + length, max(left, 0) : left + length] = 0
    assert np.array_equal(cut.numpy(), expected)
    assert same is y


@pytest.mark.parametrize("length", [7, 10])
def test_a_hole_away_from_the_border_has_the_stated_area(length: int) -> None:
    cut, _ = CutOut(length=length, holes=1)(
        torch.ones(500, 1, 28, 28), torch.zeros(500), torch.Generator().manual_seed(0)
    )
    areas = (cut == 0).sum((1, 2, 3))
    assert int(areas.max()) == length**2
    inside = (28 - length + 1) / 28  # the share of centres for which a hole lies inside, along one axis
    assert float((areas == length**2).float().mean()) == pytest.approx(inside**2, abs=0.07)


def test_names_and_refusals() -> None:
    assert describe(CutOut(length=7, holes=1)) == "cutout(length=7, holes=1)"
    with pytest.raises(BadValueError, match="cutout: length: expected a whole number >= 1, got 0"):
        CutOut(length=0, holes=1)
    with pytest.raises(BadValueError, match=r"cutout: holes: expected a whole number >= 1, got 1\.5"):
        CutOut(length=7, holes=1.5)  # type: ignore[arg-type]
