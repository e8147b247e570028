"""A made-up study of trade-offs in its full size, 559 recipes on four axes, in memory or as a store on disk.

Numbers follow rules of thumb with noise of their own: adversarial training gains under attack and costs under
corruption, CutOut helps anomaly detection, MixUp hurts it, ensembles gain a little everywhere. No model is trained.

The file is run by path (`runpy.run_path`), so that tests and benchmarks can share it without being a package.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import torch
from torch import Tensor

from assay.analysis.families import parameters
from assay.corruptions.mnist_c import MNIST_C
from assay.data import Images, Task
from assay.evaluations.base import Measurement, Observations
from assay.evaluations.draws import draw_name
from assay.metrics.intervals import RESAMPLES
from assay.packing import pack, pack_weights, to_json
from assay.plan import EvaluateCell, plan
from assay.plan_record import summary
from assay.results import COLUMNS, Results, Trained, rows
from assay.store import Store
from assay.studies import tradeoffs

N = 10_000  # images that the numbers claim
KEPT = 100  # images in the observations on disk, unless told otherwise
EPS = (0.2, 0.3, 0.4, 0.5)
SCORES = {"msp": 1.0, "max_logit": 0.97, "vim": 0.9}
SETS = {"fashion_mnist": 1.0, "kmnist": 0.8}
CORRUPTIONS = tuple(corruption.name for corruption in MNIST_C)
RECIPES = tuple(recipe.label for recipe in tradeoffs.recipes)


@dataclass(frozen=True)
class Profile:
    """How good a made-up recipe is."""

    clean: float
    half: float  # the budget at which attacks halve its accuracy
    shift: float  # mean accuracy under corruption
    apart: float  # distance of the outliers' scores
    ece: float


def profile(label: str, noise: torch.Generator) -> Profile:
    own = parameters(label)
    eps, steps = max(own.get("pgd.eps", 0), 0.7 * own.get("fgsm.eps", 0)), own.get("pgd.steps", 30)
    hidden, alpha = own.get("cutout.length", 0) ** 2 * own.get("cutout.holes", 0) / 784, own.get("mixup.alpha", 0)
    members, large = math.log(own.get("ensemble.members", 1)), "large" in label
    attack_last = label.endswith(("steps=30)", "steps=40)", "steps=50)")) or " > fgsm" in label
    jitter = (torch.randn(5, generator=noise) * 0.25).tolist()
    return Profile(
        clean=min(0.9975, 0.9925 + 0.0006 * members - 0.02 * eps - 0.004 * hidden + 0.001 * jitter[0]),
        half=0.11 + 0.8 * eps + 0.0006 * (steps - 30) - 0.01 * hidden + 0.015 * members + 0.01 * jitter[1],
        shift=0.87 - 0.25 * eps + 0.012 * members - 0.02 * large - 0.01 * hidden + 0.012 * jitter[2],
        apart=max(0.4, 3.0 + 0.5 * hidden - 0.5 * (alpha > 0) + 0.2 * members + 0.3 * jitter[3]),
        ece=max(0.001, 0.006 + 0.02 * eps + 0.05 * (alpha > 0) * attack_last - 0.001 * members + 0.002 * jitter[4]),
    )


def share(value: float, metric: str = "accuracy", n: int = N, **setting: str | float) -> Measurement:
    right = round(min(max(value, 0.0), 1.0) * n)
    middle, z = (right + 1.92) / (n + 3.84), 1.96  # Wilson's interval, without scipy's slow quantile
    half = z * math.sqrt(right * (n - right) / n + 0.96) / (n + 3.84)
    return Measurement(
        setting=setting, metric=metric, value=right / n, low=middle - half, high=middle + half, n=n, interval="wilson",
        higher_is_better=True,
    )  # fmt: skip


def plain(metric: str, value: float, spread: float, better: bool | None = False, **setting: Any) -> Measurement:
    return Measurement(
        setting=setting, metric=metric, value=value, low=max(0.0, value - spread), high=value + spread, n=N,
        interval="bootstrap", higher_is_better=better,
    )  # fmt: skip


def adversarial(own: Profile, noise: torch.Generator) -> list[Measurement]:
    found, means = [share(own.clean, eps=0.0)], dict[str, list[float]]()
    for eps in EPS:
        worst = 1.0
        for attack, ease in (("fgsm", 1.35), ("pgd", 1.0)):
            value = own.clean / (1 + math.exp((eps - own.half * ease) / 0.045))
            value += 0.004 * float(torch.randn((), generator=noise))
            found.append(share(value, attack=attack, eps=eps))
            means.setdefault(attack, []).append(found[-1].value or 0.0)
            worst = min(worst, found[-1].value or 0.0)
        found.append(share(worst - 0.002, attack="worst_case", eps=eps))
    return found + [share(sum(values) / 4, "mean_accuracy", attack=attack) for attack, values in means.items()]


def corrupted(own: Profile, noise: torch.Generator) -> dict[str, float]:
    hard = {"fog": 0.45, "impulse_noise": 0.35, "translate": 0.4}
    lost = {name: hard.get(name, 0.02 * (place % 5)) for place, name in enumerate(CORRUPTIONS)}
    mean = sum(lost.values()) / len(lost)
    jitter = 0.02 * torch.randn(len(lost), generator=noise)
    return {
        name: min(0.98, max(0.1, own.shift + (mean - loss) * (2 - own.shift) + float(jitter[place])))
        for place, (name, loss) in enumerate(lost.items())
    }


def shift(own: Profile, values: dict[str, float]) -> list[Measurement]:
    found = [share(own.clean, corruption="clean"), *(share(value, corruption=name) for name, value in values.items())]
    return [*found, share(sum(values.values()) / len(values), "mean_accuracy")]


def anomaly(own: Profile) -> list[Measurement]:
    found = []
    for name, far in SETS.items():
        found.append(Measurement(setting={"outliers": name}, metric="base_rate", value=0.5, n=2 * N))
        for score, gain in SCORES.items():
            area = 0.5 * (1 + math.erf(own.apart * far * gain / 2))
            setting: dict[str, Any] = {"outliers": name, "score": score}
            found.append(plain("auroc", area, 0.002, True, **setting))
            found.append(plain("aupr", min(1.0, area + 0.001), 0.002, True, **setting))
            found.append(plain("fpr95", (1 - area) * 1.8, 0.006, **setting))
    return found


def calibration(own: Profile) -> list[Measurement]:
    ece = own.ece
    return [
        share(own.clean),
        plain("ece", ece, 0.0012, bins=15), plain("adaptive_ece", ece * 1.05, 0.0012, bins=15),
        plain("max_calibration_error", min(1.0, ece * 9), 0.05, bins=15),
        plain("rms_calibration_error", ece * 1.6, 0.002),
        plain("rms_calibration_error_without_last_bin", ece * 1.4, 0.002),
        plain("brier", 2 * (1 - own.clean) + ece, 0.002), plain("brier_top_label", 1 - own.clean + ece, 0.001),
        plain("brier_calibration", ece * ece, 0.0001), plain("brier_refinement", (1 - own.clean) * own.clean, 0.001),
        plain("nll", 4 * (1 - own.clean) + 2 * ece, 0.003),
    ]  # fmt: skip


def history(own: Profile) -> list[dict[str, float | None]]:
    return [
        {"epoch": k, "loss": (2.5 - own.clean) * math.exp(-k / 2.5), "accuracy": own.clean - 0.3 / k**2,
         "validation_accuracy": own.clean - 0.1 / k**2, "seconds": 3.2}
        for k in range(1, 11)
    ]  # fmt: skip


def measured(label: str, seed: int = 0) -> tuple[Profile, dict[str, float], dict[str, list[Measurement]]]:
    noise = torch.Generator().manual_seed(sum(ord(c) * (k + 1) for k, c in enumerate(label)) + seed)
    own = profile(label, noise)
    values = corrupted(own, noise)
    return own, values, {
        "adversarial": adversarial(own, noise), "shift": shift(own, values), "anomaly": anomaly(own),
        "calibration": calibration(own),
    }  # fmt: skip


def make_results(recipes: tuple[str, ...] = RECIPES, **changes: Any) -> Results:
    """The study in memory, without observations; `changes` replace fields of the Results.

    Among them `seen` says by recipe which corruptions and outlier sets training has met the like of.
    """
    met: dict[str, tuple[str, ...]] = changes.pop("seen", {})
    records, trained, limited = list[dict[str, Any]](), [], changes.get("limit") is not None
    base = measured("baseline")[1]
    for label in recipes:
        own, values, found = measured(label)
        mce = sum((1 - values[name]) / (1 - base[name]) for name in CORRUPTIONS) / len(CORRUPTIONS)
        found["shift"].append(plain("mce", mce, 0.02))
        for evaluation, items in found.items():
            records += rows(
                items, study="tradeoffs", recipe=label, name=label, seed=0, evaluation=evaluation, limited=limited,
                seen=met.get(label, ()),
            )  # fmt: skip
        trained.append(
            Trained(
                recipe=label, name=label, seed=0, baseline=label == "baseline", parameters=259_106,
                history=history(own), provenance={"device": "cpu", "seconds": 32.4, "peak_memory_mb": 812.0},
            )
        )  # fmt: skip
    facts: dict[str, Any] = {
        "study": "tradeoffs",
        "title": "Trade-offs between safety techniques on MNIST (made-up numbers)",
        "question": "What does each safety technique gain on one axis, and what does it cost on the others?",
        "recipes": recipes, "baseline": "baseline" if "baseline" in recipes else None, "seeds": (0,),
        "trained": tuple(trained), "table": pd.DataFrame(records, columns=list(COLUMNS)),
        "provenance": {"command": "made up"}, "load": lambda *_: None,
    }  # fmt: skip
    return Results(**(facts | changes))


def observed(
    evaluation: str, found: list[Measurement], values: dict[str, float], own: Profile, images: int = KEPT
) -> Observations:
    """Observations in the form that each evaluation keeps; of few images, so they are rougher than the numbers."""
    noise = torch.Generator().manual_seed(7)

    def hits(value: float, noise: torch.Generator) -> Tensor:
        return torch.rand(images, generator=noise) < value

    if evaluation == "shift":
        tensors = {"clean": hits(own.clean, noise)}
        tensors |= {f"correct/{name}": hits(min(value, 0.97), noise) for name, value in values.items()}
    elif evaluation == "adversarial":
        tensors = {"clean": hits(own.clean, noise)}
        for item in found:
            if item.metric == "accuracy" and "attack" in item.setting:
                attack, eps = item.setting["attack"], item.setting["eps"]
                name = f"worst/{eps}" if attack == "worst_case" else f"single/{attack}/{eps}"
                tensors[name] = hits(item.value or 0.0, noise)
    elif evaluation == "anomaly":
        tensors = {f"score/in/{score}": torch.randn(images, generator=noise) for score in SCORES}
        for name, far in SETS.items():
            for score, gain in SCORES.items():
                tensors[f"score/{name}/{score}"] = torch.randn(images, generator=noise) + own.apart * far * gain
    else:
        labels = torch.randint(10, (images,), generator=noise)
        logits = torch.randn(images, 10, generator=noise)
        logits[torch.arange(images), labels] += torch.where(hits(own.clean, noise), 8.0, -2.0)
        tensors = {"logits": logits, "labels": labels}
    return Observations(tensors=tensors, notes={"made up": "no model was trained or measured"})


def task(limit: int | None = None) -> Task:
    """Data small enough to plan with: nothing is computed on them."""

    def images(name: str, value: int) -> Images:
        y = torch.arange(10)
        return Images(
            name=name, x=torch.full((10, 1, 28, 28), value, dtype=torch.uint8), y=y, classes=tuple("0123456789")
        )

    return Task(
        name="mnist", test=images("mnist/test", 1), train=images("mnist/train", 2), validation=images("mnist/val", 3),
        outliers={"fashion_mnist": images("fashion_mnist/test", 4), "kmnist": images("kmnist/test", 5)}, limit=limit,
    )  # fmt: skip


def drawn(found: list[Measurement]) -> dict[str, Tensor]:
    """Bootstrap draws about as wide as those of 10,000 images, the same noise for every recipe as if paired."""
    noise = 0.002 * torch.randn(RESAMPLES, generator=torch.Generator().manual_seed(8))
    return {draw_name(item.metric, item.setting): item.value + noise for item in found if item.value is not None}


def write_store(
    root: Path, *, cells: int | None = None, seeds: tuple[int, ...] = (0,), images: int = KEPT, draws: bool = False
) -> Store:
    """The study as a store, as `assay run tradeoffs` leaves it; with `cells`, only its first so many evaluations.

    `images` are those in each set of the observations; `draws` adds bootstrap draws.

    Nothing is forced to the disk file by file: thousands of cells would take minutes.
    """
    whole, store = plan(replace(tradeoffs, seeds=seeds), task()), Store(root)
    known: dict[tuple[str, int], Any] = {}
    chosen = whole.evaluating if cells is None else whole.evaluating[:cells]
    with mock.patch("os.fsync"):
        for cell in chosen:
            made = known.setdefault((cell.recipe.label, cell.seed), measured(cell.recipe.label, cell.seed))
            for key in cell.models:
                if not store.has("models", key):
                    store.write("models", key, _model(made[0]))
            store.write("evaluations", cell.key, _evaluation(cell, *made, images=images, draws=draws))
        store.write_study("tradeoffs", {**summary(whole, "assay run tradeoffs"), "run": {"machine": "made up"}})
    return store


def _model(own: Profile) -> dict[str, bytes]:
    cell = {"parameters": 259_106, "history": history(own), "provenance": {"device": "cpu", "seconds": 32.4}}
    return {"model.safetensors": pack_weights({"w": torch.zeros(1)}), "cell.json": to_json(cell)}


def _evaluation(
    cell: EvaluateCell,
    own: Profile,
    values: dict[str, float],
    found: dict[str, list[Measurement]],
    *,
    images: int,
    draws: bool,
) -> dict[str, bytes]:
    items = found[cell.evaluation.name]
    return {
        "observations.safetensors": pack(observed(cell.evaluation.name, items, values, own, images)),
        **({"draws.safetensors": pack_weights(drawn(items))} if draws else {}),
        "measurements.json": to_json([vars(item) for item in items]),
        "cell.json": to_json({"provenance": {"seconds": 1.0}}),
    }
