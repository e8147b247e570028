"""Evaluate a model that is not ours: the same line, entered at the classifier."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd
import torch
from torch import Tensor, nn

from assay.classifier import wrap
from assay.data import Images, Task
from assay.errors import BadValueError
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Observations, Shift
from assay.parts import describe
from assay.provenance import describe_run
from assay.results import COLUMNS, Results, Trained, rows
from assay.study import EVALUATION_SEED

Labelled = Images | tuple[Tensor, Tensor]
EVALUATIONS: tuple[Evaluation, ...] = (Adversarial(images=1000), Shift(), Anomaly(), Calibration())


def ignore(axis: str, fraction: float) -> None:
    """Ignore progress."""


def evaluate(
    model: nn.Module,
    images: Labelled,
    *,
    train: Labelled | None = None,
    outliers: Mapping[str, Images] | None = None,
    evaluations: Sequence[Evaluation] = EVALUATIONS,
    name: str = "model",
    device: str = "cpu",
    progress: Callable[[str, float], None] = ignore,
) -> Results:
    """Measure a model on every axis.

    Args:
        model: any module that maps images (B, C, H, W) in [0, 1] to logits (B, K).
        images: test images with their labels: `Images`, or (x, y) with x float in [0, 1] or uint8, y int64.
        train: images that it was trained on, for anomaly scores that are fitted (ViM); without them those scores are
            reported as not measured.
        outliers: anomalous sets by name, of the same shape; without any, anomaly detection is reported as not measured.
        evaluations: what to measure.
        name: what the model is called in tables.
        device: where to run; the model is moved there.
        progress: called with the axis and the fraction done.

    Returns:
        Results with the tidy table; `write_report(results, folder)` draws it.

    Raises:
        BadValueError: images outside [0, 1], NaN, no images, labels outside the model's classes, sets whose images
            differ in shape.
        ContractError: the model does not give finite logits (B, K).
    """
    test = _images(images, "test")
    task = Task(
        name=name,
        test=test,
        train=None if train is None else _images(train, "train"),
        outliers=dict(outliers or {}),
        missing={} if outliers else {"outliers": "no outlier set was given; pass outliers={name: Images}"},
    )
    for other in (task.train, *task.outliers.values()):
        if other is not None and other.shape != test.shape:
            raise BadValueError(f"{other.name}: expected images of shape {test.shape}, got {other.shape}")
    classifier = wrap(model.to(device), test.x)
    if test.n_classes > classifier.n_classes:
        raise BadValueError(
            f"labels: expected 0..{classifier.n_classes - 1}, since the model gives {classifier.n_classes} logits, "
            f"got {test.n_classes} classes"
        )
    observed: dict[str, Observations] = {}
    table = []
    start = time.perf_counter()
    for evaluation in evaluations:
        label = evaluation.name
        found = evaluation.observe(classifier, task, EVALUATION_SEED, partial(progress, label))
        observed[label] = found
        table += rows(
            evaluation.measure(found), study=name, recipe=name, name=name, seed=0, evaluation=label, limited=False
        )
    run = describe_run(device, time.perf_counter() - start)
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
        missing=task.missing,
        provenance={
            "data": {"name": test.name, "images": {"test": len(test)}, "fingerprints": {"test": test.fingerprint}},
            "evaluations": {evaluation.name: describe(evaluation) for evaluation in evaluations},
            "command": "",
            "run": run,
        },
        load=lambda recipe, seed, evaluation: observed.get(evaluation) if (recipe, seed) == (name, 0) else None,
    )


def _images(images: Labelled, name: str) -> Images:
    if isinstance(images, Images):
        return images
    x, y = images
    if x.dtype != torch.uint8:
        return Images.from_floats(x, y, name=name)
    classes = tuple(str(label) for label in range(int(y.max()) + 1 if len(y) else 0))
    return Images(name=name, x=x.cpu(), y=y.to("cpu", torch.int64), classes=classes)
