"""Evaluate a model that is not ours: the same line, entered at the classifier."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

import pandas as pd
import torch
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBars
from torch import Tensor, nn

from assay.classifier import Classifier, wrap
from assay.data import Images, Task
from assay.errors import AssayError, BadValueError
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Measurement, Observations, Shift
from assay.execute import check_device
from assay.parts import describe
from assay.plan import EVALUATION_SEED
from assay.provenance import describe_run
from assay.results import COLUMNS, Failure, Results, Trained, corruption_errors_missing, rows

Progress = Callable[[str, float], None]  # called with the axis and the fraction done
Labelled = Images | tuple[Tensor, Tensor]
EVALUATIONS: tuple[Evaluation, ...] = (Adversarial(images=1000), Shift(), Anomaly(), Calibration())


def evaluate(
    model: nn.Module,
    images: Labelled,
    *,
    train: Labelled | None = None,
    validation: Labelled | None = None,
    outliers: Mapping[str, Labelled | Tensor] | None = None,
    evaluations: Sequence[Evaluation] | Evaluation = EVALUATIONS,
    name: str = "model",
    device: str = "cpu",
    progress: Progress | None = None,
) -> Results:
    """Measure a model on every axis.

    Args:
        model: any module that maps images (B, C, H, W) in [0, 1] to logits (B, K).
        images: test images with their labels: `Images`, or (x, y) with x uint8, or float in [0, 1] (rounded to 8 bits),
            and y int64.
        train: images that it was trained on, for anomaly scores that are fitted (ViM); without them those scores are
            reported as not measured.
        validation: images that tuned nothing, for thresholds (`Rejection`); without them those are reported as not
            measured.
        outliers: anomalous sets by name, of the same shape, in either form; their labels are not used. Without any,
            anomaly detection is reported as not measured.
        evaluations: what to measure, one or several.
        name: what the model is called in tables.
        device: where to run; the model is moved there.
        progress: called with the axis and the fraction done; None shows a bar on a terminal.

    Returns:
        Results with the tidy table; `write_report(results, folder)` draws it. An axis on which the model cannot be
        measured, such as attacks by gradients that it does not give, is among its failures, with the reason.

    Raises:
        BadValueError: images outside [0, 1], NaN, no images, labels outside the model's classes, sets whose images
            differ in shape, or a device that is not there.
        ContractError: the model does not give finite logits (B, K), or it can be measured on no axis.
    """
    check_device(device)
    evaluations = (evaluations,) if isinstance(evaluations, Evaluation | str) else tuple(evaluations)
    for item in evaluations:
        if isinstance(item, type) or not isinstance(item, Evaluation):
            raise BadValueError(f"evaluations: expected such as (Adversarial(), Calibration()), got {item!r}")
    if outliers is not None and not isinstance(outliers, Mapping):
        raise BadValueError(f"outliers: expected a dictionary such as {{'my_scans': images}}, got {outliers!r:.80}")
    task = _task(name, images, train, validation, outliers)
    classifier = _classifier(model.to(device), task)
    start = time.perf_counter()
    with _bar() if progress is None else nullcontext(progress) as shown:
        observed, errors = _observe(classifier, task, evaluations, shown)
    run = describe_run(device, time.perf_counter() - start)
    table = [
        row
        for evaluation in evaluations
        if evaluation.name in observed
        for row in rows(
            _measure(evaluation, observed[evaluation.name]),
            study=name,
            recipe=name,
            name=name,
            seed=0,
            evaluation=evaluation.name,
            limited=False,
        )
    ]
    parameters = sum(weight.numel() for weight in model.parameters())
    return Results(
        study=name,
        title=f"How safe is {name}?",
        question="How does this classifier stand on each axis of safety?",
        recipes=(name,),
        baseline=None,
        seeds=(0,),
        trained=(Trained(recipe=name, name=name, seed=0, baseline=False, parameters=parameters, provenance=run),),
        table=pd.DataFrame(table, columns=list(COLUMNS)),
        failures=tuple(Failure(recipe=name, seed=0, stage=axis, reason=str(error)) for axis, error in errors.items()),
        missing=task.missing,
        provenance={
            "data": {
                "name": task.test.name,
                "images": {"test": len(task.test)},
                "fingerprints": {"test": task.test.fingerprint},
            },
            "evaluations": {evaluation.name: describe(evaluation) for evaluation in evaluations},
            "command": "",
            "run": run,
        },
        load=lambda recipe, seed, evaluation: observed.get(evaluation) if (recipe, seed) == (name, 0) else None,
    )


def _task(
    name: str,
    images: Labelled,
    train: Labelled | None,
    validation: Labelled | None,
    outliers: Mapping[str, Labelled | Tensor] | None,
) -> Task:
    task = Task(
        name=name,
        test=_images(images, "test"),
        train=None if train is None else _images(train, "train"),
        validation=None if validation is None else _images(validation, "validation"),
        outliers={other: _unlabelled(found, other) for other, found in (outliers or {}).items()},
        missing={} if outliers else {"outliers": "no outlier set was given; pass outliers={name: images}"},
    )
    for other in (task.train, task.validation, *task.outliers.values()):
        if other is not None and other.shape != task.test.shape:
            raise BadValueError(f"{other.name}: expected images of shape {task.test.shape}, got {other.shape}")
    return task


def _classifier(model: nn.Module, task: Task) -> Classifier:
    classifier = wrap(model, task.test.x)
    if task.test.n_classes > classifier.n_classes:
        raise BadValueError(
            f"labels: expected 0..{classifier.n_classes - 1}, since the model gives {classifier.n_classes} logits, "
            f"got {task.test.n_classes} classes"
        )
    return classifier


def _observe(
    model: Classifier, task: Task, evaluations: Sequence[Evaluation], progress: Progress
) -> tuple[dict[str, Observations], dict[str, AssayError]]:
    """The observations, and the errors of the axes that have none; the first error where there is nothing else."""
    observed, errors = dict[str, Observations](), dict[str, AssayError]()
    for evaluation in evaluations:
        axis = evaluation.name
        try:
            observed[axis] = evaluation.observe(model, task, EVALUATION_SEED, partial(progress, axis))
        except AssayError as error:  # the other axes can be measured all the same
            errors[axis] = error
    if errors and not observed:
        raise next(iter(errors.values()))
    return observed, errors


def _measure(evaluation: Evaluation, observations: Observations) -> list[Measurement]:
    found = evaluation.measure(observations)
    if evaluation.name == Shift.name:
        found += corruption_errors_missing("one model alone has no baseline; a study has one")
    return found


@contextmanager
def _bar() -> Iterator[Progress]:
    """A bar on the terminal's error stream for each axis; nothing where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with ProgressBars(*columns, console=Console(stderr=True), transient=True) as bars:
        ids: dict[str, TaskID] = {}

        def show(axis: str, fraction: float) -> None:
            if axis not in ids:
                ids[axis] = bars.add_task(axis, total=1.0)
            bars.update(ids[axis], completed=fraction)

        yield show


def _unlabelled(images: Labelled | Tensor, name: str) -> Images:
    """Outliers need no labels: images alone get one class."""
    if isinstance(images, Tensor):
        return _images((images, torch.zeros(len(images), dtype=torch.int64)), name)
    return _images(images, name)


def _images(images: Labelled, name: str) -> Images:
    if isinstance(images, Images):
        return images
    pair = tuple(images) if isinstance(images, tuple | list) else (images,)
    if len(pair) != 2 or not all(isinstance(part, Tensor) for part in pair):
        came = ", ".join(type(part).__name__ for part in pair)
        raise BadValueError(f"{name}: expected Images or a pair of tensors (x, y), got {came}; torch.as_tensor helps")
    x, y = pair
    if y.is_floating_point():
        raise BadValueError(f"{name}: y: expected whole numbers, got {y.dtype}")
    if x.dtype != torch.uint8:
        return Images.from_floats(x, y, name=name)
    classes = tuple(str(label) for label in range(int(y.max()) + 1 if len(y) else 0))
    return Images(name=name, x=x.cpu(), y=y.to("cpu", torch.int64), classes=classes)
