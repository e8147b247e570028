"""Decay: how accuracy, calibration and the detection of outliers fall as test images are corrupted ever more.

Each corruption of MNIST-C is applied in five severities (`assay.corruptions.severities`) to the same sample of images.
At each severity: accuracy, calibration and proper scores on the corrupted images, and the AUROC with which scores tell
outliers from them, corrupted images being ordinary ones (Ovadia et al. 2019, "Can you trust your model's uncertainty?
Evaluating predictive uncertainty under dataset shift"). Severity 0 is the clean images. Means are over corruptions.
Version 2: over all fifteen of MNIST-C.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import Classifier, device_of, to_unit
from assay.corruptions.severities import GRADED
from assay.data.images import Images
from assay.data.splits import sample
from assay.data.task import Task
from assay.evaluations.base import Measurement, Observations, Progress, check_labels, check_one_test_set, no_progress
from assay.evaluations.scoring import fit_scores, foreign, score_images
from assay.metrics.accuracy import accuracy_interval, hits
from assay.metrics.calibration import BINS, expected_calibration_error, top_label
from assay.metrics.calibration_intervals import calibration_intervals, mean_interval
from assay.metrics.detection import auroc
from assay.metrics.detection_intervals import auroc_interval
from assay.metrics.intervals import Interval
from assay.metrics.proper_scores import brier_each, nll_each
from assay.parts import check_count
from assay.randomness import derive
from assay.scores import MSP, Energy
from assay.scores.base import AnyScore, check_scores

CLEAN = "clean"
CHUNK = 1000  # images corrupted at once; a constant, since each chunk has its own draws
BETTER = {"accuracy": True, "ece": False, "nll": False, "brier": False, "auroc": True}


@dataclass(frozen=True, kw_only=True)
class Decay:
    """Accuracy, ECE, NLL, Brier score and AUROC over corruptions and severities.

    Attributes:
        scores: with different names.
        bins: bins of the ECE.
        images: size of the fixed random sample of the test set and of each outlier set; None takes all.
        fit_images: size of the fixed random sample of the training set to which scores are fitted.
    """

    name: ClassVar[str] = "decay"
    version: ClassVar[int] = 2
    uses: ClassVar[tuple[str, ...]] = ("train", "test", "outliers")
    stacks: ClassVar[bool] = True
    passes: ClassVar[float] = 160.0

    scores: tuple[AnyScore, ...] = (MSP(), Energy())
    bins: int = BINS
    images: int | None = 1000
    fit_images: int = 10_000

    def __post_init__(self) -> None:
        check_scores(self.name, self.scores)
        check_count(self.name, "bins", self.bins)
        if self.images is not None:
            check_count(self.name, "images", self.images)
        check_count(self.name, "fit_images", self.fit_images)

    def observe(self, model: Classifier, task: Task, seed: int, progress: Progress = no_progress) -> Observations:
        """Predict and score the test images, clean and at each severity of each corruption, and the outlier sets.

        Returns:
            Tensors "labels" (N,) int64; "logits/clean" and "logits/<corruption>/<severity>" (N, K), and
            "score/<the same>/<score>" (N,) float32; "outliers/<set>/<score>" (M,) float32. Notes as those of `Anomaly`.

        Raises:
            BadValueError: a label lies outside the model's classes, or the task has other ordinary images (`inside`).
            ContractError: a score is not finite, or the model breaks its contract.
        """
        check_one_test_set(self.name, task)
        test = sample(task.test, self.images)
        check_labels(test, model)
        fitted = fit_scores(self.scores, model, task.train, probe=task.test, images=self.fit_images)
        notes = {f"not measured/{name}": reason for name, reason in task.missing.items()}
        notes |= {f"not measured/score/{name}": reason for name, reason in fitted.reasons.items()}
        tensors = {"labels": test.y}
        sets = {name: images for name, images in task.outliers.items() if images.shape == test.shape}
        notes |= {f"not measured/{k}": foreign(k, v, test) for k, v in task.outliers.items() if k not in sets}
        for name, images in sets.items():
            found = score_images(model, sample(images, self.images), fitted).scores
            tensors |= {f"outliers/{name}/{score}": values for score, values in found.items()}
        total = 1 + sum(map(len, GRADED.values()))
        for number, (step, images) in enumerate(_steps(model, test, seed), start=1):
            seen = score_images(model, images, fitted)
            tensors[f"logits/{step}"] = seen.logits.float()
            tensors |= {f"score/{step}/{score}": values for score, values in seen.scores.items()}
            progress(number / total)
        return Observations(tensors=tensors, notes=notes)

    def measure(self, observations: Observations) -> list[Measurement]:
        """The clean images first, then each corruption by severity, then the means over corruptions by severity."""
        rows = self._at(CLEAN, {"corruption": CLEAN, "severity": 0}, observations)
        for corruption, grades in GRADED.items():
            for severity in range(1, len(grades) + 1):
                setting: dict[str, str | float] = {"corruption": corruption, "severity": severity}
                rows += self._at(f"{corruption}/{severity}", setting, observations)
        return [*rows, *_means(rows)]

    def _at(self, step: str, setting: dict[str, str | float], observations: Observations) -> list[Measurement]:
        tensors, notes = observations.tensors, observations.notes
        rows = list(_calibration(setting, tensors[f"logits/{step}"], tensors["labels"], self.bins))
        kept = [name.removeprefix("outliers/") for name in tensors if name.startswith("outliers/")]
        groups = dict.fromkeys(name.rsplit("/", 1)[0] for name in kept)
        absent = [name for name in notes if name.startswith("not measured/") and "score/" not in name]
        for group in [*groups, *(name.removeprefix("not measured/") for name in absent)]:
            for score in self.scores:
                own = setting | {"outliers": group, "score": score.name}
                reason = notes.get(f"not measured/{group}") or notes.get(f"not measured/score/{score.name}")
                if reason:
                    rows.append(
                        Measurement(setting=own, metric="auroc", value=None, higher_is_better=True, reason=reason)
                    )
                else:
                    inside, outside = tensors[f"score/{step}/{score.name}"], tensors[f"outliers/{group}/{score.name}"]
                    value, ends = auroc(inside, outside), auroc_interval(inside, outside)
                    rows.append(_row(own, "auroc", value, ends, len(inside) + len(outside), "delong"))
        return rows


def _steps(model: Classifier, test: Images, seed: int) -> Iterator[tuple[str, Images]]:
    """The clean images, then each corruption's, one at a time: all models meet the same damage."""
    yield CLEAN, test
    for corruption, grades in GRADED.items():
        for severity, one in enumerate(grades, start=1):
            pieces = []
            for start in range(0, len(test), CHUNK):
                x = to_unit(test.x[start : start + CHUNK], device_of(model))
                damaged = one(x, derive(seed, Decay.name, corruption, severity, start))
                pieces.append((damaged * 255).round().to("cpu", torch.uint8))
            yield f"{corruption}/{severity}", replace(test, name=f"{test.name}/{corruption}", x=torch.cat(pieces))


