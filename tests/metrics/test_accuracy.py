import math

import pytest
import torch

from assay.errors import BadValueError
from assay.metrics.accuracy import accuracy, accuracy_interval, hits
from assay.metrics.intervals import wilson


def test_accuracy_by_hand() -> None:
    logits = torch.tensor([[2.0, 1.0], [0.0, 3.0], [1.0, 1.0], [5.0, 0.0]])
    labels = torch.tensor([0, 1, 1, 1])  # the third is a tie, which the first class wins
    assert hits(logits, labels).tolist() == [True, True, False, False]
    assert accuracy(logits, labels) == 0.5
    assert accuracy_interval(logits, labels) == wilson(2, 4)


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (torch.empty(0, 3), torch.empty(0, dtype=torch.long), "N >= 1"),
        (torch.zeros(2, 1), torch.zeros(2, dtype=torch.long), "K >= 2"),
        (torch.zeros(2, 3), torch.zeros(3, dtype=torch.long), "labels"),
        (torch.zeros(2, 3), torch.zeros(2), "whole numbers"),
        (torch.zeros(2, 3), torch.tensor([0, 3]), r"0\.\.2"),
        (torch.full((2, 3), math.nan), torch.tensor([0, 1]), "finite"),
    ],
)
def test_bad_input_is_refused(logits: torch.Tensor, labels: torch.Tensor, message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        accuracy(logits, labels)
