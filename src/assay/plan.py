"""The plan of a study: the cells that it consists of, and their keys.

A cell is a pure function of what its key names. A model's cell depends on its recipe, seed and training images; an
evaluation's cell on the models' keys, what is done to them after training with the validation images that it is fitted
to if there are any, the evaluation, and the sets that it uses. Ensembles share their members: member i of seed s is an
ordinary cell of seed s + 1000 i. The transfer of attacks between the models is one cell for all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from assay import fit
from assay.architectures import Ensemble
from assay.data import Images, Task
from assay.errors import BadValueError
from assay.evaluations import Evaluation
from assay.parts import canonical
from assay.recipe import Recipe
from assay.store import key_of
from assay.study import MEMBER_STRIDE, MOST, TRANSFER, Study, Transferred

EVALUATION_SEED = 0  # every model of every study meets the same noise

# Core-seconds of `lenet5`, as measured on one machine, for `cost`; a larger network's evaluations grow by less than its
# training, since corrupting and measuring do not grow with it. `assay.probe` measures them where it runs.
IMAGE, STEP = 7e-4, 4e-4  # a training image in an epoch, and in addition for each step of an attack
PASS = 1e-4  # an image's forward pass


@dataclass(frozen=True, kw_only=True)
class TrainCell:
    """Train one model. `cost` is a rough number of seconds on one core, used for order and time left alone.

    `models` is empty, or the key of the model that a tuning starts from.
    """

    kind: ClassVar[str] = "models"  # where the store keeps it

    key: str
    recipe: Recipe
    seed: int
    cost: float
    models: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """What the cell does."""
        return "training"


@dataclass(frozen=True, kw_only=True)
class EvaluateCell:
    """Evaluate one model, or an ensemble of several, on one axis."""

    kind: ClassVar[str] = "evaluations"

    key: str
    recipe: Recipe
    seed: int
    evaluation: Evaluation
    models: tuple[str, ...]
    cost: float

    @property
    def stage(self) -> str:
        """What the cell does."""
        return self.evaluation.name


@dataclass(frozen=True, kw_only=True)
class TransferCell:
    """Attack every model of the zoo, and let all of them judge the points.

    It is one cell, since a pair needs both models: with a recipe more it is computed anew, some seconds a recipe.

    Attributes:
        recipe: the baseline, or the first of the recipes.
        recipes: the zoo, in the study's order.
        models: their members' keys, one recipe's after the other's.
        cost: a rough number of seconds on one core.
    """

    kind: ClassVar[str] = "evaluations"

    key: str
    recipe: Recipe
    recipes: tuple[Recipe, ...]
    seed: int
    transferred: Transferred
    models: tuple[str, ...]
    cost: float

    @property
    def stage(self) -> str:
        """What the cell does."""
        return TRANSFER


Cell = TrainCell | EvaluateCell | TransferCell


def title_of(cell: Cell) -> str:
    """A cell for people: "baseline, seed 0, training"."""
    whose = f"all {len(cell.recipes)} recipes" if isinstance(cell, TransferCell) else cell.recipe.label
    return f"{whose}, seed {cell.seed}, {cell.stage}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cells of a study on a task.

    Models come first, each once and after the one that it starts from; then evaluations; then the transfer, if any.
    """

    study: Study
    training: tuple[TrainCell, ...]
    evaluating: tuple[EvaluateCell, ...]
    transfer: TransferCell | None = None
    task: Task = field(repr=False)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells."""
        return (*self.training, *self.evaluating, *([] if self.transfer is None else [self.transfer]))

    @property
    def unable(self) -> frozenset[str]:
        """Keys of the cells that will fail at once: their recipes train on sets of outliers that are not here."""
        return frozenset(cell.key for cell in self.cells if set(cell.recipe.exposure) & set(self.task.unexposed))


def member_seeds(recipe: Recipe, seed: int) -> tuple[int, ...]:
    """The seeds of an ensemble's members; of a single model, its own."""
    return tuple(seed + MEMBER_STRIDE * member for member in range(recipe.members))


def replicate_of(seed: int) -> int:
    """The seed of the study that a member's seed belongs to: 1 for 1, 1001, 2001, ..."""
    return seed % MEMBER_STRIDE


def plan(study: Study, task: Task) -> Plan:
    """List the study's cells with their keys; members that recipes share appear once.

    Raises:
        BadValueError: a recipe's network does not suit its part after training.
    """
    for recipe in study.recipes:
        _try(recipe, task)
    training: dict[str, TrainCell] = {}
    evaluating: list[EvaluateCell] = []
    zoo: dict[str, tuple[str, ...]] = {}
    for recipe, seed in _trainings(study):
        models = []
        for member_seed in member_seeds(recipe, seed):
            cells = _train_cells(recipe.member, member_seed, task)
            training |= {cell.key: cell for cell in cells if cell.key not in training}
            models.append(cells[-1].key)
        evaluating.extend(_evaluate_cells(study, recipe, seed, tuple(models), task))
        if seed == study.seeds[0]:
            zoo[recipe.label] = tuple(models)
    return Plan(
        study=study,
        training=tuple(training.values()),
        evaluating=tuple(evaluating),
        transfer=_transfer_cell(study, zoo, task),
        task=task,
    )


def _try(recipe: Recipe, task: Task) -> None:
    """Let a part that fits nothing refuse the recipe's network here, untrained, and not after its training."""
    if recipe.posthoc is None or recipe.posthoc.needs_validation:
        return
    assert task.train is not None, "a study's task has training images"
    try:
        recipe.posthoc.fit(fit.build(recipe.network, task.train.shape, task.train.n_classes, seed=0), task.train)
    except BadValueError as error:
        raise BadValueError(f"{recipe.label}: {error}") from error


