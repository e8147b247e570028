"""Reading what the store has of a study, complete or in part, as `Results`."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.errors import StoreError
from assay.evaluations import shift
from assay.evaluations.base import Measurement, Observations
from assay.evaluations.corruption_error import Errors, compare_errors, count_errors
from assay.means import with_means
from assay.metrics.transfer import transfer_rates
from assay.named import ALL, FIRST
from assay.packing import unpack_arrays
from assay.plan import replicate_of
from assay.plan_record import FOLDER, STARTS
from assay.published import Published, PublishedNumber
from assay.results import COLUMNS, Failure, Results, Trained, Transfer, corruption_errors_missing, rows_of_fields
from assay.store import PLAN, Store
from assay.study import TRANSFER

FIELDS = {item.name for item in fields(Measurement)}
DRAWS = "draws.safetensors"  # a file of an evaluation's cell
AT_ONCE = 32  # models whose errors are counted together: twice as fast as one by one


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
            yield from rows_of_fields(found, shared, entry.get("seen", ()))


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
    errors = iter(count_errors([own for own in observed if own is not None]))
    counted = [None if own is None else next(errors) for own in observed]
    seeds = [replicate_of(entry["seed"]) for entry in entries]
    compared: dict[int, Iterator[list[Measurement]]] = {}
    for seed in dict.fromkeys(seeds if name is not None else ()):
        if (theirs := baseline(seed)) is not None:
            own = [one for one, its in zip(counted, seeds, strict=True) if one is not None and its == seed]
            compared[seed] = iter(compare_errors(own, theirs))
    for one, seed in zip(counted, seeds, strict=True):
        if one is None:
            yield []
        elif seed in compared:
            yield next(compared[seed])
        else:
            why = "the study has no baseline" if name is None else f"the baseline with seed {seed} is not here yet"
            yield corruption_errors_missing(why)


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


def _stored(item: dict[str, Any]) -> dict[str, Any]:
    """The fields of a stored measurement: to make the object of each would take a third of the time of reading."""
    return item if item.keys() == FIELDS else vars(Measurement(**item))
