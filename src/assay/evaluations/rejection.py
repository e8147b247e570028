"""Rejection: what a model gets right when it leaves what looks odd to somebody else, and thresholds for doing so.

For every anomaly score: the area under the risk-coverage curve on the test set and its excess over the best possible
order (see `assay.metrics.rejection`), the AUROC of telling errors from right answers (Hendrycks and Gimpel 2017, "A
baseline for detecting misclassified and out-of-distribution examples in neural networks"), and the accuracy on the
share of images that is answered. Then, for each wanted false positive rate, a threshold chosen on validation images,
the rate that it has on test images beside the rate it promises, and how much of each outlier set it catches (see
`assay.metrics.thresholds`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier
from assay.data.splits import sample
from assay.data.task import Task
from assay.errors import BadValueError
from assay.evaluations.base import Measurement, Observations, Progress, check_labels, check_one_test_set, no_progress
from assay.evaluations.scoring import fit_scores, foreign, score_images, ticks
from assay.metrics.detection import auroc
from assay.metrics.detection_intervals import auroc_interval
from assay.metrics.intervals import wilson
from assay.metrics.rejection import answered_at, aurc, aurc_interval, excess_aurc
from assay.metrics.thresholds import Threshold, threshold_at_fpr
from assay.parts import check_count, check_number
from assay.posthoc.base import Calibrated
from assay.randomness import derive
from assay.scores import MSP, CrossEntropy, Energy, MaxLogit, ViM
from assay.scores.base import AnyScore, check_scores

INSIDE, TUNING = "in", "validation"  # the test and the validation set's names among the sets
BETTER = {
    "aurc": False,
    "excess_aurc": False,
    "failure_auroc": True,
    "selective_accuracy": True,
    "false_positive_rate": False,
    "caught": True,
}  # whether higher is better; of a threshold and of a promise neither is
NO_VALIDATION = "expected validation images to choose a threshold on, got none; give some as validation"
USED = (
    "the validation images have fitted the calibration, so a threshold chosen on them would promise too much; "
    "choose it on the recipe without the calibration"
)


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """Risk against coverage, and deployable thresholds, for each score.

    Attributes:
        scores: with different names.
        coverages: shares of the test images to answer, in (0, 1].
        rates: wanted false positive rates, in (0, 1).
        images: take a fixed random sample of that many from each set but the validation set; None takes all.
        fit_images: size of the fixed random sample of the training set to which scores are fitted.
    """

    name: ClassVar[str] = "rejection"
    version: ClassVar[int] = 1
    uses: ClassVar[tuple[str, ...]] = ("train", "validation", "test", "outliers")
    stacks: ClassVar[bool] = True
    passes: ClassVar[float] = 8.0

    scores: tuple[AnyScore, ...] = (MSP(), MaxLogit(), Energy(), CrossEntropy(), ViM())
    coverages: tuple[float, ...] = (0.8, 0.9, 0.95)
    rates: tuple[float, ...] = (0.01, 0.05)
    images: int | None = None
    fit_images: int = 10_000

    def __post_init__(self) -> None:
        check_scores(self.name, self.scores)
        for what, values in (("coverages", self.coverages), ("rates", self.rates)):
            for value in values:
                check_number(self.name, what, value, low=0, high=1)
            if 0 in values or len(set(values)) < len(values):
                raise BadValueError(f"{self.name}: {what}: expected different numbers above 0, got {values}")
        if 1 in self.rates:
            raise BadValueError(f"{self.name}: rates: expected numbers below 1, got {self.rates}")
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
        """Score the test, the validation and every outlier set in one forward pass over each.

        Returns:
            Tensors "score/<set>/<score>" (N,) float32, where <set> is "in" for the test set, "validation", or an
            outlier set's name, and "wrong" (N,) bool, where the model errs on the test set. Notes as those of
            `Anomaly`, and "not measured/validation" where there is no validation set, or it has fitted a calibration.

        Raises:
            BadValueError: a label lies outside the model's classes, an outlier set is called "in" or "validation", or
                the task has other ordinary images (`inside`).
            ContractError: a score is not finite, or the model breaks its contract.
        """
        check_one_test_set(self.name, task)
        for name in (INSIDE, TUNING):
            if name in task.outliers:
                raise BadValueError(f'{self.name}: outliers: expected names other than "{name}"')
        test = sample(task.test, self.images)
        check_labels(test, model)
        sets = {INSIDE: test}
        calibrated = any(isinstance(module, Calibrated) for module in model.modules())  # itself, or a member of it
        if task.validation is not None and not calibrated:
            sets[TUNING] = task.validation
        notes = {f"not measured/{name}": reason for name, reason in task.missing.items()}
        if TUNING not in sets:
            notes[f"not measured/{TUNING}"] = NO_VALIDATION if task.validation is None else USED
        for name, images in task.outliers.items():
            if images.shape == test.shape:
                sets[name] = sample(images, self.images)
            else:
                notes[f"not measured/{name}"] = foreign(name, images, task.test)
        fitted = fit_scores(self.scores, model, task.train, probe=task.test, images=self.fit_images)
        notes |= {f"not measured/score/{name}": reason for name, reason in fitted.reasons.items()}
        tick = ticks(sum(len(images) for images in sets.values()), progress)
        tensors: dict[str, Tensor] = {}
        for group, images in sets.items():
            found = score_images(model, images, fitted, tick)
            if group == INSIDE:
                tensors["wrong"] = found.logits.argmax(1) != images.y
            tensors |= {f"score/{group}/{name}": values for name, values in found.scores.items()}
        return Observations(tensors=tensors, notes=notes)

    def measure(self, observations: Observations) -> list[Measurement]:
        """For each score its rejection, then for each wanted rate its threshold and what that flags."""
        rows: list[Measurement] = []
        for score in self.scores:
            rows += self._rejected(observations, score.name)
        for score in self.scores:
            for rate in self.rates:
                rows += _flagged(observations, score.name, rate)
        return rows

    def _rejected(self, observations: Observations, score: str) -> Iterator[Measurement]:
        setting: dict[str, str | float] = {"score": score}
        reason = observations.notes.get(f"not measured/score/{score}")
        if reason:
            yield from (_missing(setting, metric, reason) for metric in ("aurc", "excess_aurc", "failure_auroc"))
            for coverage in self.coverages:
                yield _missing(setting | {"coverage": coverage}, "selective_accuracy", reason)
            return
        wrong, scores = observations.tensors["wrong"], observations.tensors[f"score/{INSIDE}/{score}"]
        n, ends = len(wrong), aurc_interval(scores, wrong, derive(0, self.name, "aurc"))
        yield Measurement(
            setting=setting,
            metric="aurc",
            value=aurc(scores, wrong),
            **ends._asdict(),
            n=n,
            interval="bootstrap",
            higher_is_better=False,
        )
        yield Measurement(
            setting=setting, metric="excess_aurc", value=excess_aurc(scores, wrong), n=n, higher_is_better=False
        )
        yield _failures(setting, scores, wrong)
        for coverage in self.coverages:
            answered = answered_at(scores, wrong, coverage)
            right = answered.images - answered.errors
            yield _share(setting | {"coverage": coverage}, "selective_accuracy", right, answered.images, better=True)


def _failures(setting: dict[str, str | float], scores: Tensor, wrong: Tensor) -> Measurement:
    right, errors = scores[~wrong], scores[wrong]
    if not (len(right) and len(errors)):
        what = "errors" if len(right) else "right answers"
        return _missing(setting, "failure_auroc", f"expected errors and right answers on the test set, got no {what}")
    return Measurement(
        setting=setting,
        metric="failure_auroc",
        value=auroc(right, errors),
        **auroc_interval(right, errors)._asdict(),
        n=len(wrong),
        interval="delong",
        higher_is_better=True,
    )


def _flagged(observations: Observations, score: str, rate: float) -> Iterator[Measurement]:
    """The threshold for that rate, the rate it promises, the one it has, and what of each outlier set it catches."""
    tensors, notes = observations.tensors, observations.notes
    setting: dict[str, str | float] = {"score": score, "fpr": rate}
    ending = f"/{score}"
    kept = [name for name in tensors if name.startswith("score/") and name.endswith(ending)]
    groups = [name.removeprefix("score/").removesuffix(ending) for name in kept]
    absent = [
        name.removeprefix("not measured/")
        for name in notes
        if name.startswith("not measured/") and "score/" not in name and not name.endswith(f"/{TUNING}")
    ]
    reason = notes.get(f"not measured/score/{score}") or notes.get(f"not measured/{TUNING}")
    threshold = None
    if reason is None:
        try:
            threshold = threshold_at_fpr(tensors[f"score/{TUNING}/{score}"], rate)
        except BadValueError as error:
            reason = str(error)
    if threshold is None:
        metrics = ("threshold", "promised_false_positive_rate", "false_positive_rate")
        yield from (_missing(setting, metric, reason or "") for metric in metrics)
        return
    inside = tensors[f"score/{INSIDE}/{score}"]
    yield Measurement(setting=setting, metric="threshold", value=threshold.value, n=threshold.n)
    yield _promise(setting, threshold, len(inside))
    yield _share(setting, "false_positive_rate", int((inside >= threshold.value).sum()), len(inside), better=False)
    for group in dict.fromkeys(groups):
        if group not in (INSIDE, TUNING):
            outside = tensors[f"score/{group}/{score}"]
            caught = int((outside >= threshold.value).sum())
            yield _share(setting | {"outliers": group}, "caught", caught, len(outside), better=True)
    for group in absent:
        yield _missing(setting | {"outliers": group}, "caught", notes[f"not measured/{group}"])


def _promise(setting: dict[str, str | float], threshold: Threshold, images: int) -> Measurement:
    return Measurement(
        setting=setting,
        metric="promised_false_positive_rate",
        value=threshold.rate,
        **threshold.promised(images)._asdict(),
        n=threshold.n,
        interval="beta-binomial",
    )


def _share(setting: dict[str, str | float], metric: str, count: int, n: int, *, better: bool) -> Measurement:
    return Measurement(
        setting=setting,
        metric=metric,
        value=count / n,
        **wilson(count, n)._asdict(),
        n=n,
        interval="wilson",
        higher_is_better=better,
    )


def _missing(setting: dict[str, str | float], metric: str, reason: str) -> Measurement:
    return Measurement(setting=setting, metric=metric, value=None, higher_is_better=BETTER.get(metric), reason=reason)
