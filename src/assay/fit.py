"""The one training loop: a recipe, images and a seed give a classifier.

Everything drawn comes from the seed: initialisation and dropout from the global stream inside `fork_rng`, the order of
the images and the pipeline from generators of their own. One seed gives bit-identical weights on one machine with one
thread.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from assay.adam import Adam
from assay.architectures import Ensemble
from assay.attacks import Attack
from assay.attacks.norms import Norm
from assay.attacks.watch import Look, look
from assay.classifier import Classifier, device_of, evaluating, predict, to_unit
from assay.data import Images, sample
from assay.errors import AssayError, BadValueError, ContractError
from assay.objectives import Batch, Free
from assay.outliers import Draw, OutlierSource
from assay.randomness import derive, global_streams
from assay.recipe import Recipe
from assay.weights import Course, Weights

VERSION = 1  # bumped when the loop gives other weights for the same recipe
WINDOW = 25  # steps between two looks at the loss: reading it makes a GPU wait
VALIDATION = 1000  # validation images looked at after each epoch
ATTACKED = 250  # of those, how many are attacked where training moves images


class DivergedError(AssayError):
    """Training whose loss or logits are not finite."""


class Step(NamedTuple):
    """How far training is: loss and accuracy are means over the last steps."""

    epoch: int
    epochs: int
    seen: int
    total: int
    loss: float
    accuracy: float


class Epoch(NamedTuple):
    """One epoch: mean training loss and accuracy, as trained on, and what was seen on validation images, if there are.

    Where the recipe trains on moved images, `robust_accuracy` and `fgsm_accuracy` are those of `assay.attacks.watch` in
    the ball of the training, on a fixed sample of validation images. Where one training gives several networks, what is
    seen is the network on its way.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_accuracy: float | None
    robust_accuracy: float | None = None
    fgsm_accuracy: float | None = None


class Fitted(NamedTuple):
    """A trained classifier, in evaluation mode, with its history."""

    model: Classifier
    history: list[Epoch]


def ignore(step: Step) -> None:
    """Ignore progress."""


def fit(
    recipe: Recipe,
    images: Images,
    *,
    seed: int,
    validation: Images | None = None,
    outliers: Mapping[str, Images] = MappingProxyType({}),
    start: Mapping[str, Tensor] | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[Step], None] = ignore,
) -> Fitted:
    """Train one classifier.

    Args:
        recipe: what to train; an ensemble's members are trained one by one with `recipe.member`.
        images: the training images; kept in memory on the device, as uint8.
        seed: determines every draw.
        validation: looked at after each epoch; it changes nothing.
        outliers: the data sets that `recipe.exposure` names, to train on.
        start: for a recipe with tuning, the state of the model that `fit(recipe.first, ...)` gave.
        device: where to train.
        progress: called every few steps.

    Raises:
        BadValueError: the recipe is an ensemble's or has a part after training (`posthoc`), or it has tuning and there
            is no start, or the reverse; or the images are no `Images`.
        MissingDataError: a set of outliers is not among those given.
        DivergedError: the loss, or a logit of a validation image, is not finite.
    """
    check_images(images)
    if recipe.members > 1:
        raise BadValueError("recipe: expected one model, got an ensemble; train recipe.member with several seeds")
    if recipe.posthoc is not None:
        raise BadValueError(
            f"recipe: expected none with {recipe.posthoc.name}; train recipe.member, then recipe.posthoc.fit(...)"
        )
    if recipe.tuning is not None and start is None:
        raise BadValueError("start: a recipe with tuning needs one; pass fit(recipe.first, ...).model.state_dict()")
    if recipe.tuning is None and start is not None:
        raise BadValueError("start: expected none, since the recipe has no tuning that would go on from it")
    model = build(replace(recipe, weights=None), images.shape, images.n_classes, seed).to(device)
    recipe, images = recipe.last, sample(images, recipe.last.train.images)
    normalise = getattr(model, "normalise", None)
    if start is not None:
        model.load_state_dict(start)
        seed = derive(seed, "tuning").initial_seed()  # other draws than those of the first training
    elif normalise is not None:
        normalise.fit(images.x)
    draw = _opened(recipe, outliers)
    gathering = None if recipe.weights is None else _Gathering(recipe.weights, _course(recipe, images))
    history = []
    with global_streams(derive(seed, "dropout").initial_seed(), device):
        for epoch, loss, accuracy in _epochs(model, recipe, images, draw, seed, progress, gathering):
            history.append(Epoch(epoch, loss, accuracy, *seen_after(model, recipe, validation, seed)))
    if gathering is not None:
        states = gathering.collector.states(model, derive(seed, gathering.weights.name))
        model = build(recipe, images.shape, images.n_classes, seed).to(device)
        for network, state in zip(model.members, states, strict=True):
            network.load_state_dict(state)
    return Fitted(model.eval(), history)


