from dataclasses import replace

import pytest
import torch
from torch import Tensor

from assay.classifier import Classifier, predict_logits
from assay.data.images import Images
from assay.data.task import Task
from assay.errors import BadValueError
from assay.evaluations import Evaluation, Measurement, Rejection
from assay.metrics.detection import auroc
from assay.metrics.intervals import wilson
from assay.metrics.rejection import aurc, excess_aurc
from assay.metrics.thresholds import threshold_at_fpr
from assay.posthoc import Temperature
from assay.randomness import derive
from assay.scores import MSP, Energy, ViM


class Bright(Classifier):
    """Says 1 where the mean pixel exceeds 0.5, surer the farther from it."""

    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return 20 * (x.mean((1, 2, 3))[:, None] - 0.5)

    def head(self, features: Tensor) -> Tensor:
        return torch.cat([-features, features], dim=1)


def greys(n: int, name: str, *, noise: float, size: int = 4) -> Images:
    """Images of constant brightness, whose labels are those of a noisy look at it."""
    g = derive(0, name)
    level = torch.rand(n, generator=g)
    y = (level + noise * torch.randn(n, generator=g) > 0.5).long()
    return replace(
        Images.from_floats(level.view(-1, 1, 1, 1).expand(-1, 1, size, size), y), name=name, classes=("a", "b")
    )


TASK = Task(
    name="toy",
    test=greys(400, "test", noise=0.1),
    validation=greys(499, "validation", noise=0.1),
    outliers={"greys": replace(greys(90, "outliers", noise=0), x=torch.full((90, 1, 4, 4), 128, dtype=torch.uint8))},
    missing={"kmnist": "kmnist: is not here; fetch it"},
)
PART = Rejection(scores=(MSP(), Energy()), rates=(0.05, 0.2), coverages=(0.5, 0.9))


def value(rows: list[Measurement], metric: str, **setting: str | float) -> Measurement:
    (row,) = (row for row in rows if row.metric == metric and row.setting == setting)
    return row


def test_every_number_is_that_of_its_metric() -> None:
    seen: list[float] = []
    observations = PART.observe(Bright(), TASK, 0, seen.append)
    assert seen[-1] == 1
    rows = PART.measure(observations)
    logits = predict_logits(Bright(), TASK.test.x)
    wrong = logits.argmax(1) != TASK.test.y
    scores = logits.softmax(1).amin(1)  # of two classes: 1 less the maximum, without its rounding
    assert 0.02 < float(wrong.float().mean()) < 0.3
    assert torch.equal(observations.tensors["wrong"], wrong)
    area = value(rows, "aurc", score="msp")
    assert area.value == pytest.approx(aurc(scores, wrong), abs=1e-6)
    assert area.value is not None
    assert area.low is not None
    assert area.high is not None
    assert area.low < area.value < area.high
    assert value(rows, "excess_aurc", score="msp").value == pytest.approx(excess_aurc(scores, wrong), abs=1e-6)
    assert value(rows, "failure_auroc", score="msp").value == pytest.approx(
        auroc(scores[~wrong], scores[wrong]), abs=1e-6
    )
    half = value(rows, "selective_accuracy", score="msp", coverage=0.5)
    assert half.value is not None
    best = scores.argsort()[:200]
    assert half.value == pytest.approx(1 - float(wrong[best].float().mean()), abs=0.01)
    assert half.value > 1 - float(wrong.float().mean())


def test_a_threshold_flags_what_it_says() -> None:
    observations = PART.observe(Bright(), TASK, 0)
    rows = PART.measure(observations)
    expected = threshold_at_fpr(observations.tensors["score/validation/energy"], 0.2)
    setting: dict[str, str | float] = {"score": "energy", "fpr": 0.2}
    assert value(rows, "threshold", **setting).value == expected.value
    promise = value(rows, "promised_false_positive_rate", **setting)
    assert (promise.value, promise.n) == (expected.rate, 499)
    assert 0.15 < expected.rate <= 0.2
    found = value(rows, "false_positive_rate", **setting)
    flagged = int((observations.tensors["score/in/energy"] >= expected.value).sum())
    assert (found.value, found.low, found.high) == (flagged / 400, *wilson(flagged, 400))
    assert promise.low is not None
    assert promise.high is not None
    assert found.value is not None
    assert promise.low <= found.value <= promise.high
    assert value(rows, "caught", outliers="greys", **setting).value == 1  # the greyest of greys: no energy is higher
    assert value(rows, "caught", outliers="kmnist", **setting).reason == "kmnist: is not here; fetch it"


def test_what_cannot_be_measured_says_why() -> None:
    part = replace(PART, scores=(MSP(), ViM()), rates=(0.001, 0.05))
    rows = part.measure(part.observe(Bright(), TASK, 0))
    assert "expected at least 1 / (N + 1)" in value(rows, "threshold", score="msp", fpr=0.001).reason
    assert "give a training set" in value(rows, "aurc", score="vim").reason
    assert "give a training set" in value(rows, "false_positive_rate", score="vim", fpr=0.05).reason
    bare = replace(TASK, validation=None, test=replace(TASK.test, y=predict_logits(Bright(), TASK.test.x).argmax(1)))
    rows = PART.measure(PART.observe(Bright(), bare, 0))
    assert "expected validation images" in value(rows, "threshold", score="msp", fpr=0.05).reason
    assert "got no errors" in value(rows, "failure_auroc", score="msp").reason
    assert value(rows, "aurc", score="msp").value == 0


def test_a_set_may_have_a_slash_in_its_name() -> None:
    task = replace(TASK, outliers={"my/own": TASK.outliers["greys"]}, missing={})
    rows = PART.measure(PART.observe(Bright(), task, 0))
    assert value(rows, "caught", outliers="my/own", score="energy", fpr=0.2).value == 1


def test_no_threshold_is_chosen_on_images_that_fitted_a_calibration() -> None:
    assert TASK.validation is not None
    calibrated = Temperature().fit(Bright(), TASK.validation)
    rows = PART.measure(PART.observe(calibrated, TASK, 0))
    assert "have fitted the calibration" in value(rows, "threshold", score="msp", fpr=0.05).reason
    assert value(rows, "aurc", score="msp").value is not None


def test_it_is_an_evaluation_and_refuses_bad_settings() -> None:
    assert isinstance(PART, Evaluation)
    for bad, message in (
        ({"scores": ()}, "rejection: scores: expected at least one"),
        ({"rates": (0.05, 0.05)}, "rejection: rates: expected different numbers above 0"),
        ({"rates": (1,)}, "rejection: rates: expected numbers below 1"),
        ({"coverages": (0,)}, "rejection: coverages: expected different numbers above 0"),
        ({"coverages": (1.1,)}, "rejection: coverages: expected a number in"),
    ):
        with pytest.raises(BadValueError, match=message):
            replace(PART, **bad)
    with pytest.raises(BadValueError, match='outliers: expected names other than "validation"'):
        PART.observe(Bright(), replace(TASK, outliers={"validation": TASK.test}), 0)
