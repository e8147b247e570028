import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from assay.classifier import Classifier, Outputs, wrap
from assay.parts import describe, parse
from assay.randomness import derive
from assay.scores import MSP, CrossEntropy, Energy, MaxLogit, ViM
from assay.scores.base import Score

MODEL: Classifier = wrap(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), torch.rand(2, 1, 2, 2, generator=derive(0)))
LOGITS = st.lists(st.lists(st.floats(-20, 20, width=32), min_size=4, max_size=4), min_size=1, max_size=8).map(
    torch.tensor
)


def score(part: Score, logits: Tensor) -> Tensor:
    return part.fit(MODEL, None)(Outputs(torch.empty(len(logits), 0), logits))


def test_closed_forms() -> None:
    logits = torch.log(torch.tensor([[8.0, 1.0, 1.0], [2.0, 2.0, 2.0]]))
    assert score(MSP(), logits).tolist() == pytest.approx([0.2, 2 / 3], abs=1e-6)
    assert score(MaxLogit(), logits).tolist() == pytest.approx([-math.log(8), -math.log(2)], abs=1e-6)
    assert score(Energy(), logits).tolist() == pytest.approx([-math.log(10), -math.log(6)], abs=1e-6)
    expected = [(math.log(0.8) + 2 * math.log(0.1)) / 3, -math.log(3)]
    assert score(CrossEntropy(), logits).tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("part", [MSP(), MaxLogit(), Energy(), CrossEntropy()])
def test_equal_logits_are_the_most_anomalous(part: Score) -> None:
    # Among logits that sum to 0, the flattest has the smallest largest logit, logsumexp and confidence.
    logits = torch.randn(50, 5, generator=derive(1))
    logits = torch.cat([logits - logits.mean(dim=1, keepdim=True), torch.zeros(1, 5)])
    assert int(score(part, logits).argmax()) == 50


@given(logits=LOGITS, shift=st.floats(-10, 10, width=32))
def test_what_a_constant_on_all_logits_does(logits: Tensor, shift: float) -> None:
    for part, change in ((MSP(), 0.0), (CrossEntropy(), 0.0), (MaxLogit(), -shift), (Energy(), -shift)):
        assert torch.allclose(score(part, logits + shift), score(part, logits) + change, atol=1e-4)


@given(logits=LOGITS)
def test_bounds(logits: Tensor) -> None:
    assert bool((score(CrossEntropy(), logits) <= -math.log(4) + 1e-5).all())
    assert bool((score(MSP(), logits) <= 0.75 + 1e-6).all())
    difference = score(MaxLogit(), logits) - score(Energy(), logits)  # logsumexp lies within log K above the maximum
    assert bool(((difference >= -1e-5) & (difference <= math.log(4) + 1e-5)).all())


def test_msp_keeps_certain_predictions_apart() -> None:
    logits = torch.tensor([[20.0, 0.0], [25.0, 0.0], [30.0, 0.0]])
    assert logits.softmax(1).amax(1).tolist() == [1, 1, 1]  # float32 cannot tell them apart near 1
    assert score(MSP(), logits).tolist() == pytest.approx([math.exp(-20), math.exp(-25), math.exp(-30)], rel=1e-5)


def test_scores_are_parts_that_parse_back() -> None:
    parts: list[Score] = [MSP(), MaxLogit(), Energy(), CrossEntropy(), ViM()]
    assert [describe(part) for part in parts] == ["msp", "max_logit", "energy", "cross_entropy", "vim"]
    kinds = {part.name: type(part) for part in parts}
    assert [parse(describe(part), kinds) for part in parts] == [[part] for part in parts]