def check_images(images: object) -> None:
    """Raise BadValueError unless these are images to train on."""
    if not isinstance(images, Images):
        came = type(images).__name__
        raise BadValueError(f"images: expected Images, got {came}; Images.from_floats(x, y) makes them")


def _course(recipe: Recipe, images: Images) -> Course:
    a_epoch = -(-len(images) // recipe.train.batch_size)
    return Course(recipe.train.learning_rate, recipe.train.epochs * a_epoch, recipe.epochs * a_epoch)


class _Gathering:
    """Sets the learning rate of each step, and looks at the network where the recipe's `weights` want it."""

    def __init__(self, weights: Weights, course: Course) -> None:
        self.weights, self.course, self.step = weights, course, 0
        self.marks, self.collector = frozenset(weights.marks(course)), weights.collector()

    def before(self, optimiser: Adam) -> None:
        optimiser.learning_rate = self.weights.rate(self.step, self.course)

    def after(self, model: Classifier) -> None:
        self.step += 1
        if self.step in self.marks:
            self.collector.add(model)


def _opened(recipe: Recipe, outliers: Mapping[str, Images]) -> Draw | None:
    """The recipe's source of outliers, ready to draw, or None where its objective has none."""
    source: OutlierSource | None = getattr(recipe.objective, "source", None)
    return None if source is None else source.open(outliers)


def build(recipe: Recipe, shape: tuple[int, int, int], n_classes: int, seed: int) -> Classifier:
    """Build the recipe's untrained network on the CPU; the seed alone determines its weights.

    Where one training gives several networks, they are an `Ensemble` of copies of the one that it starts from.
    """
    if recipe.weights is not None:
        network = build(replace(recipe, weights=None), shape, n_classes, seed)
        return Ensemble([copy.deepcopy(network) for _ in range(recipe.weights.networks)])
    with global_streams(derive(seed, "initialisation").initial_seed(), "cpu"):
        model = recipe.architecture.build(shape, n_classes)
    # Channels last: the same values to rounding, and 1.4 x the speed on a CPU (benchmarks/training.py).
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _epochs(
    model: Classifier,
    recipe: Recipe,
    images: Images,
    draw: Draw | None,
    seed: int,
    progress: Callable[[Step], None],
    gathering: _Gathering | None,
) -> Iterator[tuple[int, float, float]]:
    """Train epoch by epoch; yield (epoch from 1, mean loss, mean accuracy) after each."""
    device = device_of(model)
    x, y = images.x.to(device), labels_for(recipe, images).to(device)
    optimiser = Adam(model.parameters(), recipe.train.learning_rate)
    free = next((part for part in recipe.parts if isinstance(part, Free)), None)
    carried = torch.zeros((recipe.train.batch_size if free else 0, *x.shape[1:]), device=device)
    order, draws, strange = derive(seed, "order"), derive(seed, "pipeline"), derive(seed, "outliers")
    size, epochs = recipe.train.batch_size, recipe.epochs
    for epoch in range(1, epochs + 1):
        model.train()
        window, whole = torch.zeros(3, device=device), torch.zeros(3, dtype=torch.float64)
        drawn = torch.randperm(len(x), generator=order).to(device)
        batches = torch.split(drawn, size)
        for number, index in enumerate(batches, start=1):
            clean = to_unit(x[index])
            batch = Batch(clean, y[index], None if draw is None else draw(clean, strange))
            batch = _prepare(model, recipe, batch, draws)
            if gathering is not None:
                gathering.before(optimiser)
            for given in _replayed(batch, free, carried):
                with diverging():
                    loss, logits = recipe.objective(model, given, draws)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                window += _sums(loss.detach(), logits.detach(), batch.y)
            if gathering is not None:
                gathering.after(model)
            if number % WINDOW == 0 or number == len(batches):
                check_window(window, epoch, number)
                seen = (epoch - 1) * len(x) + min(number * size, len(x))
                mean_loss, accuracy = (window[:2] / window[2]).tolist()
                progress(Step(epoch, epochs, seen, epochs * len(x), mean_loss, accuracy))
                whole += window.cpu()
                window.zero_()
        yield epoch, float(whole[0] / whole[2]), float(whole[1] / whole[2])


@contextmanager
def diverging() -> Iterator[None]:
    """Say what is wrong where an attack meets weights that have diverged before the loss is looked at."""
    try:
        yield
    except ContractError as error:
        raise DivergedError(f"training diverged or the model is at fault: {error}; lower the learning rate") from error


def _prepare(model: Classifier, recipe: Recipe, batch: Batch, generator: torch.Generator) -> Batch:
    x, y, outliers = batch
    for step in recipe.pipeline:
        if isinstance(step, Attack):
            with diverging(), evaluating(model):
                x = step(model, x, y, generator)
        else:
            x, y = step(x, y, generator)
    return Batch(x, y, outliers)


def _replayed(batch: Batch, free: Free | None, carried: Tensor) -> Iterator[Batch]:
    """The batch, once; for free adversarial training as often as it is replayed, moved by what is carried on.

    `carried` (N, C, H, W), for batches of at most N images, is updated in place once the loop has trained on what it
    was given: the backward pass that the weights learn from has left a gradient at the images too.
    """
    if free is None:
        yield batch
        return
    own = carried[: len(batch.x)]
    for _ in range(free.replays):
        moved = (batch.x + own).clamp_(0, 1).requires_grad_()
        yield batch._replace(x=moved)
        assert moved.grad is not None, "the loss depends on the images"
        own.copy_(free.climbed(own, moved.grad))


def labels_for(recipe: Recipe, images: Images) -> Tensor:
    """The labels in the form in which the recipe's pipeline wants them: (N,), or probabilities (N, K)."""
    if any(getattr(step, "needs_soft_labels", False) for step in recipe.pipeline):
        return one_hot(images.y, images.n_classes).float()
    return images.y


def _sums(loss: Tensor, logits: Tensor, y: Tensor) -> Tensor:
    """The batch's summed loss, how many images are right, and how many there are: (3,)."""
    labels = y if y.ndim == 1 else y.argmax(dim=1)
    correct = (logits.argmax(dim=1) == labels).sum()
    return torch.stack([loss * len(y), correct.to(loss), loss.new_tensor(float(len(y)))])


def check_window(window: Tensor, epoch: int, number: int) -> None:
    """Raise DivergedError unless the sums of the last steps are finite."""
    if not bool(window.isfinite().all()):
        raise DivergedError(
            f"training diverged: the loss is not finite in epoch {epoch} by step {number}; "
            "lower the learning rate or the weight of the objective"
        )


def seen_after(
    model: Classifier, recipe: Recipe, validation: Images | None, seed: int
) -> tuple[float | None, float | None, float | None]:
    """What is seen after an epoch, for `Epoch`: accuracy on validation images, under PGD, and under FGSM.

    Raises:
        DivergedError: a logit, or a gradient, is not finite.
    """
    if validation is None:
        return None, None, None
    seen = _accuracy(model, sample(validation, VALIDATION))
    if recipe.ball is None:
        return seen, None, None
    return seen, *_under_attack(model, sample(validation, ATTACKED), *recipe.ball, seed)


def _accuracy(model: Classifier, images: Images) -> float:
    try:
        correct = [out.logits.argmax(dim=1).cpu() for out in predict(model, images.x)]
    except ContractError as error:  # its shapes have served all epoch: what breaks now is a value
        raise DivergedError(
            "training diverged: the logits of validation images are not finite; lower the learning rate"
        ) from error
    return float((torch.cat(correct) == images.y).float().mean())


def _under_attack(model: Classifier, images: Images, eps: float, norm: Norm, seed: int) -> Look:
    """A look at the model under attack; it meets the same images and draws after each epoch."""
    device = device_of(model)
    with diverging():
        return look(model, to_unit(images.x, device), images.y.to(device), eps, norm, derive(seed, "watch"))
