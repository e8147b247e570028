"""Studies: recipes x seeds x evaluations, and the cells that they consist of.

A cell is a pure function of what its key names. A model's cell depends on its recipe, seed and training images; an
evaluation's cell on the models' keys, what is done to them after training with the validation images that it is fitted
to if there are any, the evaluation, and the sets that it uses. Ensembles share their members: member i of seed s is an
ordinary cell of seed s + 1000 i. The transfer of attacks between the models is one cell for all.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from assay import fit
from assay.architectures import Ensemble
from assay.attacks import PGD, Attack
from assay.data import Images, Task
from assay.data.one_class import REST
from assay.errors import BadValueError, nearest
from assay.evaluations import Adversarial, Evaluation
from assay.parts import canonical, check_count, describe, parts_of
from assay.published import Published
from assay.recipe import BASELINE, Recipe, Train
from assay.store import ROOMS, key_of

MEMBER_STRIDE = 1000  # seeds of a study are below it, so that members never coincide by chance
FULL = "full"  # the preset that is the whole study
EVALUATION_SEED = 0  # every model of every study meets the same noise
KEPT = "kept"  # of a study of one class: which it is, and what classes there are
CHOSEN = "chosen"  # in a plan, the recipes that its last run was told to compute alone; else it computes all
COSTS = "costs"  # in a plan, the rough cost of each cell by its key, for the time left
EARLIER = "earlier"  # in a plan, models that former runs of the study named, and this one does not
STARTS = "starts"  # in a plan, the keys of trainings that are no recipe's own, but others go on from
TRANSFER = "transfer"  # the stage of the cell that tries every model's points on all the others
MOST = 60  # recipes between which transfer is measured: their pairs grow with the square, and so does the table

# Core-seconds of `lenet5`, as measured on one machine, for `cost`; a larger network's evaluations grow by less than its
# training, since corrupting and measuring do not grow with it. `assay.probe` measures them where it runs.
IMAGE, STEP = 7e-4, 4e-4  # a training image in an epoch, and in addition for each step of an attack
PASS = 1e-4  # an image's forward pass


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A slice of a study, for those who cannot compute it whole.

    Attributes:
        name: one word, such as "laptop".
        text: what the slice holds, and what it does otherwise, in a sentence.
        recipes: labels, all of the study.
        train: training settings instead of the study's; None keeps them, and shares its trained models.
        evaluations: instead of the study's; None keeps them.
        replicates: instead of the study's; None keeps them.
    """

    name: str
    text: str
    recipes: tuple[str, ...]
    train: Train | None = None
    evaluations: tuple[Evaluation, ...] | None = None
    replicates: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name) or self.name in (FULL, "limit"):
            raise BadValueError(
                f'preset: name: expected small letters, digits and "_", and neither "{FULL}" nor "limit", '
                f"got {self.name!r}"
            )
        twice = [label for label, count in Counter(self.recipes).items() if count > 1]
        if not self.recipes or twice:
            what = f"{twice[0]} twice" if twice else "none"
            raise BadValueError(f"preset {self.name}: recipes: expected different labels, got {what}")


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """Try the points that an attack makes on each model on all the others, see `transfer_matrix`.

    Attributes:
        attack: at its own radius, without `early_stop`.
        images: a fixed random sample of so many test images.
    """

    version: ClassVar[int] = 1
    attack: Attack = field(default_factory=lambda: PGD(eps=0.3, steps=40))
    images: int = 200

    def __post_init__(self) -> None:
        if not isinstance(self.attack, Attack):
            raise BadValueError(f"{TRANSFER}: attack: expected an attack, got {self.attack!r}")
        if any(getattr(part, "early_stop", False) for part in parts_of(self.attack)):
            raise BadValueError(
                f"{TRANSFER}: attack: expected one without early_stop, which leaves points that hardly fool another "
                f"model, got {describe(self.attack)}"
            )
        check_count(TRANSFER, "images", self.images)

    @property
    def passes(self) -> float:
        """About how many passes an image costs where it is made."""
        return Adversarial(attacks=(self.attack,), budgets=(self.attack.eps,)).passes


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is compared.

    Attributes:
        name: one word, such as "quickstart"; also the folder of its report in the store.
        title: for people.
        question: what the study answers, in a sentence or two.
        recipes: what is trained; the one labelled "baseline" is what the others are compared with.
        evaluations: what is measured of every model.
        data: the data set, see `assay.data.load_task`.
        outliers: the anomalous test sets.
        each_class: whether the study stands for one study of each class of the data, see `part_of`: the class is
            trained on alone, and every other class is anomalous.
        kept: the number of the class that is trained on alone, see `assay.data.one_class`; None trains on all.
        seeds: one training each.
        replicates: how many trainings of the baseline a seed are evaluated, the first of which is the seed's own; their
            spread is the noise of training. They are the members of a baseline ensemble, which shares them.
        transfer: how attacks are tried across recipes, of the first seed; None leaves it out. Of one recipe there is
            nothing to try, and of more than `MOST` it is left out too.
        presets: slices of the study.
        published: the numbers that the study has published, to stand beside ours; None where there are none.
        preset: the name of the slice that this is, or None for the whole.
        slice: what that slice holds, in a sentence or two.
    """

    name: str
    title: str
    question: str
    recipes: tuple[Recipe, ...]
    evaluations: tuple[Evaluation, ...]
    data: str = "mnist"
    outliers: tuple[str, ...] = ("fashion_mnist", "kmnist")
    each_class: bool = False
    kept: int | None = None
    seeds: tuple[int, ...] = (0,)
    replicates: int = 1
    transfer: Transferred | None = None
    presets: tuple[Preset, ...] = ()
    published: Published | None = None
    preset: str | None = None
    slice: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.name) or self.name in ROOMS:
            raise BadValueError(
                f"study: name: expected one word of letters, digits, '_' and '-', other than {', '.join(ROOMS)}, "
                f"got {self.name!r}"
            )
        labels = [recipe.label for recipe in self.recipes]
        if not labels or not self.evaluations or not self.seeds:
            raise BadValueError(f"{self.name}: expected at least one recipe, one evaluation and one seed")
        for what, names in (("recipes", labels), ("evaluations", [item.name for item in self.evaluations])):
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled:
                raise BadValueError(f"{self.name}: {what}: expected each once, got {', '.join(doubled)} several times")
        check_count(self.name, "replicates", self.replicates)
        if self.kept is not None:
            check_count(self.name, "kept", self.kept, low=0)
            if self.each_class:
                raise BadValueError(
                    f"{self.name}: kept: is of a study of one class, not of each; leave out one of both"
                )
        for seed in self.seeds:
            check_count(self.name, "seeds", seed, low=0)
        if max(self.seeds) >= MEMBER_STRIDE or len(set(self.seeds)) < len(self.seeds):
            raise BadValueError(
                f"{self.name}: seeds: expected different numbers in 0..{MEMBER_STRIDE - 1}, got {self.seeds}"
            )

    @property
    def exposure(self) -> tuple[str, ...]:
        """Names of the data sets that recipes train on as outliers."""
        return tuple(sorted({name for recipe in self.recipes for name in recipe.exposure}))

    @property
    def baseline(self) -> str | None:
        """The label of the baseline, or None where the study has none."""
        return next((recipe.label for recipe in self.recipes if recipe.label == BASELINE), None)


@dataclass(frozen=True, kw_only=True)
class TrainCell:
    """Train one model. `cost` is a rough number of seconds on one core, used for order and time left alone.

    `models` is empty, or the key of the model that a tuning starts from.
    """

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


def cut(study: Study, preset: str) -> Study:
    """The slice of a study that one of its presets names; "full" is the whole.

    Raises:
        BadValueError: the study has no such preset, or the preset names a recipe that the study does not have.
    """
    known = {item.name: item for item in study.presets}
    if preset == FULL:
        return study
    if preset not in known:
        raise BadValueError(f"{preset}: {study.name} has no such preset; {nearest(preset, (*known, FULL))}")
    chosen = known[preset]
    strange = set(chosen.recipes) - {recipe.label for recipe in study.recipes}
    if strange:
        raise BadValueError(f"{study.name}: preset {preset}: expected recipes of the study, got {sorted(strange)}")
    recipes = (recipe for recipe in study.recipes if recipe.label in chosen.recipes)
    return replace(
        study,
        recipes=tuple(recipe if chosen.train is None else replace(recipe, train=chosen.train) for recipe in recipes),
        evaluations=chosen.evaluations or study.evaluations,
        replicates=chosen.replicates or study.replicates,
        preset=preset,
        slice=chosen.text,
    )


def part_of(study: Study, kept: int) -> Study:
    """Of a study of each class, the study of the class of that number: "one_class-3" for 3."""
    title = f"{study.title}: class {kept}"
    return replace(study, name=f"{study.name}-{kept}", title=title, each_class=False, kept=kept)


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


def choose(study: Study, patterns: str | None) -> Study:
    """The study with the recipes that `select` finds alone, and without the transfer, which is of the whole zoo.

    None chooses the whole study.
    """
    return study if patterns is None else replace(study, recipes=select(study, patterns), transfer=None)


def select(study: Study, patterns: str) -> tuple[Recipe, ...]:
    """The recipes whose label equals, or matches as a shell pattern, one of `patterns`, separated by ";".

    Raises:
        BadValueError: a pattern matches nothing (with the nearest labels).
    """
    labels = {recipe.label: recipe for recipe in study.recipes}
    chosen: dict[str, Recipe] = {}
    for pattern in (text.strip() for text in patterns.split(";")):
        matching = {
            label: recipe for label, recipe in labels.items() if label == pattern or fnmatchcase(label, pattern)
        }
        if not matching:
            parts = [part.strip() for part in pattern.split(",")]
            if len(parts) > 1 and all(any(fnmatchcase(label, part) for label in labels) for part in parts):
                raise BadValueError(
                    f"{pattern}: separate recipes by ;, since a name may hold commas: {';'.join(parts)}"
                )
            raise BadValueError(
                f"{pattern}: no recipe of {study.name} matches; {nearest(pattern.replace('*', ''), labels)}"
            )
        chosen |= matching
    return tuple(recipe for recipe in study.recipes if recipe.label in chosen)


def summary(plan: Plan, command: str) -> dict[str, Any]:
    """What the store keeps of a plan: enough to find every cell and to write the report without the data."""
    study, task = plan.study, plan.task
    return {
        "study": study.name,
        "preset": study.preset,
        "slice": study.slice,
        "title": study.title,
        "question": study.question,
        "baseline": study.baseline,
        "recipes": [recipe.label for recipe in study.recipes],
        "seeds": list(study.seeds),
        "evaluations": {evaluation.name: describe(evaluation) for evaluation in study.evaluations},
        "limit": task.limit,
        "missing": dict(task.missing),
        "published": None if study.published is None else asdict(study.published),
        "data": {
            "name": task.name,
            "images": {name: len(images) for name, images in _sets(task).items()},
            "fingerprints": {name: images.fingerprint for name, images in _sets(task).items()},
        },
        "command": command,
        "models": _models(plan),
        COSTS: {cell.key: float(f"{cell.cost:.3g}") for cell in plan.cells},
        **({STARTS: starts} if (starts := _starts(plan)) else {}),
        **({"transfer": found} if (found := _transfer(plan)) else {}),
        **({} if study.kept is None else {KEPT: _kept(study.kept, task)}),
    }


def carried_on(kept: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A plan's summary with the models of a former one that it does not have, as of other seeds: they stay named.

    A model of both is named as now alone: what it was with other settings is not needed any more.
    """
    now = {(entry["recipe"], entry["seed"]) for entry in kept["models"]}
    others = [*_sound(before.get("models")), *_sound(before.get(EARLIER)), *kept.get(EARLIER, [])]
    earlier: dict[tuple[str, int], Any] = {}
    for entry in others:  # from the latest to the first
        earlier.setdefault((entry["recipe"], entry["seed"]), entry)
    left = [entry for name, entry in earlier.items() if name not in now]
    return {**kept, **({EARLIER: left} if left else {})}


