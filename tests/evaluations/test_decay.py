from dataclasses import replace

import pytest
import torch
from torch import nn

from assay.classifier import Classifier, predict_logits, to_unit, wrap
from assay.corruptions import GRADED
from assay.data.images import Images
from assay.data.task import Task
from assay.evaluations import Decay, Evaluation, Measurement
from assay.metrics.calibration import expected_calibration_error, top_label
from assay.metrics.detection import auroc
from assay.metrics.proper_scores import brier_each, nll_each
from assay.randomness import derive
from assay.scores import MSP, Energy, ViM


def images(n: int, name: str) -> Images:
    x = torch.randint(256, (n, 1, 12, 12), generator=derive(0, name), dtype=torch.uint8)
    return Images(name=name, x=x, y=torch.arange(n) % 3, classes=("a", "b", "c"))


def network() -> Classifier:
    model = nn.Sequential(nn.Flatten(), nn.Linear(144, 3))
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.1 * torch.randn(weight.shape, generator=derive(0, "network")))
    return wrap(model, torch.rand(2, 1, 12, 12, generator=derive(0, "probe")))


TASK = Task(
    name="toy",
    test=images(40, "toy/test"),
    outliers={
        "my/dark": replace(images(30, "dark"), x=images(30, "dark").x // 8),
        "wide": replace(images(9, "w"), x=torch.zeros(9, 1, 5, 5, dtype=torch.uint8)),
    },
)
PART = Decay(images=None)


def value(rows: list[Measurement], metric: str, **setting: str | float) -> Measurement:
    (row,) = (row for row in rows if row.metric == metric and row.setting == setting)
    return row


def test_every_number_is_that_of_its_metric_on_the_corrupted_images() -> None:
    seen: list[float] = []
    observations = PART.observe(network(), TASK, 0, seen.append)
    assert seen[-1] == 1
    rows = PART.measure(observations)
    for name, grades in GRADED.items():
        for severity in (1, 5):
            x = grades[severity - 1](to_unit(TASK.test.x), derive(0, "decay", name, severity, 0))
            logits = predict_logits(network(), x)
            setting: dict[str, str | float] = {"corruption": name, "severity": severity}
            right = logits.argmax(1) == TASK.test.y
            expected = {
                "accuracy": float(right.double().mean()),
                "ece": expected_calibration_error(top_label(logits), right),
                "nll": float(nll_each(logits, TASK.test.y).mean()),
                "brier": float(brier_each(logits, TASK.test.y).mean()),
            }
            for metric, number in expected.items():
                assert value(rows, metric, **setting).value == pytest.approx(number, abs=1e-5)
            outside = -predict_logits(network(), TASK.outliers["my/dark"].x).logsumexp(1)
            assert value(rows, "auroc", outliers="my/dark", score="energy", **setting).value == pytest.approx(
                auroc(-logits.logsumexp(1), outside), abs=1e-5
            )


def test_means_are_over_corruptions_and_severity_0_is_clean() -> None:
    rows = PART.measure(PART.observe(network(), TASK, 0))
    clean = value(rows, "ece", corruption="clean", severity=0)
    assert value(rows, "mean_ece", severity=0).value == clean.value
    own = [value(rows, "nll", corruption=name, severity=3).value for name in GRADED]
    assert value(rows, "mean_nll", severity=3).value == pytest.approx(sum(v for v in own if v is not None) / 15)
    assert value(rows, "mean_accuracy", severity=3).higher_is_better is True
    assert "expected images of shape" in value(rows, "mean_auroc", severity=2, outliers="wide", score="msp").reason


def test_all_models_meet_the_same_damage_and_scores_that_cannot_be_fitted_say_why() -> None:
    assert isinstance(PART, Evaluation)
    part = Decay(images=20, scores=(MSP(), Energy(), ViM()))
    first, second = (part.observe(network(), TASK, 0).tensors for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len(first["labels"]) == 20
    row = value(
        part.measure(part.observe(network(), TASK, 0)),
        "auroc",
        corruption="fog",
        severity=5,
        outliers="my/dark",
        score="vim",
    )
    assert "give a training set" in row.reason
