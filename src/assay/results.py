"""Results: everything a report needs of one study, read from the store."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.again import command
from assay.errors import StoreError
from assay.evaluations import shift
from assay.evaluations.base import Measurement, Observations
from assay.evaluations.corruption_error import Errors, compare_errors, count_errors
from assay.metrics.intervals import across_seeds
from assay.metrics.transfer import Rates, transfer_rates
from assay.named import ALL, FIRST
from assay.packing import unpack_arrays
from assay.plan import replicate_of
from assay.plan_record import FOLDER, STARTS
from assay.published import Published, PublishedNumber
from assay.store import PLAN, Store
from assay.study import TRANSFER

COLUMNS = (
    "study", "recipe", "seed", "evaluation", "setting", "metric", "value", "low", "high", "interval", "n",
    "higher_is_better", "reason", "limited", "name", "seen",
)  # fmt: skip


FIELDS = {item.name for item in fields(Measurement)}
DRAWS = "draws.safetensors"  # a file of an evaluation's cell
AT_ONCE = 32  # models whose errors are counted together: twice as fast as one by one


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One trained model of a study: a recipe with one seed.

    Attributes:
        recipe: the recipe's label, unique in its study, such as "pgd(eps=0.3, steps=40)".
        name: the recipe's full name, which parses back to the recipe.
        seed: the seed of the training.
        baseline: whether this is the study's baseline.
        parameters: the number of trained weights.
        history: one record an epoch, see `assay.fit.Epoch`; older stores lack what it has gained since. Of an ensemble,
            its first member's; of a tuned model, both trainings'.
        provenance: versions, commit, device, seconds, peak memory, time of the run; the seconds of all members, and of
            both trainings where a model is tuned.
    """

    recipe: str
    name: str
    seed: int
    baseline: bool
    parameters: int
    history: list[dict[str, float | None]] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A cell that could not be computed: what it was, and the sentence that says why."""

    recipe: str
    seed: int
    stage: str  # "training" or an evaluation's name
    reason: str


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How far attacks transfer between the recipes of a study.

    Attributes:
        recipes: labels, in the order of rows and columns.
        rates: fooling rates; a row the recipe that the points were made on, a column the one that judges them.
        seed: of the trainings.
        attack: its description.
    """

    recipes: tuple[str, ...]
    rates: Rates
    seed: int
    attack: str


