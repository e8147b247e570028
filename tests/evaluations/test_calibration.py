from dataclasses import replace

import pytest
import torch
from torch import nn

from assay.classifier import Classifier, predict_all, wrap
from assay.data.images import Images
from assay.data.task import Task
from assay.errors import BadValueError
from assay.evaluations.base import Evaluation, Measurement, Observations
from assay.evaluations.calibration import Calibration
from assay.metrics.calibration import expected_calibration_error, rms_calibration_error, top_label
from assay.metrics.intervals import wilson
from assay.parts import describe
from assay.randomness import derive

METRICS = {
    "accuracy": {},
    "ece": {"bins": 15},
    "adaptive_ece": {"bins": 15},
    "max_calibration_error": {"bins": 15},
    "rms_calibration_error": {},
    "rms_calibration_error_without_last_bin": {},
    "brier": {},
    "brier_top_label": {},
    "brier_calibration": {"bins": 15},
    "brier_refinement": {"bins": 15},
    "nll": {},
    "smooth_ece": {},
    "classwise_ece": {"bins": 15},
}


def network() -> Classifier:
    linear = nn.Linear(9, 4)
    with torch.no_grad():
        linear.weight.copy_(6 * torch.randn(4, 9, generator=derive(0, "weight")))
        linear.bias.zero_()
    return wrap(nn.Sequential(nn.Flatten(), linear), torch.zeros(2, 1, 3, 3))


def task(n: int = 600) -> Task:
    x = torch.randint(256, (n, 1, 3, 3), generator=derive(0, "x"), dtype=torch.uint8)
    right = predict_all(network(), x).logits.argmax(1)
    wrong = torch.rand(n, generator=derive(0, "wrong")) < 0.3
    y = torch.where(wrong, (right + 1) % 4, right)
    return Task(name="toy", test=Images(name="toy/test", x=x, y=y, classes=("a", "b", "c", "d")))


def found(rows: list[Measurement]) -> dict[str, Measurement]:
    assert len({row.metric for row in rows}) == len(rows)
    return {row.metric: row for row in rows}


def number(value: float | None) -> float:
    assert value is not None
    return value


def test_every_metric_has_its_value_inside_its_interval() -> None:
    calibration, seen = Calibration(), list[float]()
    observations = calibration.observe(network(), task(), 0, seen.append)
    assert seen == [1]
    logits, labels = observations.tensors["logits"], observations.tensors["labels"]
    assert (logits.shape, logits.dtype, labels.dtype) == ((600, 4), torch.float32, torch.int64)
    assert torch.equal(labels, task().test.y)

    rows = found(calibration.measure(observations))
    assert {metric: row.setting for metric, row in rows.items()} == METRICS
    for metric, row in rows.items():
        assert number(row.low) <= number(row.value) <= number(row.high), metric
        assert number(row.low) < number(row.high), metric
        assert row.n == 600
        assert row.higher_is_better is (metric == "accuracy")
        assert row.interval == ("wilson" if metric in ("accuracy", "max_calibration_error") else "bootstrap")

    confidence, right = top_label(logits), logits.argmax(1) == labels
    hits = int(right.sum())
    assert (rows["accuracy"].value, (rows["accuracy"].low, rows["accuracy"].high)) == (hits / 600, wilson(hits, 600))
    assert rows["ece"].value == expected_calibration_error(confidence, right)
    assert rows["rms_calibration_error"].value == rms_calibration_error(confidence, right)
    parts = number(rows["brier_calibration"].value) + number(rows["brier_refinement"].value)
    assert parts == pytest.approx(number(rows["brier_top_label"].value), abs=1e-12)
    loss = nn.functional.cross_entropy(logits.double(), labels)
    assert rows["nll"].value == pytest.approx(float(loss), abs=1e-12)
    assert found(calibration.measure(observations)) == rows


def test_a_coin_that_claims_certainty() -> None:
    # Confidence 1 within 1e-8 and half of 400 right: every calibration error is 1 / 2, whatever the binning.
    logits = torch.tensor([[20.0, 0.0]]).repeat(400, 1)
    observations = Observations(tensors={"logits": logits, "labels": torch.arange(400) % 2})
    rows = found(Calibration(bins=10).measure(observations))
    for metric in (
        "ece",
        "adaptive_ece",
        "max_calibration_error",
        "rms_calibration_error",
        "brier_top_label",
        "smooth_ece",
    ):
        assert rows[metric].value == pytest.approx(0.5, abs=1e-7), metric
    assert rows["brier"].value == pytest.approx(1, abs=1e-7)
    assert rows["brier_calibration"].value == pytest.approx(0.25, abs=1e-7)
    assert rows["nll"].value == pytest.approx(10, abs=1e-7)
    assert rows["ece"].setting == {"bins": 10}
    assert number(rows["ece"].low) < 0.5 - 0.03 < 0.5 + 0.03 < number(rows["ece"].high)


def test_too_few_images_say_why() -> None:
    calibration = Calibration(images=150)
    observations = calibration.observe(network(), task(), 0)
    assert len(observations.tensors["labels"]) == 150
    row = found(calibration.measure(observations))["rms_calibration_error_without_last_bin"]
    assert row.value is None
    assert "at least 200 test images" in row.reason


def test_a_single_image_is_measured() -> None:
    calibration = Calibration()
    rows = found(calibration.measure(calibration.observe(network(), task(1), 0)))
    assert rows["accuracy"].n == 1
    assert number(rows["ece"].high) <= 1


def test_labels_that_the_model_cannot_give_are_refused() -> None:
    test = task().test
    more = replace(test, y=torch.full_like(test.y, 4), classes=(*test.classes, "e"))
    with pytest.raises(BadValueError, match=r"labels in 0\.\.3"):
        Calibration().observe(network(), Task(name="toy", test=more), 0)


@pytest.mark.parametrize("settings", [{"bins": 0}, {"images": 0}])
def test_bad_settings_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadValueError, match="whole number >= 1"):
        Calibration(**settings)


def test_it_is_an_evaluation_that_describes_itself() -> None:
    assert isinstance(Calibration(), Evaluation)
    assert describe(Calibration(bins=10)) == "calibration(bins=10)"


def test_a_model_that_answers_one_class_is_found_out() -> None:
    labels = torch.arange(100) % 4
    logits = torch.zeros(100, 4)
    logits[:, 2] = 0.01

    def found(logits: torch.Tensor, labels: torch.Tensor) -> list[float | None]:
        rows = Calibration().measure(Observations(tensors={"logits": logits, "labels": labels}))
        return [row.value for row in rows if row.metric == "one_class"]

    assert found(logits, labels) == [2.0]
    assert found(logits, torch.full((100,), 2)) == [], "there is but one class to answer"
    logits[7, 3] = 1.0
    assert found(logits, labels) == []
