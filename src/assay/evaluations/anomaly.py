"""Anomaly detection: how well each score tells outlier sets from the test set.

Higher = more anomalous, and the outliers are the positives; a task may name other ordinary images than its test set.
AUROC with DeLong's interval; AUPR (average precision) with its base rate beside it, which is the AUPR of chance; FPR at
95 % TPR.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier
from assay.data.splits import sample
from assay.data.task import Task
from assay.errors import BadValueError
from assay.evaluations.base import Measurement, Observations, Progress, no_progress
from assay.evaluations.scoring import fit_scores, foreign, score_images, ticks
from assay.metrics.detection import auroc, average_precision, base_rate, fpr_at_tpr
from assay.metrics.detection_intervals import auroc_interval, average_precision_intervals, fpr_at_tpr_interval
from assay.parts import check_count
from assay.randomness import derive
from assay.scores import MSP, CrossEntropy, Energy, MaxLogit, ViM
from assay.scores.base import AnyScore, check_scores

INSIDE = "in"  # the test set's name among the sets
METRICS = {"auroc": True, "aupr": True, "fpr95": False}  # whether higher is better


@dataclass(frozen=True, kw_only=True)
class Anomaly:
    """AUROC, AUPR and FPR at 95 % TPR of each score against each outlier set.

    Attributes:
        scores: with different names.
        images: take a fixed random sample of that many from the test set and from each outlier set; None takes all.
        fit_images: size of the fixed random sample of the training set to which scores are fitted.
    """

    name: ClassVar[str] = "anomaly"
    version: ClassVar[int] = 1
    uses: ClassVar[tuple[str, ...]] = ("train", "test", "inside", "outliers")
    stacks: ClassVar[bool] = True
    passes: ClassVar[float] = 8.0

    scores: tuple[AnyScore, ...] = (MSP(), MaxLogit(), Energy(), CrossEntropy(), ViM())
    images: int | None = None
    fit_images: int = 10_000

    def __post_init__(self) -> None:
        check_scores(self.name, self.scores)
        if self.images is not None:
            check_count(self.name, "images", self.images)
        check_count(self.name, "fit_images", self.fit_images)

    def observe(
        self,
        model: Classifier,
        task: Task,
        seed: int,  # noqa: ARG002 - nothing is drawn
        progress: Progress = no_progress,
    ) -> Observations:
        """Score every image in one forward pass over each set; scores that need the images run the model again.

        Returns:
            Tensors "score/<set>/<score>" (N,) float32, where <set> is "in" for the ordinary images (the task's
            `inside`, or the test set) or an outlier set's name.
            Notes "not measured/<set>" for a set that is missing or of another shape, and "not measured/score/<score>"
            for a score that cannot be fitted, each with the reason.

        Raises:
            BadValueError: an outlier set is called "in".
            ContractError: a score is not finite, or the model breaks its contract.
        """
        if INSIDE in task.outliers:
            raise BadValueError('anomaly: outliers: expected names other than "in", which stands for the test set')
        notes = {f"not measured/{name}": reason for name, reason in task.missing.items()}
        sets = {INSIDE: sample(task.test if task.inside is None else task.inside, self.images)}
        for name, images in task.outliers.items():
            if images.shape == task.test.shape:
                sets[name] = sample(images, self.images)
            else:
                notes[f"not measured/{name}"] = foreign(name, images, task.test)
        fitted = fit_scores(self.scores, model, task.train, probe=task.test, images=self.fit_images)
        notes |= {f"not measured/score/{name}": reason for name, reason in fitted.reasons.items()}
        tick = ticks(sum(len(images) for images in sets.values()), progress)
        tensors = {}
        for group, images in sets.items():
            for name, values in score_images(model, images, fitted, tick).scores.items():
                tensors[f"score/{group}/{name}"] = values
        return Observations(tensors=tensors, notes=notes)

    def measure(self, observations: Observations) -> list[Measurement]:
        """For each outlier set: its base rate, then auroc, aupr and fpr95 of each score, or the reason why not."""
        tensors, notes = observations.tensors, observations.notes
        groups = dict.fromkeys(key.split("/", 1)[1].rsplit("/", 1)[0] for key in tensors)
        missing = [
            name.removeprefix("not measured/")
            for name in notes
            if name.startswith("not measured/") and not name.startswith("not measured/score/")
        ]
        rows = []
        for group in [name for name in groups if name != INSIDE] + missing:
            sides = {}
            if group in groups:
                names = self._measured(group, tensors)
                rows.append(_base_rate(group, tensors, names[0]))
                sides = {name: (tensors[f"score/{INSIDE}/{name}"], tensors[f"score/{group}/{name}"]) for name in names}
            found = _measure(group, sides)
            for score in self.scores:
                reason = notes.get(f"not measured/{group}") or notes.get(f"not measured/score/{score.name}")
                if reason:
                    setting: dict[str, str | float] = {"outliers": group, "score": score.name}
                    rows += [_not_measured(setting, metric, reason) for metric in METRICS]
                else:
                    rows += found[score.name]
        return rows

    def _measured(self, group: str, tensors: dict[str, Tensor]) -> list[str]:
        return [score.name for score in self.scores if f"score/{group}/{score.name}" in tensors]


def _base_rate(group: str, tensors: dict[str, Tensor], score: str) -> Measurement:
    inside, outside = tensors[f"score/{INSIDE}/{score}"], tensors[f"score/{group}/{score}"]
    return Measurement(
        setting={"outliers": group},
        metric="base_rate",
        value=base_rate(inside, outside),
        n=len(inside) + len(outside),
    )


def _not_measured(setting: dict[str, str | float], metric: str, reason: str) -> Measurement:
    return Measurement(setting=setting, metric=metric, value=None, higher_is_better=METRICS[metric], reason=reason)


def _measure(group: str, sides: dict[str, tuple[Tensor, Tensor]]) -> dict[str, list[Measurement]]:
    """The metrics of each score, from its values on ordinary images and on the outlier set.

    The same draws for every score: what differs between scores is then not the bootstrap.
    """
    if not sides:
        return {}
    precise = average_precision_intervals(list(sides.values()), derive(0, Anomaly.name, "aupr", group))
    found = {}
    for (score, (inside, outside)), precision in zip(sides.items(), precise, strict=True):
        flagged = fpr_at_tpr_interval(inside, outside, derive(0, Anomaly.name, "fpr95", group))
        values = {
            "auroc": (auroc(inside, outside), auroc_interval(inside, outside), "delong"),
            "aupr": (average_precision(inside, outside), precision, "bootstrap"),
            "fpr95": (fpr_at_tpr(inside, outside), flagged, "bootstrap"),
        }
        found[score] = [
            Measurement(
                setting={"outliers": group, "score": score},
                metric=metric,
                value=value,
                low=ends.low,
                high=ends.high,
                n=len(inside) + len(outside),
                interval=interval,
                higher_is_better=METRICS[metric],
            )
            for metric, (value, ends, interval) in values.items()
        ]
    return found