def no_draws(recipe: str, seed: int, evaluation: str) -> dict[str, NDArray[np.float32]] | None:
    """Results without bootstrap draws."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Results:
    """What is known of one study, complete or in part.

    Attributes:
        study: the study's name, such as "quickstart".
        preset: the name of the slice of the study that this is, or None for the whole.
        slice: what that slice holds, in a sentence or two.
        title: its title for people.
        question: the question it answers, a sentence or two.
        recipes: labels of all recipes in the study's order, the measured and the missing.
        baseline: the label of the baseline, or None.
        seeds: the seeds asked for.
        trained: the models that are in the store.
        table: tidy rows (columns: COLUMNS). `seed` is a number as text, or "mean" for the mean over several seeds;
            `setting` is a dict. Rows with value None carry a reason. `seen` names, by commas, the corruptions and
            outlier sets behind the value whose like the model met in training; "" where none is known.
        replicates: rows as in the table of the baseline's further trainings, which differ from it in their seed alone.
        failures: cells that failed.
        waiting: cells that wait to be computed, each once, as readable texts; as many as `assay status` counts.
        missing: data sets that are not here: name -> sentence with the remedy.
        limit: the limit of images per set, or None for a full run.
        published: what the study itself has published, or None.
        transfer: how far attacks transfer between the recipes, or None where that is not in the store.
        no_transfer: why it is not, where the study asks for it; "" where it failed, which `failures` tells.
        data: the folder with data sets that the last run was given, or None.
        out: the store's folder or address, or None for results that are of no store.
        provenance: of the run as a whole: versions, machine, dates, data fingerprints, command.
        load: (recipe label, seed, evaluation name) -> observations, or None where they are not in the store.
        load_draws: the same -> bootstrap draws of its numbers, see `assay.evaluations.draws`, or None.
    """

    study: str
    title: str
    question: str
    recipes: tuple[str, ...]
    baseline: str | None
    seeds: tuple[int, ...]
    trained: tuple[Trained, ...]
    table: pd.DataFrame
    replicates: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))
    failures: tuple[Failure, ...] = ()
    waiting: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    preset: str | None = None
    slice: str = ""
    published: Published | None = None
    transfer: Transfer | None = None
    no_transfer: str = ""
    data: str | None = None
    out: Path | str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    load: Callable[[str, int, str], Observations | None]
    load_draws: Callable[[str, int, str], dict[str, NDArray[np.float32]] | None] = no_draws

    def __repr__(self) -> str:
        counts = f"recipes={len(self.recipes)}, rows={len(self.table)}, failures={len(self.failures)}"
        return f"Results(study={self.study!r}, {counts}, waiting={len(self.waiting)}, out={self.out!r})"

    @property
    def again(self) -> str:
        """The command that computes what is missing; "" of results that are of no store."""
        if self.out is None:
            return ""
        return command(self.study, preset=self.preset, limit=self.limit, seeds=self.seeds, data=self.data, out=self.out)

    @cached_property
    def unlearned(self) -> tuple[str, ...]:
        """Labels of recipes that, with any seed, answer one class for every image: they have learned nothing."""
        return tuple(dict.fromkeys(self.table.loc[self.table["metric"] == "one_class", "recipe"]))

    @cached_property
    def limited(self) -> bool:
        """Whether any number comes from fewer images than it is meant for."""
        return self.limit is not None or any(bool(value) for value in self.table["limited"])


def rows(
    measurements: list[Measurement],
    *,
    study: str,
    recipe: str,
    name: str,
    seed: int | str,
    evaluation: str,
    limited: bool,
    seen: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Rows of the tidy table for the measurements of one model on one axis.

    `seen` names corruptions and outlier sets whose like the model met in training, see `Recipe.seen`.
    """
    shared = {"study": study, "recipe": recipe, "seed": str(seed), "evaluation": evaluation}
    return _rows([vars(item) for item in measurements], shared | {"limited": limited, "name": name}, seen)


def _rows(
    measurements: Sequence[Mapping[str, Any]], shared: Mapping[str, Any], seen: Collection[str]
) -> list[dict[str, Any]]:
    """Rows for the fields of measurements, with what the rows have in common."""
    found = [{**shared, **item, "seen": ""} for item in measurements]
    if seen:
        met = [tested if (tested := _tested(row["setting"])) in seen else "" for row in found]
        over = ", ".join(dict.fromkeys(filter(None, met)))  # of a number without a setting, over all that was tested
        for row, own in zip(found, met, strict=True):
            row["seen"] = own if row["setting"] else over
    return found


def _tested(setting: Mapping[str, Any]) -> str:
    """What is tested on: a corruption without its parameters, an outlier set, or "" for anything else."""
    return str(setting.get("corruption", setting.get("outliers", ""))).split("(")[0]


def records(table: pd.DataFrame, names: Sequence[str] = COLUMNS) -> Iterator[dict[str, Any]]:
    """The rows of a table as plain dicts of those columns, in a tenth of the time that pandas takes for them."""
    for row in zip(*(table[name].tolist() for name in names), strict=True):
        yield dict(zip(names, row, strict=True))


def setting_text(setting: Mapping[str, str | float]) -> str:
    """A setting as people read it: "attack=fgsm, eps=0.3"."""
    return ", ".join([f"{key}={value}" for key, value in setting.items()])


def load_results(store: Store, name: str) -> Results:
    """Read what the store has of a study, complete or in part.

    Args:
        store: where the study was run.
        name: the study's folder in the store: its name, with the limit where it was limited.

    Raises:
        StoreError: the study was never run here, or a file is damaged.
    """
    plan = store.read_study(name)
    try:
        return _results(store, plan)
    except (KeyError, TypeError, AttributeError) as error:
        path = store.place.shown(f"{name}/{PLAN}")
        raise StoreError(
            f"{path}: is damaged ({error!r}); delete it and run the study again, which keeps its cells"
        ) from error


