"""A made-up study whose numbers come from made-up observations by the real evaluations, with the baseline's replicates.

Every image has a difficulty that all models share, and every training its own luck: so differences are paired, and
replicates differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.attacks import FGSM, PGD
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Observations, Shift
from assay.evaluations.draws import draws
from assay.evaluations.shift import compare
from assay.means import with_means
from assay.randomness import derive
from assay.results import COLUMNS, Results, rows
from assay.study import MEMBER_STRIDE

N = 300  # images of every set
BASELINE = "baseline"
BUDGETS = (0.2, 0.3)
EVALUATIONS: dict[str, Evaluation] = {
    "adversarial": Adversarial(attacks=(FGSM(eps=0.3), PGD(eps=0.3, steps=40)), budgets=BUDGETS, checked=0),
    "shift": Shift(),
    "anomaly": Anomaly(),
    "calibration": Calibration(),
}


@dataclass(frozen=True)
class Profile:
    """How good a made-up recipe is: shares of right images, the distance of outliers, the heat of its softmax."""

    clean: float
    robust: tuple[float, float]  # worst case at each budget
    shift: float
    anomaly: float
    heat: float


PROFILES = {
    BASELINE: Profile(0.97, (0.10, 0.0), 0.85, 2.6, 1.0),
    "fgsm(eps=0.3)": Profile(0.96, (0.60, 0.40), 0.78, 2.5, 0.7),
    "pgd(eps=0.2, steps=40)": Profile(0.96, (0.88, 0.20), 0.77, 2.6, 1.3),
    "pgd(eps=0.3, steps=40)": Profile(0.95, (0.90, 0.84), 0.74, 2.6, 1.5),
    "cutout(length=7, holes=1)": Profile(0.97, (0.08, 0.0), 0.855, 3.2, 0.95),
    "mixup(alpha=1)": Profile(0.965, (0.09, 0.0), 0.85, 1.6, 2.0),
    "mixup(alpha=1) > pgd(eps=0.3, steps=40)": Profile(0.94, (0.86, 0.80), 0.72, 1.5, 4.0),
    "pgd(eps=0.3, steps=40) > mixup(alpha=1)": Profile(0.94, (0.86, 0.80), 0.72, 1.7, 2.2),
    "lenet5_large": Profile(0.975, (0.30, 0.05), 0.80, 2.2, 0.9),
    "ensemble(members=3)": Profile(0.98, (0.20, 0.02), 0.88, 3.0, 1.0),
}


def luck(*names: object) -> Tensor:
    """(N,) uniform numbers that belong to these names."""
    return torch.rand(N, generator=derive(0, "made up", *names))


def right(p: float, what: str, recipe: str, seed: int) -> Tensor:
    """(N,) bool, p of them true on average: mostly the same images for every model."""
    own = luck(what, recipe, seed)
    mixed = torch.where(luck("who", what, recipe, seed) < 0.8, luck("difficulty", what), own)
    return mixed < p


def observe(evaluation: str, recipe: str, seed: int, profile: Profile) -> Observations:
    if evaluation == "adversarial":
        clean = right(profile.clean, "clean", recipe, seed)
        tensors, standing = {"clean": clean}, clean
        for eps, p in zip(BUDGETS, profile.robust, strict=True):
            fgsm, pgd = (right(q, f"attack {eps}", recipe, seed) for q in ((p + 1) / 2, p))
            standing = standing & fgsm & pgd
            tensors |= {f"single/fgsm/{eps}": fgsm, f"single/pgd/{eps}": pgd, f"worst/{eps}": standing}
        return Observations(tensors=tensors)
    if evaluation == "shift":
        tensors = {"clean": right(profile.clean, "clean", recipe, seed)}
        for place, label in enumerate(Shift().labels):
            tensors[f"correct/{label}"] = right(profile.shift - 0.02 * (place % 5), label, recipe, seed)
        return Observations(tensors=tensors)
    if evaluation == "anomaly":
        tensors = {}
        for group, distance in (("in", 0.0), ("fashion_mnist", profile.anomaly), ("kmnist", 0.8 * profile.anomaly)):
            for score in Anomaly().scores:
                own = luck(group, score.name, recipe, seed)
                tensors[f"score/{group}/{score.name}"] = torch.logit(luck(group)) + 0.3 * own + distance
        return Observations(tensors=tensors)
    labels = torch.arange(N) % 10
    hit = right(profile.clean, "clean", recipe, seed)
    logits = torch.zeros(N, 10)
    logits[torch.arange(N), torch.where(hit, labels, (labels + 1) % 10)] = torch.where(hit, 6.0, 3.0) + luck("logit")
    return Observations(tensors={"logits": logits / profile.heat, "labels": labels})


def make_results(**changes: Any) -> Results:
    """A made-up study; `changes` replace fields of the Results.

    Also among the changes: `labels`, the recipes; `seeds`; `trainings` (5), how many of the baseline there
    are for each seed; `keep`, a function of (recipe, seed, evaluation) that says which cells the store holds.
    """
    labels: tuple[str, ...] = changes.pop("labels", tuple(PROFILES))
    profiles = {label: PROFILES[label] for label in labels}
    trainings: int = changes.pop("trainings", 5)
    keep: Callable[[str, int, str], bool] = changes.pop("keep", lambda _recipe, _seed, _evaluation: True)
    seeds: tuple[int, ...] = changes.get("seeds", (0,))
    baseline: str | None = changes.get("baseline", BASELINE if BASELINE in profiles else None)
    further = [seed + MEMBER_STRIDE * place for place in range(1, trainings) for seed in seeds]

    @cache
    def load(recipe: str, seed: int, evaluation: str) -> Observations | None:
        known = recipe in profiles and (seed in seeds or (recipe == baseline and seed in further))
        if not known or evaluation not in EVALUATIONS or not keep(recipe, seed, evaluation):
            return None
        return observe(evaluation, recipe, seed, profiles[recipe])

    @cache
    def load_draws(recipe: str, seed: int, evaluation: str) -> dict[str, NDArray[np.float32]] | None:
        found = load(recipe, seed, evaluation)
        return None if found is None else {name: values.numpy() for name, values in draws(found).items()}

    def table(models: list[tuple[str, int]]) -> pd.DataFrame:
        records = []
        for recipe, seed in models:
            for name, evaluation in EVALUATIONS.items():
                found = load(recipe, seed, name)
                if found is None:
                    continue
                measured = evaluation.measure(found)
                other = load(baseline, seed % MEMBER_STRIDE, name) if baseline is not None else None
                if name == "shift" and other is not None:
                    measured += compare(found, other)
                records += rows(
                    measured, study="tradeoffs", recipe=recipe, name=recipe, seed=seed, evaluation=name,
                    limited=changes.get("limit") is not None,
                )  # fmt: skip
        return pd.DataFrame(records, columns=list(COLUMNS))

    facts: dict[str, Any] = {
        "study": "tradeoffs",
        "title": "Made-up trade-offs",
        "question": "What does each technique cost?",
        "recipes": tuple(profiles),
        "baseline": baseline,
        "seeds": seeds,
        "trained": (),
        "table": with_means(table([(recipe, seed) for seed in seeds for recipe in profiles]), len(seeds)),
        "replicates": table([(baseline, seed) for seed in further] if baseline is not None else []),
        "load": load,
        "load_draws": load_draws,
    }
    return Results(**(facts | changes))


@pytest.fixture(scope="session")
def made_up() -> Results:
    return make_results()


@pytest.fixture(scope="session")
def make() -> Callable[..., Results]:
    return make_results