def _trainings(study: Study) -> Iterator[tuple[Recipe, int]]:
    """Every recipe with each of its seeds; the baseline's replicates follow it."""
    for seed in study.seeds:
        for recipe in study.recipes:
            yield recipe, seed
            if recipe.label == study.baseline:
                yield from ((recipe, seed + MEMBER_STRIDE * further) for further in range(1, study.replicates))


def _train_cells(recipe: Recipe, seed: int, task: Task) -> list[TrainCell]:
    """The training of a recipe; where it tunes a model, that model's training comes before it."""
    assert task.train is not None, "a study's task has training images"
    before = [] if recipe.tuning is None else _train_cells(recipe.first, seed, task)
    start, last = tuple(cell.key for cell in before), recipe.last
    exposed = [_exposed(task, name) for name in last.exposure]
    content = {
        "kind": "model",
        "fit": fit.VERSION,
        "recipe": [canonical(part) for part in (last.architecture, last.pipeline, last.objective, last.train)],
        "seed": seed,
        "data": _fingerprints(task, ("train",)),
        "limit": task.limit,
        **({} if last.weights is None else {"weights": canonical(last.weights)}),
        **({"start": list(start)} if start else {}),
        **({"exposure": exposed} if exposed else {}),
    }
    images = min(last.train.images or len(task.train), len(task.train)) * last.epochs
    passes = 2 if hasattr(last.objective, "source") else 1  # outliers are as many again
    cost = images * (IMAGE * passes + STEP * recipe.attack_steps) * recipe.architecture.cost
    return [*before, TrainCell(key=key_of(content), recipe=recipe, seed=seed, cost=cost, models=start)]


def _exposed(task: Task, name: str) -> list[str | None]:
    """Name and fingerprint of a set of outliers to train on; one that is not here has none, and its training fails."""
    images = task.exposure.get(name)
    return [name, None] if images is None else [images.name, images.fingerprint]


def _evaluate_cells(
    study: Study, recipe: Recipe, seed: int, models: tuple[str, ...], task: Task
) -> Iterator[EvaluateCell]:
    for evaluation in study.evaluations:
        content = {
            "kind": "evaluation",
            "models": list(models),
            **({"ensemble": Ensemble.version} if recipe.networks > 1 else {}),
            **_after(recipe, task),
            "evaluation": canonical(evaluation),
            "seed": EVALUATION_SEED,
            "data": _fingerprints(task, evaluation.uses),
            "limit": task.limit,
        }
        images = min(getattr(evaluation, "images", None) or len(task.test), len(task.test))
        passes = images * evaluation.passes
        if recipe.posthoc is not None and recipe.posthoc.needs_validation and task.validation is not None:
            passes += len(task.validation)
        cost = PASS * passes * (1 + recipe.architecture.cost) / 2 * recipe.networks
        yield EvaluateCell(
            key=key_of(content), recipe=recipe, seed=seed, evaluation=evaluation, models=models, cost=cost
        )


def _after(recipe: Recipe, task: Task) -> dict[str, Any]:
    """What the recipe's `posthoc` determines of a key: itself, and the validation images that it is fitted to."""
    if recipe.posthoc is None:
        return {}
    fitted = {"fitted": _fingerprints(task, ("validation",))} if recipe.posthoc.needs_validation else {}
    return {"posthoc": canonical(recipe.posthoc), **fitted}


def _transfer_cell(study: Study, zoo: dict[str, tuple[str, ...]], task: Task) -> TransferCell | None:
    """The cell of the whole zoo, less what is bound to fail: recipes whose outliers to train on are not here.

    Recipes with a part after training are left out: attacks meet the model without it among the others.
    """
    own = study.transfer
    recipes = tuple(
        recipe for recipe in study.recipes if not set(recipe.exposure) & set(task.unexposed) and recipe.posthoc is None
    )
    if own is None or len(recipes) < 2 or len(study.recipes) > MOST:
        return None
    models = [list(zoo[recipe.label]) for recipe in recipes]
    content = {
        "kind": TRANSFER,
        "version": own.version,
        "models": models,
        **({"ensemble": Ensemble.version} if any(recipe.networks > 1 for recipe in recipes) else {}),
        "attack": canonical(own.attack),
        "images": own.images,
        "seed": EVALUATION_SEED,
        "data": _fingerprints(task, ("test",)),
        "limit": task.limit,
    }
    images = min(own.images, len(task.test))
    networks = sum((1 + recipe.architecture.cost) / 2 * recipe.networks for recipe in recipes)
    return TransferCell(
        key=key_of(content),
        recipe=next((recipe for recipe in recipes if recipe.label == study.baseline), recipes[0]),
        recipes=recipes,
        seed=study.seeds[0],
        transferred=own,
        models=tuple(key for members in models for key in members),
        cost=PASS * images * networks * (own.passes + len(recipes)),
    )


def _fingerprints(task: Task, uses: tuple[str, ...]) -> dict[str, Any]:
    """Names and fingerprints of the sets: the names matter too, since random samples are drawn by name."""
    found: dict[str, Any] = {}
    for name in uses:
        content = getattr(task, name)
        if isinstance(content, Images):
            found[name] = [content.name, content.fingerprint]
        elif isinstance(content, dict):
            found[name] = {key: [images.name, images.fingerprint] for key, images in content.items()}
    if "outliers" in uses and task.missing:
        found["missing"] = sorted(task.missing)  # they are observed as not measured
    return found
