"""Calibration: whether confidence says how often the model is right, on the clean test set; with accuracy beside it."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier, predict_logits
from assay.data.splits import sample
from assay.data.task import Task
from assay.evaluations.base import Measurement, Observations, Progress, check_labels, no_progress
from assay.metrics.accuracy import accuracy_interval, hits
from assay.metrics.calibration import (
    BIN_SIZE,
    BINS,
    adaptive_calibration_error,
    expected_calibration_error,
    max_calibration_error,
    rms_calibration_error,
    rms_calibration_error_without_last_bin,
    top_label,
)
from assay.metrics.calibration_intervals import calibration_intervals, max_calibration_error_interval, mean_interval
from assay.metrics.intervals import Interval
from assay.metrics.linear_gaps import classwise_gaps, linear_intervals, smooth_gaps
from assay.metrics.proper_scores import brier_decomposition, brier_each, nll_each
from assay.parts import check_count
from assay.randomness import derive


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Accuracy, calibration errors and proper scores of the softmax on the test set.

    Attributes:
        bins: bins of ECE, adaptive and classwise ECE, the maximum calibration error and the Brier score's
            decomposition.
        images: take a fixed random sample of that many test images; None takes all.
    """

    name: ClassVar[str] = "calibration"
    version: ClassVar[int] = 1
    uses: ClassVar[tuple[str, ...]] = ("test",)
    stacks: ClassVar[bool] = True
    passes: ClassVar[float] = 2.0

    bins: int = BINS
    images: int | None = None

    def __post_init__(self) -> None:
        check_count(self.name, "bins", self.bins)
        if self.images is not None:
            check_count(self.name, "images", self.images)

    def observe(
        self,
        model: Classifier,
        task: Task,
        seed: int,  # noqa: ARG002 - nothing is drawn
        progress: Progress = no_progress,
    ) -> Observations:
        """Keep the test set's "logits" (N, K) float32 and "labels" (N,) int64.

        Raises:
            BadValueError: a label lies outside the model's classes.
            ContractError: the model breaks its contract.
        """
        images = sample(task.test, self.images)
        check_labels(images, model)
        logits = predict_logits(model, images.x).float()
        progress(1.0)
        return Observations(tensors={"logits": logits, "labels": images.y})

    def measure(self, observations: Observations) -> list[Measurement]:
        """accuracy, then every calibration metric, lower is better; "bins" is in the setting of those that use it.

        "one_class" last, the number of a class, where the model answers it for every image although there are others:
        it has learned nothing, and may be well calibrated for it.
        """
        logits, labels = observations.tensors["logits"], observations.tensors["labels"]
        n = len(labels)
        right = hits(logits, labels)
        return [
            Measurement(
                setting={},
                metric="accuracy",
                value=int(right.sum()) / n,
                **accuracy_interval(logits, labels)._asdict(),
                n=n,
                interval="wilson",
                higher_is_better=True,
            ),
            *self._binned(top_label(logits), right),
            *self._means(logits, labels),
            *self._linear(logits, labels, right),
            *_one_class(logits, labels),
        ]

    def _binned(self, confidence: Tensor, right: Tensor) -> list[Measurement]:
        n, bins = len(right), self.bins
        ends = calibration_intervals(confidence, right, derive(0, self.name, "binned"), bins=bins)
        parts = brier_decomposition(confidence, right, bins)
        largest = max_calibration_error_interval(confidence, right, bins=bins)
        with_bins: dict[str, str | float] = {"bins": bins}
        return [
            _row("ece", expected_calibration_error(confidence, right, bins), ends.ece, n, with_bins),
            _row("adaptive_ece", adaptive_calibration_error(confidence, right, bins), ends.adaptive_ece, n, with_bins),
            _row(
                "max_calibration_error",
                max_calibration_error(confidence, right, bins),
                largest,
                n,
                with_bins,
                interval="wilson",
            ),
            _row("rms_calibration_error", rms_calibration_error(confidence, right), ends.rms, n),
            _without_last_bin(confidence, right, ends.rms_without_last_bin),
            _row("brier_calibration", parts.calibration, ends.brier_calibration, n, with_bins),
            _row("brier_refinement", parts.refinement, ends.brier_refinement, n, with_bins),
        ]

    def _means(self, logits: Tensor, labels: Tensor) -> list[Measurement]:
        confidence, right = top_label(logits), hits(logits, labels).double()
        each = {
            "brier": brier_each(logits, labels),
            "brier_top_label": (confidence - right).square(),
            "nll": nll_each(logits, labels),
        }
        return [
            _row(metric, float(values.mean()), mean_interval(values, derive(0, self.name, "means")), len(values))
            for metric, values in each.items()
        ]

    def _linear(self, logits: Tensor, labels: Tensor, right: Tensor) -> list[Measurement]:
        smooth = smooth_gaps(top_label(logits), right)
        classwise = classwise_gaps(logits, labels, self.bins)
        ends = linear_intervals((smooth, classwise), derive(0, self.name, "linear"))
        return [
            _row("smooth_ece", smooth.estimate, ends[0], len(right)),
            _row("classwise_ece", classwise.estimate, ends[1], len(right), {"bins": self.bins}),
        ]


def _row(
    metric: str,
    value: float,
    ends: Interval,
    n: int,
    setting: dict[str, str | float] | None = None,
    *,
    interval: str = "bootstrap",
) -> Measurement:
    return Measurement(
        setting=setting or {},
        metric=metric,
        value=value,
        low=ends.low,
        high=ends.high,
        n=n,
        interval=interval,
        higher_is_better=False,
    )


def _one_class(logits: Tensor, labels: Tensor) -> list[Measurement]:
    answers = logits.argmax(1)
    if bool((answers != answers[0]).any()) or bool((labels == labels[0]).all()):
        return []
    return [Measurement(setting={}, metric="one_class", value=float(answers[0]), n=len(labels), higher_is_better=None)]


def _without_last_bin(confidence: Tensor, right: Tensor, ends: Interval | None) -> Measurement:
    metric = "rms_calibration_error_without_last_bin"
    if ends is None:
        reason = f"expected at least {2 * BIN_SIZE} test images, two bins of {BIN_SIZE}, got {len(right)}; use more"
        return Measurement(setting={}, metric=metric, value=None, higher_is_better=False, reason=reason)
    return _row(metric, rms_calibration_error_without_last_bin(confidence, right), ends, len(right))
