"""One network of a stack, and the batches of all: each pipeline on its own batch, the attacks of all at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from assay.attacks import Attack
from assay.attacks.base import check_finite
from assay.augmentations import Augmentation
from assay.classifier import Classifier
from assay.data import Images
from assay.fit import DivergedError, Epoch, build, diverging, labels_for
from assay.randomness import derive
from assay.recipe import Recipe
from assay.stacks.ascent import Ascent, climb
from assay.stacks.networks import Stack


@dataclass(kw_only=True)
class One:
    """One network of a stack: its place among the recipes, its own draws, and what became of it."""

    place: int
    recipe: Recipe
    seed: int
    network: Classifier
    labels: Tensor
    order: torch.Generator
    draws: torch.Generator
    history: list[Epoch] = field(default_factory=list)
    failed: DivergedError | None = None

    def augmented(self, x: Tensor, y: Tensor, *, attacked: bool) -> tuple[Tensor, Tensor]:
        """The batch after the augmentations that come before the attack of the pipeline, or after it."""
        passed = False
        for step in self.recipe.pipeline:
            if isinstance(step, Augmentation) and passed == attacked:
                x, y = step(x, y, self.draws)
            passed = passed or isinstance(step, Attack)
        return x, y

    @property
    def ascent(self) -> Ascent | None:
        """The attack of the pipeline."""
        return next((Ascent.of(step) for step in self.recipe.pipeline if isinstance(step, Attack)), None)


def begin(place: int, recipe: Recipe, seed: int, images: Images, device: str | torch.device) -> One:
    """The untrained network of a recipe and a seed, as `fit` begins with it."""
    network = build(recipe, images.shape, images.n_classes, seed).to(device)
    normalise = getattr(network, "normalise", None)
    if normalise is not None:
        normalise.fit(images.x)
    return One(
        place=place,
        recipe=recipe,
        seed=seed,
        network=network.train(),
        labels=labels_for(recipe, images).to(device),
        order=derive(seed, "order"),
        draws=derive(seed, "pipeline"),
    )


def prepare(stack: Stack, ones: Sequence[One], clean: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Each network's pipeline on its own batch of clean images (N, B, C, H, W); the labels are (N, B) or (N, B, K)."""
    batches = [
        one.augmented(x, one.labels[own], attacked=False) for one, x, own in zip(ones, clean, index, strict=True)
    ]
    ascents = [one.ascent for one in ones]
    found = [ascent for ascent in ascents if ascent is not None]
    if not found:  # then every augmentation comes before
        return _joined(batches)
    x, y = _joined(batches)
    point, total = climb(stack, found, x, y, [one.draws for one in ones])
    _note_gradients(ones, found, total)
    ends = zip(ones, point, batches, strict=True)
    return _joined([one.augmented(end, own, attacked=True) for one, end, (_, own) in ends])


def _joined(batches: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Batches of images and labels as one; where the labels of some are probabilities, so are then all."""
    x, labels = zip(*batches, strict=True)
    classes = max((y.shape[1] for y in labels if y.ndim == 2), default=0)
    if classes:
        labels = tuple(y if y.ndim == 2 else one_hot(y, classes).float() for y in labels)
    return torch.stack(x), torch.stack(labels)


def _note_gradients(ones: Sequence[One], ascents: Sequence[Ascent], total: Tensor) -> None:
    """Let those networks fail whose attack has met a gradient that is not finite."""
    finite = total.isfinite().tolist()
    for one, ascent, own, fine in zip(ones, ascents, total, finite, strict=True):
        if not fine and one.failed is None:
            one.failed = failure(partial(check_finite, ascent.part, own))


def failure(check: Callable[[], None]) -> DivergedError:
    """What a check says that was found to fail."""
    try:
        with diverging():
            check()
    except DivergedError as error:
        return error
    raise AssertionError("the check fails where values are not finite")