def _results(store: Store, plan: dict[str, Any]) -> Results:
    keys = {(entry["recipe"], entry["seed"]): entry["evaluations"] for entry in plan["models"]}

    def load(recipe: str, seed: int, evaluation: str) -> Observations | None:
        key = keys.get((recipe, seed), {}).get(evaluation)
        return store.read_observations(key) if key and store.has("evaluations", key) else None

    def load_draws(recipe: str, seed: int, evaluation: str) -> dict[str, NDArray[np.float32]] | None:
        key = keys.get((recipe, seed), {}).get(evaluation)
        content = store.find("evaluations", key, DRAWS) if key and store.has("evaluations", key) else None
        return None if content is None else unpack_arrays(content)

    @cache  # every model of a seed is set against the same
    def baseline(seed: int) -> Errors | None:
        found = load(plan["baseline"], seed, shift.Shift.name)
        return None if found is None else count_errors([found])[0]

    own, further = (
        pd.DataFrame(list(_measured(store, plan, load, baseline, replicates=replicates)), columns=list(COLUMNS))
        for replicates in (False, True)
    )
    failures, pending = _unfinished(store, plan)
    transfer, no_transfer = _transfer(store, plan.get(TRANSFER, {}))
    return Results(
        study=plan["study"],
        title=plan["title"],
        question=plan["question"],
        recipes=tuple(plan["recipes"]),
        baseline=plan["baseline"],
        seeds=tuple(plan["seeds"]),
        trained=tuple(_trained(store, plan)),
        table=with_means(own, len(plan["seeds"])),
        replicates=further,
        failures=tuple(failures),
        waiting=tuple(pending),
        missing=plan["missing"],
        limit=plan["limit"],
        preset=plan.get("preset"),
        slice=plan.get("slice", ""),
        published=_published(plan.get("published")),
        transfer=transfer,
        no_transfer=no_transfer,
        data=plan.get(FOLDER),
        out=store.out,
        provenance={key: plan[key] for key in ("data", "evaluations", "command", "run")},
        load=load,
        load_draws=load_draws,
    )


def _measured(
    store: Store,
    plan: dict[str, Any],
    load: Callable[[str, int, str], Observations | None],
    baseline: Callable[[int], Errors | None],
    *,
    replicates: bool,
) -> Iterator[dict[str, Any]]:
    models = _models(plan, replicates=replicates)
    batches = (models[start : start + AT_ONCE] for start in range(0, len(models), AT_ONCE))
    errors = chain.from_iterable(_against_baseline(plan["baseline"], batch, load, baseline) for batch in batches)
    for entry, relative in zip(models, errors, strict=True):
        for evaluation, key in entry["evaluations"].items():
            if not store.has("evaluations", key):
                continue
            found = list(map(_stored, store.read_json("evaluations", key, "measurements.json")))
            if evaluation == shift.Shift.name:
                found.extend(map(vars, relative))
            shared = {
                "study": plan["study"],
                "recipe": entry["recipe"],
                "seed": str(entry["seed"]),
                "evaluation": evaluation,
                "limited": plan["limit"] is not None,
                "name": entry["name"],
            }
            yield from _rows(found, shared, entry.get("seen", ()))


def _stored(item: dict[str, Any]) -> dict[str, Any]:
    """The fields of a stored measurement: to make the object of each would take a third of the time of reading."""
    return item if item.keys() == FIELDS else vars(Measurement(**item))


def _published(kept: dict[str, Any] | None) -> Published | None:
    if kept is None:
        return None
    return Published(**kept | {"numbers": tuple(PublishedNumber(**item) for item in kept["numbers"])})


def _models(plan: dict[str, Any], *, replicates: bool) -> list[dict[str, Any]]:
    return [entry for entry in plan["models"] if entry.get("replicate", False) == replicates]


