from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from assay.augmentations.random_operation import OPERATIONS, Drawn, check_severity, draw, operate
from assay.errors import BadValueError

ROUGH = {"rotate", "shear_x", "shear_y"}  # Pillow's fixed point arithmetic differs by 1


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("severity", [3.0, 10.0])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 20, 31), (1, 31, 20)])
def test_each_image_gets_its_own_operation_as_pillow_does_it(
    shape: tuple[int, int, int], severity: float, by_pillow: Callable[..., Any]
) -> None:
    grid = torch.randint(0, 256, (90, *shape), generator=generator()).float()
    grid[::3] = (grid[::3] / 40).floor() * 20 + 60
    drawn = draw(90, severity, generator(1))
    new = operate(grid, drawn)
    assert set(drawn.kind.tolist()) == set(range(9))
    for place, (kind, level, sign) in enumerate(zip(*(item.tolist() for item in drawn), strict=True)):
        name = OPERATIONS[kind]
        expected = by_pillow(grid[place].numpy().astype(np.uint8), name, level, sign)
        difference = np.abs(new[place].numpy() - expected.astype(float))
        assert difference.max() <= (name in ROUGH), name


@pytest.mark.parametrize("kind", range(9))
def test_one_kind_alone_and_no_image_at_all(kind: int) -> None:
    grid = torch.randint(0, 256, (4, 1, 9, 9), generator=generator()).float()
    drawn = Drawn(torch.full((4,), kind), torch.full((4,), 2.9).double(), torch.ones(4).double())
    whole = operate(grid, drawn)
    some = torch.tensor([2, 0])
    torch.testing.assert_close(operate(grid[some], drawn.at(some)), whole[some], atol=0, rtol=0)
    assert operate(grid[:0], drawn.at(some[:0])).shape == (0, 1, 9, 9)


def test_the_strongest_operations_keep_to_the_grid() -> None:
    """At level 10 posterize keeps no bit, and solarize turns every value."""
    grid = torch.arange(256.0).view(1, 1, 16, 16).repeat(2, 1, 1, 1)
    kinds = torch.tensor([OPERATIONS.index("posterize"), OPERATIONS.index("solarize")])
    black, negative = operate(grid, Drawn(kinds, torch.full((2,), 10.0).double(), torch.ones(2).double()))
    assert float(black.abs().max()) == 0
    assert torch.equal(negative, 255 - grid[0])


def test_kinds_and_signs_are_equally_frequent_and_levels_uniform() -> None:
    drawn = draw(9000, 3.0, generator())
    assert stats.chisquare(torch.bincount(drawn.kind, minlength=9).numpy()).pvalue > 0.001
    assert stats.kstest(drawn.level.numpy(), stats.uniform(0.1, 2.9).cdf).pvalue > 0.001
    assert set(drawn.sign.tolist()) == {-1.0, 1.0}
    assert stats.binomtest(int((drawn.sign > 0).sum()), 9000).pvalue > 0.001
    assert abs(np.corrcoef(torch.stack([item.double() for item in drawn]).numpy())[~np.eye(3, dtype=bool)]).max() < 0.04


@pytest.mark.parametrize("severity", [0.0, 10.5, float("nan"), "3"])
def test_a_severity_that_no_operation_has_is_refused(severity: object) -> None:
    with pytest.raises(BadValueError, match=r"augmix: severity: expected a number in \[0.1, 10\], got"):
        check_severity("augmix", severity)
