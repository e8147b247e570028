"""Robustness to distribution shift: accuracy on corrupted test images (Mu and Gilmer, 2019, MNIST-C).

`compare` sets a model's errors against a baseline's: mean corruption error (Hendrycks and Dietterich, 2019).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from assay.classifier import Classifier, device_of, predict_logits, to_unit
from assay.corruptions import MNIST_C, Corruption
from assay.data.images import Images
from assay.data.splits import sample
from assay.data.task import Task
from assay.errors import BadValueError
from assay.evaluations.base import Measurement, Observations, Progress, check_labels, no_progress
from assay.evaluations.corruption_error import compare
from assay.evaluations.robust_accuracy import accuracy, mean_accuracy
from assay.parts import check_count, describe
from assay.randomness import derive

__all__ = ["Shift", "compare"]

CHUNK = 1000  # images corrupted at once; a constant, since each chunk has its own draws


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Accuracy under each of several corruptions of the test images.

    The damage depends on the seed, the corruption and the place of the image in the (sampled) test set alone, so that
    all models meet the same damaged images. One damaged chunk is held at a time.

    Attributes:
        corruptions: distinct ones; a corruption is called as it prints, such as "fog" or "fog(decay=1.7)".
        images: corrupt a fixed random sample of that many images; None takes all.
        examples: images kept with their damaged versions.

    Raises:
        BadValueError: corruptions are none or not distinct, images is not >= 1, or examples not >= 0.
    """

    name: ClassVar[str] = "shift"
    version: ClassVar[int] = 1
    uses: ClassVar[tuple[str, ...]] = ("test",)
    stacks: ClassVar[bool] = True
    passes: ClassVar[float] = 30.0

    corruptions: tuple[Corruption, ...] = MNIST_C
    images: int | None = None
    examples: int = 4

    def __post_init__(self) -> None:
        if not self.corruptions or len(set(self.labels)) < len(self.labels):
            raise BadValueError(
                f"shift: corruptions: expected at least one, all different, got ({', '.join(self.labels)})"
            )
        if self.images is not None:
            check_count(self.name, "images", self.images)
        check_count(self.name, "examples", self.examples, low=0)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each corruption is called: its printed form."""
        return tuple(describe(corruption) for corruption in self.corruptions)

    def observe(self, model: Classifier, task: Task, seed: int, progress: Progress = no_progress) -> Observations:
        """Predict the clean and the corrupted test images.

        Returns:
            Tensors, for N images: "clean" and "correct/<corruption>" (N,) bool, true where the model is right; for the
            first k images "example/clean" and "example/<corruption>" (k, C, H, W) uint8, "example/label",
            "example/prediction/clean" and "example/prediction/<corruption>" (k,) int64.

        Raises:
            BadValueError: a label lies outside the model's classes.
            ContractError: the model breaks its contract.
        """
        images = sample(task.test, self.images)
        check_labels(images, model)
        predicted = predict_logits(model, images.x).argmax(1)
        tensors = {"clean": predicted == images.y}
        if self.examples:
            kept = {"example/clean": images.x, "example/label": images.y, "example/prediction/clean": predicted}
            tensors |= {name: values[: self.examples].clone() for name, values in kept.items()}
        for number, (label, corruption) in enumerate(zip(self.labels, self.corruptions, strict=True), start=1):
            tensors |= self._observe_one(model, images, label, corruption, seed)
            progress(number / len(self.corruptions))
        return Observations(tensors=tensors)

    def _observe_one(
        self, model: Classifier, images: Images, label: str, corruption: Corruption, seed: int
    ) -> dict[str, Tensor]:
        correct, tensors = [], {}
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            x = corruption(to_unit(images.x[part], device_of(model)), derive(seed, self.name, label, start))
            predicted = predict_logits(model, x).argmax(1)
            correct.append(predicted == images.y[part])
            if start == 0 and self.examples:
                tensors[f"example/{label}"] = (x[: self.examples] * 255).round().to("cpu", torch.uint8)
                tensors[f"example/prediction/{label}"] = predicted[: self.examples].clone()
        return {f"correct/{label}": torch.cat(correct), **tensors}

    def measure(self, observations: Observations) -> list[Measurement]:
        """Turn observations into measurements.

        "accuracy" for {"corruption": "clean"} and each corruption (Wilson's interval), and "mean_accuracy" over the
        corruptions, without clean (bootstrap over images, since the results of one image go together).
        """
        right = {label: observations.tensors[f"correct/{label}"] for label in self.labels}
        single = [accuracy({"corruption": label}, hits) for label, hits in right.items()]
        clean = accuracy({"corruption": "clean"}, observations.tensors["clean"])
        return [clean, *single, mean_accuracy({}, torch.stack(list(right.values())))]
