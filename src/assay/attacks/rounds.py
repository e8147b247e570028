"""Climbing from one start after another, or to one target after another: each round meets what still stands."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks.base import Goal
from assay.classifier import Classifier


class Found(NamedTuple):
    """What a climb finds: where each image was first fooled, else its best point; the loss there; whether fooled."""

    points: Tensor
    loss: Tensor
    fooled: Tensor


Climb = Callable[[Classifier, Tensor, Tensor, Goal], Found]  # a model, images, starts, a goal


def in_rounds(
    climb: Climb, model: Classifier, x: Tensor, todo: Tensor, rounds: Iterator[tuple[Tensor, Goal]]
) -> Tensor:
    """Climb from each round's starts to its goal, with the images that still stand.

    Args:
        climb: takes the images that stand, their starts and their goal.
        model: the classifier.
        x: (B, C, H, W).
        todo: which images to attack (n,).
        rounds: the starts (B, C, H, W) and the goal of each, for the whole batch, whoever stands.

    Returns:
        (B, C, H, W): where an image was first fooled, else its point of the highest loss, else the image.
    """
    points, best = x.clone(), x.new_full((len(x),), -torch.inf)
    for start, goal in rounds:
        if len(todo) == 0:
            break
        found = climb(model, x[todo], start[todo], goal.take(todo))
        better = found.fooled | (found.loss > best[todo])
        points[todo[better]], best[todo[better]] = found.points[better], found.loss[better]
        todo = todo[~found.fooled]
    return points
