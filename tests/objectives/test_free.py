import pytest
import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.objectives import Free
from assay.parts import describe


def test_the_next_perturbation_by_hand() -> None:
    part = Free(eps=0.25, replays=2)
    first = part.climbed(torch.zeros(1, 4), torch.tensor([[3.0, -1e-9, 0.0, 7.0]]))
    assert first.tolist() == [[0.25, -0.25, 0.0, 0.25]]
    second: Tensor = part.climbed(first, torch.tensor([[1.0, 1.0, -1.0, -1.0]]))
    assert second.tolist() == [[0.25, 0.0, -0.25, 0.0]]


def test_names_and_refusals() -> None:
    assert describe(Free(eps=0.3)) == "free(eps=0.3)"
    with pytest.raises(BadValueError, match="free: eps: expected a number >= 0, got -1"):
        Free(eps=-1)
    with pytest.raises(BadValueError, match="free: replays: expected a whole number >= 1, got 0"):
        Free(eps=0.3, replays=0)
