import numpy as np
import pytest
import torch

from assay.augmentations.random_erasing import RandomErasing
from assay.errors import BadValueError
from assay.parts import describe

N, SIZE = 4000, 32


def erased(augmentation: RandomErasing) -> torch.Tensor:
    """(N, SIZE, SIZE) where noise stands: no draw of it is -1."""
    x = torch.full((N, 2, SIZE, SIZE), -1.0)
    new, _ = augmentation(x, torch.zeros(N), torch.Generator().manual_seed(0))
    assert torch.equal(new[:, 0] >= 0, new[:, 1] >= 0), "all channels are erased together"
    assert not torch.equal(new[:, 0], new[:, 1]), "with values of their own"
    return new[:, 0] >= 0


def sides(mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Heights and widths of the rectangles; what is erased must be the whole of each."""
    rows, columns = mask.any(2).sum(1), mask.any(1).sum(1)
    assert torch.equal(mask.sum((1, 2)), rows * columns)
    return rows, columns


def test_every_image_loses_one_rectangle_of_a_size_and_shape_in_range() -> None:
    tall, wide = sides(erased(RandomErasing(p=1, smallest=0.1, largest=0.3, flattest=0.5)))
    assert int(tall.min()) >= 1
    area, ratio = tall * wide / SIZE**2, tall / wide
    # Rounding by half a pixel changes a side by at most 1 part in 14: the smallest is sqrt(102 * 0.5) = 7.2 pixels.
    assert 0.1 * 0.87 <= float(area.min()) <= 0.12
    assert 0.28 <= float(area.max()) <= 0.3 * 1.15
    assert 0.5 * 0.87 <= float(ratio.min()) <= 0.6
    assert 1.8 <= float(ratio.max()) <= 2 * 1.15


def test_sizes_and_shapes_follow_the_algorithm_drawn_one_by_one() -> None:
    """Against the paper's loop, drawn with numpy: means and spreads of the sides, to five standard errors."""
    random = np.random.default_rng(0)
    found: list[tuple[int, int, int, int]] = []
    while len(found) < N:
        area, ratio = random.uniform(0.02, 0.4) * SIZE**2, random.uniform(0.3, 1 / 0.3)
        high, broad = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        top, left = int(random.integers(SIZE)), int(random.integers(SIZE))
        if top + high <= SIZE and left + broad <= SIZE:
            found.append((high, broad, top, left))
    mask = erased(RandomErasing(p=1))
    tall, wide = sides(mask)
    first_row, first_column = (mask.any(axis).to(torch.uint8).argmax(1) for axis in (2, 1))
    seen = torch.stack((tall, wide, first_row, first_column))
    for ours, theirs in zip(seen, np.array(found, dtype=float).T, strict=True):
        error = theirs.std() * (2 / N) ** 0.5
        assert float(ours.double().mean()) == pytest.approx(theirs.mean(), abs=5 * error)
        assert float(ours.double().std()) == pytest.approx(theirs.std(), rel=0.1)


def test_p_is_the_share_of_images_that_are_touched() -> None:
    for p in (0.0, 0.25, 1.0):
        touched = erased_share(p)
        assert touched == pytest.approx(p, abs=5 * (p * (1 - p) / N) ** 0.5)


def erased_share(p: float) -> float:
    x = torch.full((N, 1, 8, 8), -1.0)
    new, _ = RandomErasing(p=p)(x, torch.zeros(N), torch.Generator().manual_seed(1))
    return float((new >= 0).any(3).any(2).any(1).float().mean())


def test_names_and_refusals() -> None:
    assert describe(RandomErasing()) == "random_erasing"
    for wrong in ({"p": 2}, {"smallest": 0}, {"smallest": 0.5}, {"flattest": 0}):
        with pytest.raises(BadValueError, match="random_erasing: "):
            RandomErasing(**wrong)
