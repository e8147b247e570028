"""Train a stack: the training loop of `assay.fit`, for many recipes at once.

Each network keeps its own seed, and from it its own initialisation, order of the images, pipeline and dropout: the
weights are those that `fit` gives, but for the rounding of sums that are taken in another order. A network that
diverges fails alone.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from assay.adam import Adam
from assay.classifier import to_unit
from assay.data import Images, sample
from assay.errors import BadValueError
from assay.fit import WINDOW, DivergedError, Epoch, Fitted, Step, check_images, check_window, seen_after
from assay.randomness import global_streams
from assay.recipe import Recipe
from assay.stacks.batches import One, begin, failure, prepare
from assay.stacks.networks import Stack
from assay.stacks.streams import Streams
from assay.stacks.which import family, why_alone


def ignore(place: int, step: Step) -> None:
    """Ignore progress."""


def fit_stack(
    recipes: Sequence[Recipe],
    images: Images,
    *,
    seeds: Sequence[int],
    validation: Images | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[int, Step], None] = ignore,
) -> list[Fitted | DivergedError]:
    """Train classifiers together, each as `fit` would alone.

    Args:
        recipes: of one family, see `assay.stacks.family`; one may stand there several times, with different seeds.
        images: the training images of all.
        seeds: one for each recipe.
        validation: as for `fit`.
        device: where to train.
        progress: called every few steps for each network that has not failed, with its place among the recipes.

    Returns:
        For each recipe what `fit` gives, or the error that it raises where training diverges.

    Raises:
        BadValueError: there is no recipe, not as many seeds as recipes, a recipe does not stack, or two do not share
            architecture, objective, training settings or the norm of their attacks; or the images are no `Images`.
    """
    check_images(images)
    _check_recipes(recipes, seeds)
    images = sample(images, recipes[0].train.images)
    ones = [
        begin(place, recipe, seed, images, device)
        for place, (recipe, seed) in enumerate(zip(recipes, seeds, strict=True))
    ]
    ones.sort(key=lambda one: 0 if one.ascent is None else -one.ascent.steps)  # as `climb` wants them
    with global_streams(0, device):  # only so that the streams are put back: each network has a seed of its own
        _train(ones, images, validation, torch.device(device), progress)
    ones.sort(key=lambda one: one.place)
    return [Fitted(one.network.eval(), one.history) if one.failed is None else one.failed for one in ones]


def _check_recipes(recipes: Sequence[Recipe], seeds: Sequence[int]) -> None:
    if not recipes or len(recipes) != len(seeds):
        raise BadValueError(f"seeds: expected one for each of the recipes, got {len(seeds)} for {len(recipes)}")
    for recipe in recipes:
        why = why_alone(recipe)
        if why is not None:
            raise BadValueError(f"recipes: {recipe.label}: {why}; train it with fit")
        if family(recipe) != family(recipes[0]):
            raise BadValueError(
                f"recipes: {recipe.label} and {recipes[0].label} differ in architecture, objective, training settings "
                "or the norm of their attacks; train them in stacks of their own"
            )


def _train(
    ones: list[One],
    images: Images,
    validation: Images | None,
    device: torch.device,
    progress: Callable[[int, Step], None],
) -> None:
    """Train epoch by epoch; networks, histories and failures are left in `ones`."""
    train, x = ones[0].recipe.train, images.x.to(device)
    streams = Streams(ones[0].network, images.shape, [one.seed for one in ones])
    stack = Stack([one.network for one in ones])
    optimiser = Adam(stack.parameters.values(), train.learning_rate)
    for epoch in range(1, train.epochs + 1):
        means = _epoch(stack, optimiser, ones, x, streams, epoch, progress)
        if all(one.failed for one in ones):
            return
        stack.give_back([one.network for one in ones])
        for one, (loss, accuracy) in zip(ones, means, strict=True):
            _end_epoch(one, Epoch(epoch, loss, accuracy, None), validation)


def _epoch(
    stack: Stack,
    optimiser: Adam,
    ones: Sequence[One],
    x: Tensor,
    streams: Streams,
    epoch: int,
    progress: Callable[[int, Step], None],
) -> list[tuple[float, float]]:
    """One epoch on the images x (N, C, H, W), as uint8; mean loss and accuracy of each network."""
    train, objective = ones[0].recipe.train, ones[0].recipe.objective
    window, whole = torch.zeros(len(ones), 3, device=x.device), torch.zeros(len(ones), 3, dtype=torch.float64)
    drawn = torch.stack([torch.randperm(len(x), generator=one.order) for one in ones]).to(x.device)
    batches = torch.split(drawn, train.batch_size, dim=1)
    for number, index in enumerate(batches, start=1):
        moved, y = prepare(stack, ones, to_unit(x[index]), index)
        loss, logits = stack.losses(objective, moved, y, streams.draw(index.shape[1]))
        optimiser.zero_grad()
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        window += _sums(loss.detach(), logits.detach(), y)
        if number % WINDOW == 0 or number == len(batches):
            _note(ones, window, epoch, number)
            seen = (epoch - 1) * len(x) + min(number * train.batch_size, len(x))
            for one, means in zip(ones, _means(window), strict=True):
                if one.failed is None:
                    progress(one.place, Step(epoch, train.epochs, seen, train.epochs * len(x), *means))
            whole += window.cpu()
            window.zero_()
        if all(one.failed for one in ones):
            break
    return _means(whole)


def _means(sums: Tensor) -> list[tuple[float, float]]:
    """Mean loss and accuracy of each network, of sums (N, 3)."""
    return [(loss, accuracy) for loss, accuracy in (sums[:, :2] / sums[:, 2:]).tolist()]


def _sums(loss: Tensor, logits: Tensor, y: Tensor) -> Tensor:
    """Summed loss, how many images are right, and how many there are, of each network: (N, 3)."""
    labels = y if y.ndim == 2 else y.argmax(dim=2)
    correct = (logits.argmax(dim=2) == labels).sum(dim=1)
    return torch.stack([loss * y.shape[1], correct.to(loss), torch.full_like(loss, y.shape[1])], dim=1)


def _note(ones: Sequence[One], window: Tensor, epoch: int, number: int) -> None:
    """Let those networks fail whose sums of the last steps are not finite."""
    finite = window.isfinite().all(1).tolist()
    for one, own, fine in zip(ones, window, finite, strict=True):
        if not fine and one.failed is None:
            one.failed = failure(partial(check_window, own, epoch, number))


def _end_epoch(one: One, epoch: Epoch, validation: Images | None) -> None:
    if one.failed is not None:
        return
    try:
        seen = seen_after(one.network, one.recipe, validation, one.seed)
    except DivergedError as error:
        one.failed = error
    else:
        one.history.append(Epoch(*epoch[:3], *seen))