def _against_baseline(
    name: str | None,
    entries: list[dict[str, Any]],
    load: Callable[[str, int, str], Observations | None],
    baseline: Callable[[int], Errors | None],
) -> Iterator[list[Measurement]]:
    """Each model's mean corruption errors, relative to the baseline of the same study and seed; [] without a shift."""
    observed = [load(entry["recipe"], entry["seed"], shift.Shift.name) for entry in entries]
    counted = iter(count_errors([own for own in observed if own is not None]))
    for entry, own in zip(entries, observed, strict=True):
        seed = replicate_of(entry["seed"])
        if own is None:
            yield []
            continue
        errors, other = next(counted), baseline(seed) if name is not None else None
        if other is None:
            why = "the study has no baseline" if name is None else f"the baseline with seed {seed} is not here yet"
            yield corruption_errors_missing(why)
        else:
            yield compare_errors(errors, other)


def corruption_errors_missing(why: str) -> list[Measurement]:
    """Rows that say why mean corruption errors could not be measured."""
    reason = f"needs the baseline's errors: {why}"
    return [
        Measurement(setting={}, metric=metric, value=None, higher_is_better=False, reason=reason)
        for metric in ("mce", "relative_mce")
    ]


def _trained(store: Store, plan: dict[str, Any]) -> Iterator[Trained]:
    for entry in _models(plan, replicates=False):
        if not all(store.has("models", key) for key in entry["models"]):
            continue
        chains = [_chain(store, key) for key in entry["models"]]
        cells = [chain[-1] for chain in chains]
        seconds = sum(cell["provenance"]["seconds"] for chain in chains for cell in chain)
        yield Trained(
            recipe=entry["recipe"],
            name=entry["name"],
            seed=entry["seed"],
            baseline=entry["recipe"] == plan["baseline"],
            parameters=sum(cell["parameters"] for cell in cells),
            history=_joined([cell["history"] for cell in chains[0]]),
            provenance=cells[0]["provenance"] | {"seconds": round(seconds, 3), "members": len(cells)},
        )


def _chain(store: Store, key: str) -> list[dict[str, Any]]:
    """The records of a model's trainings: its own, after that of the model that it starts from."""
    cell: dict[str, Any] = store.read_json("models", key, "cell.json")
    before = [record for start in cell.get("start", []) for record in _chain(store, start)]
    return [*before, cell]


def _joined(histories: list[list[dict[str, float | None]]]) -> list[dict[str, float | None]]:
    """One history of trainings that follow each other: epochs are counted on."""
    records = [record for history in histories for record in history]
    return [{**record, "epoch": number} for number, record in enumerate(records, start=1)]


def _unfinished(store: Store, plan: dict[str, Any]) -> tuple[list[Failure], list[str]]:
    """What failed, of each recipe that it keeps from being measured; and what waits, of the first that needs it."""
    starts = [("models", key) for key in plan.get(STARTS, [])]
    failures: list[Failure] = []
    pending = [f"{FIRST}: training" for start in starts if not store.has(*start) and store.failure(start[1]) is None]
    seen = set()
    for entry in [*_models(plan, replicates=False), *_models(plan, replicates=True)]:
        stages = [("training", "models", key) for key in entry["models"]]
        stages += [(name, "evaluations", key) for name, key in entry["evaluations"].items()]
        for stage, kind, key in stages:
            if store.has(kind, key):
                continue
            reason = store.failure(key)
            if reason is None and key not in seen:
                seen.add(key)
                pending.append(f"{entry['recipe']}, seed {entry['seed']}: {stage}")
            elif reason is not None:
                failures.append(Failure(recipe=entry["recipe"], seed=entry["seed"], stage=stage, reason=reason))
    kept = plan.get(TRANSFER, {})
    if "key" in kept and not store.has("evaluations", kept["key"]):
        reason = store.failure(kept["key"])
        if reason is None:
            pending.append(f"{ALL}, seed {kept['seed']}: {TRANSFER}")
        else:
            failures.append(Failure(recipe=ALL, seed=kept["seed"], stage=TRANSFER, reason=reason))
    return failures, pending