def _calibration(setting: dict[str, str | float], logits: Tensor, labels: Tensor, bins: int) -> Iterator[Measurement]:
    right, confidence, n = hits(logits, labels), top_label(logits), len(labels)
    # The same draws at every severity: what differs between them is then not the bootstrap.
    ece = calibration_intervals(confidence, right, derive(0, Decay.name, "binned"), bins=bins).ece
    yield _row(setting, "accuracy", int(right.sum()) / n, accuracy_interval(logits, labels), n, "wilson")
    yield _row(setting, "ece", expected_calibration_error(confidence, right, bins), ece, n, "bootstrap")
    for metric, values in {"nll": nll_each(logits, labels), "brier": brier_each(logits, labels)}.items():
        ends = mean_interval(values, derive(0, Decay.name, "means"))
        yield _row(setting, metric, float(values.mean()), ends, n, "bootstrap")


def _means(rows: list[Measurement]) -> list[Measurement]:
    """The mean of each metric over corruptions at each severity; severity 0 is the clean images alone."""
    groups: dict[tuple[str, tuple[tuple[str, str | float], ...]], list[Measurement]] = {}
    for row in rows:
        rest = tuple((key, value) for key, value in row.setting.items() if key != "corruption")
        groups.setdefault((row.metric, rest), []).append(row)
    found = []
    for (metric, rest), own in groups.items():
        values = [row.value for row in own if row.value is not None]
        found.append(
            Measurement(
                setting=dict(rest),
                metric=f"mean_{metric}",
                value=sum(values) / len(values) if len(values) == len(own) else None,
                n=own[0].n,
                higher_is_better=BETTER[metric],
                reason=next((row.reason for row in own if row.value is None), ""),
            )
        )
    return found


def _row(
    setting: dict[str, str | float], metric: str, value: float, ends: Interval, n: int, interval: str
) -> Measurement:
    return Measurement(
        setting=setting,
        metric=metric,
        value=value,
        low=ends.low,
        high=ends.high,
        n=n,
        interval=interval,
        higher_is_better=BETTER[metric],
    )
