"""Anomaly scores of one model over sets of images: fitted once, then one forward pass over each set for all of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from assay.classifier import CHUNK, Classifier, predict, predict_all
from assay.data.images import Images
from assay.data.splits import sample
from assay.errors import BadValueError, ContractError, GradientError
from assay.evaluations.base import Progress
from assay.scores.base import AnyScore, Fitted, FittedToImages, ImageScore, Training


class FittedScores(NamedTuple):
    """Scores fitted to one model, by name, and the reasons why the others could not be."""

    functions: dict[str, FittedToImages]
    reasons: dict[str, str]


class Scored(NamedTuple):
    """Of N images: each score (N,) float32 by name, higher = more anomalous, and the logits (N, K); on the CPU."""

    scores: dict[str, Tensor]
    logits: Tensor


def fit_scores(
    scores: Sequence[AnyScore],
    model: Classifier,
    train: Images | None,
    *,
    probe: Images,
    images: int | None = None,
) -> FittedScores:
    """Fit scores of different names to a model, in one forward pass over the training images where one needs them.

    Args:
        scores: which.
        model: any classifier.
        train: training images with labels, or None.
        probe: images of the kind to be scored: scores that run the model again are tried on the first.
        images: take a fixed random sample of that many training images; None takes all.

    Raises:
        ContractError: the model breaks its contract.
    """
    outputs = None
    if train is not None and any(score.needs_train for score in scores):
        chosen = sample(train, images)
        outputs = Training(*predict_all(model, chosen.x), chosen.y)
    fitted = FittedScores({}, {})
    for score in scores:
        try:
            if isinstance(score, ImageScore):
                function = score.fit(model, outputs)
                function(next(predict(model, probe.x[:1])), probe.x[:1])
                fitted.functions[score.name] = function
            else:
                fitted.functions[score.name] = _blind(score.fit(model, outputs))
        except (BadValueError, GradientError) as error:
            fitted.reasons[score.name] = str(error)
    return fitted


def _blind(function: Fitted) -> FittedToImages:
    return lambda outputs, _: function(outputs)


def score_images(
    model: Classifier, images: Images, fitted: FittedScores, tick: Callable[[int], None] = lambda _: None
) -> Scored:
    """Score every image in one forward pass.

    Args:
        model: the one that the scores were fitted to.
        images: what to score.
        fitted: what `fit_scores` gave.
        tick: called with the number of images that were done since the last call.

    Raises:
        ContractError: a score is not finite, or the model breaks its contract.
    """
    pieces: dict[str, list[Tensor]] = {name: [] for name in fitted.functions}
    logits = []
    for x, outputs in zip(torch.split(images.x, CHUNK), predict(model, images.x, chunk=CHUNK), strict=True):
        for name, function in fitted.functions.items():
            pieces[name].append(function(outputs, x).float().cpu())
        logits.append(outputs.logits.cpu())
        tick(len(x))
    scores = {name: torch.cat(parts) for name, parts in pieces.items()}
    for name, values in scores.items():
        if values.shape != (len(images),) or not bool(values.isfinite().all()):
            raise ContractError(
                f"score {name}: expected {len(images)} finite numbers on {images.name}, got NaN, infinity or "
                f"shape {tuple(values.shape)}"
            )
    return Scored(scores, torch.cat(logits))


def foreign(name: str, images: Images, test: Images) -> str:
    """Why an outlier set of another shape than the test set is not scored."""
    return f"{name}: expected images of shape {test.shape} as the test set has, got {images.shape}; convert them first"


def ticks(total: int, progress: Progress) -> Callable[[int], None]:
    """A function that reports so many more images done of `total`."""
    done = 0

    def tick(images: int) -> None:
        nonlocal done
        done += images
        progress(done / total)

    return tick