def _transfer(store: Store, kept: dict[str, Any]) -> tuple[Transfer | None, str]:
    """The transfer, or why there is none; studies that do not ask for it say nothing."""
    if "key" not in kept:
        return None, kept.get("reason", "")
    if not store.has("evaluations", kept["key"]):
        waits = "it has not run yet; a run of all recipes does it once every model is trained"
        return None, "" if store.failure(kept["key"]) else waits
    found = store.read_observations(kept["key"]).tensors
    rates = transfer_rates(found["clean"], found["attacked"])
    return Transfer(recipes=tuple(kept["recipes"]), rates=rates, seed=kept["seed"], attack=kept["attack"]), ""


_SHARES = (
    "accuracy", "mean_accuracy", "auroc", "aupr", "fpr95", "base_rate", "ece", "adaptive_ece", "smooth_ece",
    "classwise_ece", "max_calibration_error", "rms_calibration_error", "rms_calibration_error_without_last_bin",
    "brier_calibration", "brier_refinement", "brier_top_label", "aurc", "excess_aurc", "failure_auroc",
    "selective_accuracy", "false_positive_rate", "promised_false_positive_rate", "caught", "mean_ece", "mean_auroc",
)  # fmt: skip
RANGES = dict.fromkeys(_SHARES, (0.0, 1.0)) | {
    **dict.fromkeys(("brier", "mean_brier"), (0.0, 2.0)),
    **dict.fromkeys(("nll", "mean_nll", "mce"), (0.0, inf)),
}


def with_means(table: pd.DataFrame, seeds: int) -> pd.DataFrame:
    """Add rows with seed "mean" where a study has several seeds: Student's t interval over the seeds.

    The interval is at least as wide as the mean of the seeds' own, since their test images are the same, and is cut to
    the range of the metric, which with few seeds it would leave. A mean is given only where each of the study's seeds
    has a value; otherwise it is None with the reason.
    """
    if seeds < 2:
        return table
    names = ("recipe", "evaluation", "metric", "setting", "value", "low", "high", "reason")
    groups: dict[tuple[object, ...], list[_Seed]] = {}  # groups of pandas cost a millisecond each
    firsts = []
    for place, row in enumerate(zip(*(table[name].tolist() for name in names), strict=True)):
        key = (*row[:3], *row[3].items())
        if key not in groups:
            groups[key] = []
            firsts.append(place)
        groups[key].append(_Seed(*row[4:]))
    means = [_mean(own, seeds, *RANGES.get(str(metric), (-inf, inf))) for (_, _, metric, *_), own in groups.items()]
    columns = {name: [getattr(mean, name) for mean in means] for name in _Mean._fields}
    extra = table.iloc[firsts].assign(seed="mean", **columns)
    return pd.concat([table, extra], ignore_index=True)


class _Seed(NamedTuple):
    """A number with one seed; what is not there is None or NaN."""

    value: float | None
    low: float | None
    high: float | None
    reason: str


class _Mean(NamedTuple):
    """The mean over the seeds: columns of the table."""

    value: float | None
    low: float | None
    high: float | None
    interval: str
    reason: str


def _mean(own: list[_Seed], seeds: int, least: float, most: float) -> _Mean:
    """The mean of a number in [least, most] over the seeds that were measured."""
    values, lows, highs = map(_there, list(zip(*own, strict=True))[:3])
    if len(values) != seeds:
        told = (seed.reason for seed in own if seed.reason)
        return _Mean(None, None, None, "", next(told, f"{len(own)} of {seeds} seeds are measured"))
    low, high = across_seeds(values)
    if len(lows) == len(own):  # seeds that agree by chance still share a sample of test images
        low, high = min(low, sum(lows) / seeds), max(high, sum(highs) / seeds)
    low, high = min(max(low, least), most), min(max(high, least), most)
    return _Mean(sum(values) / seeds, low, high, "student t across seeds", "")


def _there(values: Iterable[float | None]) -> list[float]:
    return [float(value) for value in values if value is not None and value == value]  # NaN is not itself