def _sound(entries: Any) -> list[dict[str, Any]]:
    """Those of a plan's models that are as a plan has them: it is read from a disk."""
    kinds = {"recipe": str, "seed": int, "models": list, "evaluations": dict}
    return [
        entry
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in kinds.items())
    ]


def _kept(kept: int, task: Task) -> dict[str, Any]:
    """The class that is trained on alone, and the names of all that occur in the test set, by their numbers."""
    rest = task.outliers[REST]
    present = sorted({kept, *rest.y.tolist()})
    return {"class": kept, "classes": {str(number): rest.classes[number] for number in present}}


def _transfer(plan: Plan) -> dict[str, Any] | None:
    """Where the transfer is found, or why a study that asks for it has none; None where nothing is to be said."""
    cell, count = plan.transfer, len(plan.study.recipes)
    if cell is not None:
        return {
            "key": cell.key,
            "recipes": [recipe.label for recipe in cell.recipes],
            "seed": cell.seed,
            "attack": describe(cell.transferred.attack),
        }
    if plan.study.transfer is None or count <= MOST:
        return None
    slices = [f"--preset {preset.name}" for preset in plan.study.presets if len(preset.recipes) <= MOST]
    remedy = f"; run a slice of the study: {' or '.join(slices)}" if slices else ""
    return {"reason": f"it is measured between at most {MOST} recipes, and there are {count} here{remedy}"}


def _starts(plan: Plan) -> list[str]:
    own = {key for cell in plan.evaluating for key in cell.models}
    return [cell.key for cell in plan.training if cell.key not in own]


def _sets(task: Task) -> dict[str, Images]:
    named = {"train": task.train, "validation": task.validation, "test": task.test, "inside": task.inside}
    exposed = {images.name: images for images in task.exposure.values()}
    return {name: images for name, images in named.items() if images is not None} | task.outliers | exposed


def _models(plan: Plan) -> list[dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for cell in plan.evaluating:
        entry = found.setdefault(
            (cell.recipe.label, cell.seed),
            {
                "recipe": cell.recipe.label,
                "name": cell.recipe.name,
                "seed": cell.seed,
                "replicate": cell.seed not in plan.study.seeds,
                "seen": list(cell.recipe.seen),
                "models": list(cell.models),
            },
        )
        entry.setdefault("evaluations", {})[cell.evaluation.name] = cell.key
    return list(found.values())
