"""Made-up results that look like a real study's: plausible numbers, observations and images for nine recipes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from assay.evaluations.base import Measurement, Observations
from assay.metrics.intervals import wilson
from assay.results import COLUMNS, Results, Trained, rows

N = 2000
EPS = (0.1, 0.2, 0.3, 0.4)
ATTACKS = ("fgsm", "pgd(steps=40, step_size=0.01)")
CORRUPTIONS = (
    "shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear", "scale", "rotate", "brightness", "translate",
    "stripe", "fog", "spatter", "dotted_line", "zigzag", "canny_edges",
)  # fmt: skip
SETS = ("fashion_mnist", "kmnist")


@dataclass(frozen=True)
class Profile:
    """How good a made-up recipe is on each axis."""

    clean: float
    half: float  # the budget at which PGD halves its accuracy
    shift: float
    anomaly: float  # distance of the outliers' scores
    heat: float  # logits are divided by it: 1 is calibrated


PROFILES = {
    "baseline": Profile(0.991, 0.09, 0.87, 3.4, 1.0),
    "fgsm(eps=0.3)": Profile(0.988, 0.24, 0.81, 3.2, 0.6),
    "pgd(eps=0.3, steps=40)": Profile(0.984, 0.36, 0.79, 3.3, 1.25),
    "cutout(length=7, holes=1)": Profile(0.992, 0.08, 0.872, 4.2, 0.9),
    "mixup(alpha=1.0)": Profile(0.990, 0.10, 0.86, 2.2, 1.6),
    "cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)": Profile(0.982, 0.345, 0.78, 3.7, 1.35),
    "pgd(eps=0.3, steps=40) > cutout(length=7, holes=1)": Profile(0.981, 0.34, 0.785, 3.6, 1.3),
    "ensemble(members=3)": Profile(0.993, 0.11, 0.89, 3.9, 1.1),
    "lenet5_large": Profile(0.9925, 0.13, 0.86, 2.9, 0.8),
}


def digits(n: int) -> tuple[Tensor, Tensor]:
    """Real digits of scikit-learn (8 x 8), enlarged to 28 x 28: (n, 1, 28, 28) uint8 and labels."""
    found = load_digits()
    x = torch.tensor(found.images[:n] / 16 * 255).to(torch.float32)[:, None]
    x = torch.nn.functional.interpolate(x, size=(20, 20), mode="bilinear")
    return torch.nn.functional.pad(x, (4, 4, 4, 4)).round().to(torch.uint8), torch.tensor(found.target[:n])


def draws(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(sum(ord(letter) * (place + 1) for place, letter in enumerate(name)))


def correct(p: float, generator: torch.Generator) -> Tensor:
    return torch.rand(N, generator=generator) < p


def proportion(hits: Tensor, metric: str = "accuracy", **setting: str | float) -> Measurement:
    right, n = int(hits.sum()), hits.numel()
    low, high = wilson(right, n)
    return Measurement(
        setting=setting,
        metric=metric,
        value=right / n,
        low=low,
        high=high,
        n=n,
        interval="wilson",
        higher_is_better=True,
    )


def plain(metric: str, value: float, *, spread: float, better: bool | None, **setting: str | float) -> Measurement:
    return Measurement(
        setting=setting, metric=metric, value=value, low=max(value - spread, 0.0), high=value + spread, n=N,
        interval="bootstrap",
        higher_is_better=better,
    )  # fmt: skip


def adversarial(profile: Profile, generator: torch.Generator) -> tuple[Observations, list[Measurement]]:
    x, y = digits(8)
    unit = x.float() / 255
    tensors: dict[str, Tensor] = {"clean": correct(profile.clean, generator), "example/clean": unit, "example/label": y}
    measured = [proportion(tensors["clean"], eps=0.0)]
    for eps in EPS:
        hits = []
        for place, attack in enumerate(ATTACKS):
            p = profile.clean / (1 + math.exp((eps - profile.half * (1.3 - 0.3 * place)) / 0.03))
            hits.append(correct(p, generator))
            tensors[f"single/{attack}/{eps}"] = hits[-1]
            measured.append(proportion(hits[-1], attack=attack, eps=eps))
        tensors[f"worst/{eps}"] = hits[0] & hits[1] & tensors["clean"]
        measured.append(proportion(tensors[f"worst/{eps}"], attack="worst_case", eps=eps))
        noise = (torch.rand(unit.shape, generator=generator) < 0.5) * 2.0 - 1
        tensors[f"example/adversarial/{eps}"] = (unit + eps * noise).clamp(0, 1)
        tensors[f"example/prediction/{eps}"] = torch.where(tensors[f"worst/{eps}"][:8], y, (y + 3) % 10)
    tensors["example/prediction/clean"] = y
    return Observations(
        tensors=tensors, notes={"attack order": "each attack sees what the ones before did not fool"}
    ), measured


def shift(
    profile: Profile, generator: torch.Generator, base: dict[str, float]
) -> tuple[Observations, list[Measurement]]:
    x, y = digits(8)
    tensors: dict[str, Tensor] = {"clean": correct(profile.clean, generator), "example/clean": x, "example/label": y}
    measured = [proportion(tensors["clean"], corruption="clean")]
    errors = []
    for place, name in enumerate(CORRUPTIONS):
        hard = 0.45 if name in ("fog", "impulse_noise", "translate") else 0.03 * (place % 4)
        p = min(max(profile.shift + 0.09 - hard * (1.9 - profile.shift), 0.1), 0.99)
        tensors[f"correct/{name}"] = correct(p, generator)
        measured.append(proportion(tensors[f"correct/{name}"], corruption=name))
        errors.append((1 - float(tensors[f"correct/{name}"].float().mean())) / base.setdefault(name, 1 - p))
        noise = torch.rand(x.shape, generator=draws(name)) * 40 * (place % 5)
        tensors[f"example/{name}"] = (x.float() + noise).clamp(0, 255).to(torch.uint8)
        tensors[f"example/prediction/{name}"] = torch.where(tensors[f"correct/{name}"][:8], y, (y + 5) % 10)
    everything = torch.stack([tensors[f"correct/{name}"] for name in CORRUPTIONS])
    mce = sum(errors) / len(errors)
    measured += [proportion(everything, "mean_accuracy"), plain("mce", mce, spread=0.02, better=False)]
    return Observations(tensors=tensors), measured


def anomaly(profile: Profile, generator: torch.Generator) -> tuple[Observations, list[Measurement]]:
    tensors, measured = dict[str, Tensor](), list[Measurement]()
    for score, gain in (("msp", 1.0), ("max_logit", 1.1), ("vim", 1.2)):
        tensors[f"score/in/{score}"] = torch.randn(N, generator=generator)
        for place, name in enumerate(SETS):
            distance = profile.anomaly * gain * (1 - 0.25 * place)
            tensors[f"score/{name}/{score}"] = torch.randn(N, generator=generator) + distance
            auroc = 0.5 * (1 + math.erf(distance / 2))
            setting = {"outliers": name, "score": score}
            measured.append(
                Measurement(
                    setting=setting, metric="auroc", value=auroc, low=max(auroc - 0.003, 0),
                    high=min(auroc + 0.003, 1), n=2 * N,
                    interval="delong", higher_is_better=True,
                )
            )  # fmt: skip
            measured.append(plain("fpr95", 1 - auroc, spread=0.01, better=False, **setting))
            measured.append(Measurement(setting=setting, metric="base_rate", value=0.5, n=2 * N))
    return Observations(tensors=tensors), measured


def calibration(profile: Profile, generator: torch.Generator) -> tuple[Observations, list[Measurement]]:
    labels = torch.randint(10, (N,), generator=generator)
    hits = correct(profile.clean, generator)
    said = torch.where(hits, labels, (labels + 1) % 10)
    logits = torch.randn(N, 10, generator=generator)
    height = torch.where(hits, 9.0, 4.0) + torch.randn(N, generator=generator)
    logits[torch.arange(N), said] += height
    logits = logits / profile.heat
    gap = abs(float((logits.softmax(1).max(1).values - hits.float()).mean()))
    nll = float(torch.nn.functional.cross_entropy(logits, labels))
    measured = [
        proportion(hits),
        plain("ece", gap, spread=0.002, better=False, bins=15),
        plain("brier", 2 * gap, spread=0.004, better=False),
        plain("nll", nll, spread=0.01, better=False),
    ]
    return Observations(tensors={"logits": logits, "labels": labels}), measured


def history(profile: Profile, attacked: bool) -> list[dict[str, float | None]]:
    """Ten epochs; models that train on attacked images are looked at under attack, as in a store of today."""
    return [
        {
            "epoch": epoch,
            "loss": (2.5 - profile.clean) * math.exp(-epoch / 2.5),
            "accuracy": profile.clean - 0.3 / epoch**2,
            "seconds": 3.2,
            **({"robust_accuracy": 0.7 - 0.5 / epoch, "fgsm_accuracy": 0.8 - 0.5 / epoch} if attacked else {}),
        }
        for epoch in range(1, 11)
    ]  # fmt: skip


def make_results(**changes: Any) -> Results:
    """A complete made-up study; `changes` replace fields of the Results, `profiles` the recipes."""
    profiles: dict[str, Profile] = changes.pop("profiles", PROFILES)
    base, kept, records = dict[str, float](), dict[tuple[str, str], Observations](), list[dict[str, Any]]()
    limit = changes.get("limit")
    for recipe, profile in profiles.items():
        made = {
            "adversarial": adversarial(profile, draws(recipe + "a")),
            "shift": shift(profile, draws(recipe + "s"), base),
            "anomaly": anomaly(profile, draws(recipe + "o")),
            "calibration": calibration(profile, draws(recipe + "c")),
        }
        for evaluation, (observations, measured) in made.items():
            kept[recipe, evaluation] = observations
            records += rows(
                measured, study="quickstart", recipe=recipe, name=f"lenet5 / {recipe}", seed=0, evaluation=evaluation,
                limited=limit is not None,
            )  # fmt: skip
    first = next(iter(profiles), None)
    facts: dict[str, Any] = {
        "study": "quickstart",
        "title": "Quickstart: nine recipes for a safe MNIST classifier",
        "question": "What does each safety technique gain on its own axis, and what does it cost on the others?",
        "recipes": tuple(profiles),
        "baseline": first,
        "seeds": (0,),
        "trained": tuple(
            Trained(
                recipe=recipe, name=f"lenet5 / {recipe}", seed=0, baseline=recipe == first, parameters=61_706,
                history=[] if "ensemble" in recipe else history(profile, attacked="pgd" in recipe or "fgsm" in recipe),
                provenance={"device": "cpu", "seconds": 32.4, "peak_memory_mb": 812.0},
            )
            for recipe, profile in profiles.items()
        ),
        "table": pd.DataFrame(records, columns=list(COLUMNS)),
        "provenance": {
            "versions": {"assay": "0.1.0", "torch": "2.13.0", "python": "3.11.2"},
            "commit": "0123abc",
            "machine": "2 cores, 8 GB",
            "data": {"mnist/test": "sha256:9f86d081884c7d65", "kmnist": "sha256:60303ae22b998861"},
            "command": "assay run quickstart",
        },
        "load": lambda recipe, _seed, evaluation: kept.get((recipe, evaluation)),
    }  # fmt: skip
    return Results(**(facts | changes))


@pytest.fixture(scope="session")
def complete() -> Results:
    return make_results()


@pytest.fixture(scope="session")
def study() -> Callable[..., Results]:
    return make_results
