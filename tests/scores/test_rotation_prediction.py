"""Rotation prediction, against numbers by hand."""

import math
from typing import Any

import pytest
import torch

from assay.classifier import predict_all
from assay.data import Images
from assay.evaluations.scoring import fit_scores
from assay.scores import RotationPrediction


def test_equals_a_computation_by_hand(linear: Any) -> None:
    """The logits are the four corners; turning moves another corner to each of them."""
    model = linear(torch.eye(4))
    a, b, c, d = 0.9, 0.1, 0.4, 0.7  # [[a, b], [c, d]]
    x = torch.tensor([[[[a, b], [c, d]]]])
    turns = [(a, b, c, d), (b, d, a, c), (d, c, b, a), (c, a, d, b)]  # counter-clockwise
    losses = [math.log(sum(map(math.exp, z))) - z[r] for r, z in enumerate(turns)]
    found = RotationPrediction().fit(model)(predict_all(model, x), x)
    assert found.tolist() == pytest.approx([sum(losses) / 4], abs=1e-6)


def test_a_sure_and_right_model_gives_zero_and_a_turned_image_more(linear: Any) -> None:
    model = linear(1000 * torch.eye(4))
    right = torch.tensor([[[[1.0, 0], [0, 0]]]])  # the corner is in the places 0, 2, 3, 1 under the four turns
    order = torch.tensor([0, 2, 3, 1])
    model.weight.data = model.weight.data[order]
    score = RotationPrediction().fit(model)
    assert score(predict_all(model, right), right).tolist() == [0]
    wrong = right.rot90(1, dims=(2, 3))
    assert score(predict_all(model, wrong), wrong).item() == pytest.approx(1000)  # each rotation taken for the next


def test_whole_numbers_are_read_as_pixels(linear: Any) -> None:
    model = linear(torch.randn(4, 12, generator=torch.Generator().manual_seed(0)))
    x = torch.randint(0, 256, (5, 3, 2, 2), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    score = RotationPrediction().fit(model)
    outputs = predict_all(model, x)
    assert torch.allclose(score(outputs, x), score(outputs, x / 255))


@pytest.mark.parametrize(
    ("classes", "shape", "why"),
    [(10, (1, 2, 2), "expected a model whose 4 classes are rotations, got 10"), (4, (1, 1, 4), "expected square")],
)
def test_refused_with_a_reason(linear: Any, classes: int, shape: tuple[int, ...], why: str) -> None:
    model = linear(torch.ones(classes, 4))
    x = torch.zeros(2, *shape, dtype=torch.uint8)
    probe = Images(name="probe", x=x, y=torch.zeros(2, dtype=torch.int64), classes=("0",))
    found = fit_scores([RotationPrediction()], model, None, probe=probe)
    assert why in found.reasons["rotation_prediction"]
    assert not found.functions
