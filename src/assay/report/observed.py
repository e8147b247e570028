"""What the figures take from per-example observations: ROC curves, reliability bins and example images."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assay.analysis.measures import absent
from assay.evaluations.anomaly import INSIDE
from assay.evaluations.base import Observations
from assay.metrics.calibration import reliability_bins
from assay.png import data_uri
from assay.results import Results

BINS = 15
GRID = np.unique(np.concatenate([[0.0], np.logspace(-4, 0, 61), np.linspace(0, 1, 41)]))  # false positive rates drawn
PICTURES = 5  # example images shown of each recipe

Json = dict[str, Any]


class Pictures:
    """The distinct pictures of a page: each is kept once, and figures name it by its place."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, x: Tensor) -> int:
        """The place of an image (C, H, W), which is added where it is new."""
        return self.places.setdefault(data_uri(x), len(self.places))


def load(results: Results, recipe: str, evaluation: str) -> Observations | str:
    """Observations of the first seed that has them, or the sentence that says why there are none."""
    for seed in results.seeds:
        observations = results.load(recipe, seed, evaluation)
        if observations is not None:
            return observations
    return absent(results, recipe, evaluation)


def by_set(observations: Observations) -> dict[str, dict[str, Tensor]]:
    """The scores that observations hold: set -> score -> (N,). A set's name may hold a slash, a score's none."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, values in observations.tensors.items():
        if name.startswith("score/"):
            group, score = name.removeprefix("score/").rsplit("/", 1)
            found.setdefault(group, {})[score] = values
    return found


def roc(observations: Observations) -> Json:
    """True positive rates on GRID, by outlier set and score: {"kmnist": {"msp": [...]}}, anomaly = positive."""
    scores = by_set(observations)
    ordinary = scores.pop(INSIDE, {})
    return {
        group: {score: _curve(ordinary[score], values) for score, values in own.items() if score in ordinary}
        for group, own in scores.items()
    }


def _curve(negatives: Tensor, positives: Tensor) -> list[float]:
    """For each rate of GRID, the highest true positive rate of a threshold that flags no more negatives than that.

    These are exact points of the ROC curve's steps on a grid that all curves share; `metrics.detection.roc_curve` thins
    each curve to points of its own, which costs more time and, on a logarithmic axis, the detail at few false alarms.
    """
    falling, rising = negatives.double().sort(descending=True).values, positives.double().sort().values
    allowed = torch.from_numpy(np.floor(GRID * len(falling) + 1e-9)).long()
    limit = torch.cat([falling, falling.new_full((1,), -math.inf)])[allowed]  # what is above it is flagged
    caught = 1 - torch.searchsorted(rising, limit, right=True).double() / len(rising)
    return [round(float(value), 4) for value in caught]


def reliability(observations: Observations) -> Json:
    """Confidence, accuracy and count of each of BINS bins of the predicted class's probability."""
    logits, labels = observations.tensors["logits"].double(), observations.tensors["labels"]
    confidence, predicted = logits.softmax(1).max(1)
    bins = reliability_bins(confidence, predicted == labels, BINS)
    return {
        "confidence": [_number(value) for value in bins.confidence],
        "accuracy": [_number(value) for value in bins.accuracy],
        "count": [int(value) for value in bins.count],
    }


def _number(value: Tensor) -> float | None:
    return round(float(value), 4) if bool(torch.isfinite(value)) else None


def attacked(observations: Observations, pictures: Pictures) -> Json | str:
    """Example images as they were and as attacked at each budget, with the model's predictions."""
    return _examples(observations, pictures, prefix="example/adversarial/", label="ε = {}")


def corrupted(observations: Observations, pictures: Pictures) -> Json | str:
    """Example images as they were and under each corruption, with the model's predictions."""
    return _examples(observations, pictures, prefix="example/", label="{}")


def _examples(observations: Observations, pictures: Pictures, *, prefix: str, label: str) -> Json | str:
    tensors = observations.tensors
    if "example/clean" not in tensors:
        return "the evaluation kept no example images"
    names = [name.removeprefix(prefix) for name in tensors if name.startswith(prefix)]
    names = sorted((name for name in names if name not in ("clean", "label") and "/" not in name), key=_by_number)
    columns = [_column(tensors, "clean", "example/clean", "as it was", pictures)]
    columns += [_column(tensors, name, prefix + name, label.format(name.replace("_", " ")), pictures) for name in names]
    labels = tensors.get("example/label")
    return {"labels": [] if labels is None else _integers(labels), "columns": columns}


def _by_number(name: str) -> tuple[float, str]:
    """Budgets in ascending order, names by the alphabet: a store keeps no order."""
    try:
        return float(name), name
    except ValueError:
        return math.inf, name


def _column(tensors: Mapping[str, Tensor], name: str, key: str, title: str, pictures: Pictures) -> Json:
    predictions = tensors.get(f"example/prediction/{name}")
    return {
        "title": title,
        "images": [pictures.place(x) for x in tensors[key][:PICTURES]],
        "predictions": [] if predictions is None else _integers(predictions),
    }


def _integers(values: Tensor) -> list[int]:
    return [int(value) for value in values[:PICTURES]]


def collect_observed(results: Results, recipes: list[str]) -> tuple[Json, dict[str, dict[str, str]]]:
    """Everything that figures take from observations of these recipes, and the evaluations' notes.

    Returns:
        The figures' data, where a recipe's part is either data or a sentence that says why there is none; and
        the notes: note's name -> recipe -> text.
    """
    pictures, notes = Pictures(), dict[str, dict[str, str]]()
    data: Json = {"roc": {}, "reliability": {}, "attacked": {}, "corrupted": {}}
    parts: dict[str, dict[str, Callable[[Observations], Json | str]]] = {
        "adversarial": {"attacked": lambda seen: attacked(seen, pictures)},
        "shift": {"corrupted": lambda seen: corrupted(seen, pictures)},
        "anomaly": {"roc": roc},
        "calibration": {"reliability": reliability},
    }
    for recipe in recipes:
        for evaluation, makers in parts.items():
            observations = load(results, recipe, evaluation)
            for part, make in makers.items():
                data[part][recipe] = observations if isinstance(observations, str) else make(observations)
            if isinstance(observations, Observations):
                for name, text in observations.notes.items():
                    notes.setdefault(name, {})[recipe] = text
    data["images"] = list(pictures.places)
    data["grid"] = [round(float(rate), 6) for rate in GRID]
    return data, notes
