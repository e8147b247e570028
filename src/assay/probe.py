"""How fast this machine is: short runs of the real training and the real evaluations on one thread.

Every run is made at two lengths, after a warm-up in which kernels are compiled; the difference gives the rate, and what
is left over the fixed cost. Long runs are made twice: how far the second is from the first is the probe's own noise.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import replace

import torch

from assay.architectures import Architecture
from assay.attacks import PGD
from assay.augmentations import Augmentation
from assay.cells import compute
from assay.classifier import Classifier, to_unit
from assay.data import Images, Task, sample
from assay.estimate import EvaluationRate, Kind, Rates, TrainingRate, kind_of
from assay.evaluations import Adversarial, Evaluation, honesty
from assay.fit import build, fit
from assay.packing import pack_weights
from assay.plan import EvaluateCell, Plan, TrainCell
from assay.randomness import derive
from assay.recipe import Recipe, Train

BUDGET = 8.0  # seconds that the long runs share; with the short ones the whole takes about three times that
FEW = 16  # images of an evaluation's short run, and of its warm-up
ATTACKED = 100  # images of an evaluation by attacks
FURTHER = 3  # steps of its long run
BATCHES = 4  # of a training's short run
STEPS = 8  # of the attack that tells what a step costs
CALLS = 50  # of an augmentation
SURE = 30.0  # added to one logit, so that no attack changes the class: the others' probability is about 1e-13
UNDEFENDED = Train(epochs=1, learning_rate=1e-3, images=1000)  # enough to be right on most images of MNIST

Progress = Callable[[float, str], None]  # the fraction done in [0, 1], and a few words


def ignore(fraction: float, text: str) -> None:
    """Ignore progress."""


def probe(plan: Plan, found: Set[str], *, budget: float = BUDGET, progress: Progress = ignore) -> Rates:
    """Measure the rates that `estimate` needs for the cells of the plan that are not in `found`.

    Nothing is stored. It may be interrupted at any time.

    Args:
        plan: the cells.
        found: keys of the cells that the store has.
        budget: seconds that the long runs share.
        progress: called before each measurement and at the end.
    """
    training = [cell for cell in plan.training if cell.key not in found]
    evaluating = [cell for cell in plan.evaluating if cell.key not in found]
    kinds = dict.fromkeys(kind_of(cell.recipe) for cell in training)
    groups: dict[tuple[Architecture, str], list[EvaluateCell]] = {}
    for cell in evaluating:
        groups.setdefault((cell.recipe.architecture, cell.evaluation.name), []).append(cell)
    with _one_thread():
        pieces = (
            len(kinds) + len(groups) + sum(any(cell.recipe.networks > 1 for cell in group) for group in groups.values())
        )
        watch = _Watch(progress, budget, pieces)
        trained = {kind: _training(kind, training, plan.task, watch) for kind in kinds}
        augmentations = _augmentations(training, plan.task)
        evaluated = _evaluations(groups, plan.task, watch)
    progress(1.0, "measured")
    return Rates(
        training=trained,
        augmentations=augmentations,
        evaluations=evaluated,
        spread=watch.spread,
        took=time.perf_counter() - watch.started,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread inside, as a worker has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Watch:
    """Times what runs, shares the budget among the pieces, and keeps how far repeated runs differ."""

    def __init__(self, progress: Progress, budget: float, pieces: int) -> None:
        self.progress = progress
        self.share = budget / max(pieces, 1)
        self.pieces, self.begun = pieces, 0
        self.started = time.perf_counter()
        self.ratios: list[float] = []

    def begin(self, text: str) -> None:
        """Tell that the next piece begins."""
        self.progress(self.begun / self.pieces, text)
        self.begun += 1

    def once(self, work: Callable[[], object]) -> float:
        """Seconds of one run, while this thread has the core: what else the machine does now is not counted."""
        start = time.thread_time()
        work()
        return time.thread_time() - start

    def twice(self, work: Callable[[], object]) -> float:
        """Mean seconds of two runs."""
        first, second = self.once(work), self.once(work)
        self.ratios.append(max(first, second) / min(first, second) - 1)
        return (first + second) / 2

    @property
    def spread(self) -> float:
        """How far a repeated run was from the first, in the mean."""
        return sum(self.ratios) / len(self.ratios) if self.ratios else 0.0


def _training(kind: Kind, cells: list[TrainCell], task: Task, watch: _Watch) -> TrainingRate:
    assert task.train is not None, "a study's task has training images"
    watch.begin(f"training {kind.architecture.name}, batches of {kind.batch_size}")
    attacked = any(cell.recipe.attack_steps for cell in cells if kind_of(cell.recipe) == kind)
    train, images, size = Train(epochs=1, batch_size=kind.batch_size), task.train, kind.batch_size
    plain = Recipe(architecture=kind.architecture, objective=kind.objective, train=train)
    attack = replace(plain, pipeline=(PGD(eps=0.1, steps=STEPS),))

    def run(recipe: Recipe, batches: int, validation: Images | None = None) -> object:
        index = torch.arange(batches * size) % len(images)
        return fit(recipe, images.take(index), seed=0, validation=validation, outliers=task.exposure)

    run(plain, 1)
    short = watch.once(lambda: run(plain, BATCHES))
    many = _length(BATCHES, short, watch.share)
    image = _slope(short, watch.twice(lambda: run(plain, many)), (many - BATCHES) * size)
    step = 0.0
    if attacked:
        run(attack, 1)
        few = _length(BATCHES, watch.once(lambda: run(attack, BATCHES)), watch.share)
        clean = watch.once(lambda: run(plain, few))
        step = _slope(clean, watch.twice(lambda: run(attack, few)), few * size * STEPS)
    looked = watch.once(lambda: run(plain, BATCHES, task.validation))
    model = build(plain, images.shape, images.n_classes, seed=0)
    size_of_model = len(pack_weights(model.state_dict()))
    return TrainingRate(image=image, step=step, epoch=max(looked - short, 0.0), size=size_of_model)


def _length(short: int, seconds: float, wanted: float, most: float = float("inf")) -> int:
    """How long a run of about `wanted` seconds is: at least twice the short one, at most `most`."""
    return int(min(max(2 * short, short * wanted / seconds), most))


def _slope(short: float, long: float, more: int) -> float:
    """Seconds for each of the `more` units that the long run has beyond the short one.

    Where noise makes the short run the longer one, the whole long run is counted, which overstates.
    """
    return (long - short if long > short else long) / more


def _augmentations(cells: list[TrainCell], task: Task) -> dict[tuple[Augmentation, int], float]:
    """Seconds for an image, for each augmentation and batch size."""
    assert task.train is not None, "a study's task has training images"
    wanted = dict.fromkeys(
        (step, cell.recipe.last.train.batch_size)
        for cell in cells
        for step in cell.recipe.pipeline
        if isinstance(step, Augmentation)
    )
    rates = {}
    for augmentation, size in wanted:
        batch = task.train.take(torch.arange(size) % len(task.train))
        x, y = to_unit(batch.x), torch.nn.functional.one_hot(batch.y, batch.n_classes).float()
        draws = derive(0, "probe")
        augmentation(x, y, draws)
        start = time.thread_time()
        for _ in range(CALLS):
            augmentation(x, y, draws)
        rates[augmentation, size] = (time.thread_time() - start) / (CALLS * size)
    return rates


def _evaluations(
    groups: Mapping[tuple[Architecture, str], list[EvaluateCell]], task: Task, watch: _Watch
) -> dict[tuple[Architecture, str], EvaluationRate]:
    """The rates by architecture and evaluation; how early attacks stop is measured on the first architecture alone."""
    rates: dict[tuple[Architecture, str], EvaluationRate] = {}
    early: dict[str, float] = {}
    for (architecture, name), cells in groups.items():
        watch.begin(f"{name} of {architecture.name}")
        single = replace(cells[0], recipe=cells[0].recipe.network)
        seconds, size = _measured(single, task, watch)
        if name not in early:
            early[name] = _early(single, task, seconds, watch)
        larger, member = [cell.recipe.networks for cell in cells if cell.recipe.networks > 1], 0.0
        if larger:
            watch.begin(f"{name} of an ensemble of {architecture.name}")
            several = replace(single, recipe=replace(single.recipe, members=min(larger)))
            together, size = _measured(several, task, watch)
            member = max(together - seconds, 0.0) / (min(larger) - 1)
        rates[architecture, name] = EvaluationRate(seconds=seconds, member=member, early=early[name], size=size)
    return rates


def _measured(cell: EvaluateCell, task: Task, watch: _Watch) -> tuple[float, int]:
    """Seconds and bytes of an evaluation on all its images."""
    run = _Evaluating(cell, task)
    evaluation = cell.evaluation
    if isinstance(evaluation, Adversarial):
        return _under_attack(evaluation, run, watch)
    few = min(FEW, run.whole)
    run(few)
    short = watch.once(lambda: run(few))
    middle = min(4 * few, run.whole)
    slope = _slope(short, watch.once(lambda: run(middle)), max(middle - few, 1))
    small = run.size  # not of the short run, which has too few images for every score
    part = min(max(2 * middle, int(watch.share / slope)), run.whole)
    long = watch.once(lambda: run(part))
    rest = run.whole - part
    size = run.size + rest * (run.size - small) / max(part - middle, 1)
    return long + rest * _slope(short, long, max(part - few, 1)), round(size)


def _under_attack(evaluation: Adversarial, run: "_Evaluating", watch: _Watch) -> tuple[float, int]:
    """As `_measured`, from few steps on enough images: the pace of a step depends on how many share a batch."""

    def shortened(most: int) -> Adversarial:
        attacks = (replace(a, steps=min(steps, most)) if steps > 1 else a for a, steps in zip(own, counts, strict=True))
        return replace(evaluation, attacks=tuple(attacks), budgets=evaluation.budgets[:1], examples=0, checked=0)

    own = evaluation.attacks
    counts = [getattr(attack, "steps", 1) for attack in own]
    few, part = min(FEW, run.whole), min(ATTACKED, run.whole)
    small = run(few, shortened(1))
    fixed = watch.once(lambda: run(few, shortened(1)))
    large = run(part, shortened(1))
    short = watch.once(lambda: run(part, shortened(1)))
    more, rest = max(part - few, 1), run.whole - part
    seconds = short + rest * _slope(fixed, short, more)
    further = sum(min(count, FURTHER) - 1 for count in counts)
    step = short / len(own)
    if further:
        long = watch.twice(lambda: run(part, shortened(FURTHER)))
        step = _slope(short, long, further)
        seconds += step * (sum(counts) - len(counts)) * run.whole / part
    budgets = len(evaluation.budgets)
    checks = min(evaluation.checked, run.whole) * step / part * _steps_of_checks(counts)
    return seconds * budgets + checks, round((large + rest * (large - small) / more) * budgets)


def _steps_of_checks(counts: list[int]) -> float:
    """About how many steps the checks for failing attacks take an image that stands; a step is three passes or so."""
    many = sum(count for count in counts if count > 1) or honesty.STEPS
    return 3 * many + (honesty.QUERIES + honesty.DRAWS) / 3


def _early(cell: EvaluateCell, task: Task, seconds: float, watch: _Watch) -> float:
    """The share of the seconds that is left where attacks stop as early as on a model trained without attacks."""
    evaluation = cell.evaluation
    if not (isinstance(evaluation, Adversarial) and any(getattr(a, "early_stop", False) for a in evaluation.attacks)):
        return 1.0
    assert task.train is not None, "a study's task has training images"
    model = fit(Recipe(architecture=cell.recipe.architecture, train=UNDEFENDED), task.train, seed=0).model
    run = _Evaluating(cell, task, [model])
    part = min(ATTACKED, run.whole)
    taken = watch.once(lambda: run(part, replace(evaluation, examples=0, checked=0)))
    checks = max(0.0, watch.once(lambda: run(part, replace(evaluation, examples=0))) - taken)
    return min((taken * run.whole / part + checks) / seconds, 1.0)


class _Evaluating:
    """An evaluation that can be run on a part of its images.

    Without models of its own it meets untrained ones that are sure of one class, which is then everybody's label: no
    attack stops early, and nothing else of the work changes.

    Attributes:
        whole: the number of test images that the evaluation takes.
        size: bytes of the files of the last run.
    """

    def __init__(self, cell: EvaluateCell, task: Task, models: list[Classifier] | None = None) -> None:
        self.cell = cell
        self.whole, self.size = _used(task.test, cell), 0
        if models is None:
            shape, n_classes = task.test.shape, task.test.n_classes
            models = [_sure(build(cell.recipe, shape, n_classes, seed)) for seed in range(cell.recipe.members)]
            task = replace(task, test=replace(task.test, y=torch.zeros_like(task.test.y)))
        self.task = task
        self.weights = [pack_weights(model.state_dict()) for model in models]

    def __call__(self, count: int, evaluation: Evaluation | None = None) -> int:
        """Evaluate on `count` test images, with the cell's evaluation or another; returns `size`."""
        cell = self.cell if evaluation is None else replace(self.cell, evaluation=evaluation)
        files = compute(cell, _part(self.task, cell, count), self.weights, "cpu", ignore)
        self.size = sum(len(content) for content in files.values())
        return self.size


def _sure(model: Classifier) -> Classifier:
    """The model made sure of class 0, so that no attack stops early; nothing else of its work changes."""
    head = model.linear_head
    assert head is not None, "our architectures end in a linear layer"
    with torch.no_grad():
        head.bias[0] += SURE
    return model


def _part(task: Task, cell: EvaluateCell, count: int) -> Task:
    """The task with `count` test images, and as large a share of what else the evaluation uses."""
    share = count / _used(task.test, cell)
    fitted = getattr(cell.evaluation, "fit_images", None)
    train = task.train
    if train is not None:
        train = sample(train, max(1, round(share * min(fitted or len(train), len(train)))))
    outliers = {
        name: sample(images, max(1, round(share * _used(images, cell)))) for name, images in task.outliers.items()
    }
    return replace(task, train=train, test=sample(task.test, count), outliers=outliers)


def _used(images: Images, cell: EvaluateCell) -> int:
    """How many of the images the evaluation takes."""
    return min(getattr(cell.evaluation, "images", None) or len(images), len(images))
