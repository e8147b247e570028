"""A made-up zoo of the study on trade-offs, from a table of effects per family: every recipe of one technique, and
three attacks with every augmentation in both orders.

In this world all claims of the study are true but one: the best on calibration, an ensemble, pays nothing for it.
"""

from collections.abc import Callable, Iterator, Mapping
from math import log

import numpy as np
import pytest

from assay.analysis.families import family, parameters
from assay.analysis.zoo import Key, Zoo
from assay.studies import tradeoffs

PAIRED = {"pgd(eps=0.2, steps=30)", "pgd(eps=0.3, steps=40)", "fgsm(eps=0.3)"}
LABELS = tuple(
    recipe.label for recipe in tradeoffs.recipes if len(recipe.pipeline) < 2 or PAIRED & set(recipe.label.split(" > "))
)
FAMILIES = tuple(family(label) for label in LABELS)
PARAMETERS = tuple(parameters(label) for label in LABELS)
SCORES = {"msp": 1.0, "max_logit": 1.5, "vim": 2.0}  # each exaggerates differences that much
DRAWS = 100

# What a recipe's numbers are called in the table of effects.
NUMBERS = (
    "fgsm", "pgd", "mean_accuracy", "fog", "impulse_noise", "brightness", "fashion_mnist", "kmnist", "calibration",
)  # fmt: skip
Truth = Callable[[str, str, Mapping[str, float]], float]  # (number, family, hyper-parameters) -> value


def truth(number: str, kind: str, given: Mapping[str, float]) -> float:
    """The world in which the claims are true."""
    parts = kind.split(" > ")
    members = log(given["ensemble.members"] / 3) if kind == "ensemble" else 0.0
    group = "combined" if len(parts) > 1 else "attack" if kind in ("pgd", "fgsm") else kind
    eps = next((value for name, value in given.items() if name.endswith(".eps")), 0.3)
    if number in ("fgsm", "pgd", "mean_accuracy", "fog", "impulse_noise", "brightness"):
        levels = {
            #                fgsm  pgd   mean  fog   impulse brightness
            "baseline":     (0.20, 0.08, 0.80, 0.45, 0.45, 0.80),
            "cutout":       (0.17, 0.03, 0.79, 0.44, 0.44, 0.80),
            "mixup":        (0.17, 0.03, 0.79, 0.44, 0.44, 0.80),
            "lenet5_large": (0.45, 0.10, 0.78, 0.30, 0.45, 0.80),
            "ensemble":     (0.30, 0.12, 0.81, 0.46, 0.46, 0.81),
            "attack":       (0.90, 0.88, 0.75, 0.20, 0.20, 0.50),
            "combined":     (0.86, 0.84, 0.70, 0.20, 0.20, 0.50),
        }  # fmt: skip
        growth = {"pgd": 0.03, "mean_accuracy": 0.01}.get(number, 0.0) * members
        harm = 0.2 * (eps - 0.3) if number == "mean_accuracy" else 0.0
        return dict(zip(NUMBERS, levels[group], strict=False))[number] + growth - harm
    if number in ("fashion_mnist", "kmnist"):
        luck = 0.1 * (0.3 - given["pgd.eps"]) if kind == "pgd" else 0.0
        parted = 0.01 * ("cutout" in parts) - 0.01 * ("mixup" in parts) + 0.01 * (kind == "ensemble")
        loss = 0.03 if kind == "lenet5_large" and number == "fashion_mnist" else 0.0
        return 0.95 + luck + parted - loss + 0.005 * members
    if kind == "cutout":
        weak = given["cutout.length"] == 7 and given["cutout.holes"] <= 2
        return 0.0045 if weak else 0.008
    if kind in ("mixup > pgd", "mixup > fgsm"):
        return 0.05
    errors = {"baseline": 0.005, "mixup": 0.02, "lenet5_large": 0.0045, "attack": 0.01, "combined": 0.012}
    return 0.004 - 0.0005 * members if kind == "ensemble" else errors[group]


def keys() -> Iterator[tuple[Key, str, float]]:
    """Every measure with the number in the table that it shows, and how much it exaggerates it."""
    for eps in (0.2, 0.3, 0.4, 0.5):
        for attack in ("fgsm", "pgd", "worst_case"):
            number = "pgd" if attack == "worst_case" else attack
            yield Key("adversarial", "accuracy", (("attack", attack), ("eps", eps))), number, 1.0
    yield Key("shift", "mean_accuracy", ()), "mean_accuracy", 1.0
    for corruption in ("fog", "impulse_noise", "brightness"):
        yield Key("shift", "accuracy", (("corruption", corruption),)), corruption, 1.0
    for outliers in ("fashion_mnist", "kmnist"):
        for score, scale in SCORES.items():
            yield Key("anomaly", "auroc", (("outliers", outliers), ("score", score))), outliers, scale
    for metric, scale in {"ece": 1.0, "rms_calibration_error": 2.0, "brier": 3.0, "nll": 6.0}.items():
        setting = (("bins", 15),) if metric == "ece" else ()
        yield Key("calibration", metric, setting), "calibration", scale


def make_zoo(world: Truth = truth) -> Zoo:
    """The study in that world, with small noise."""
    found = list(keys())
    values = np.empty((len(LABELS), len(found)))
    for column, (key, number, scale) in enumerate(found):
        centre = 0.95 if key.evaluation == "anomaly" else 0.0
        for row, (kind, given) in enumerate(zip(FAMILIES, PARAMETERS, strict=True)):
            values[row, column] = centre + scale * (world(number, kind, given) - centre)
    scatter = np.array([scale * (1e-4 if key.evaluation == "calibration" else 1e-3) for key, _, scale in found]) / 2
    seeds, spread = np.ones(values.shape, dtype=np.int64), np.full(values.shape, np.nan)
    seeds[0], spread[0] = 15, scatter
    random = np.random.default_rng(0).standard_normal((*values.shape, DRAWS), dtype=np.float32)
    return Zoo(
        recipes=LABELS,
        baseline=0,
        families=FAMILIES,
        parameters=PARAMETERS,
        keys=tuple(key for key, _, _ in found),
        higher_is_better=tuple(key.evaluation != "calibration" for key, _, _ in found),
        values=values,
        draws=(values[..., None] + scatter[:, None] * random).astype(np.float32),
        seeds=seeds,
        spread=spread,
        noise=scatter,
        replicates=np.full(len(found), 15, dtype=np.int64),
        reasons={},
    )


@pytest.fixture(scope="session")
def true_zoo() -> Zoo:
    return make_zoo()


@pytest.fixture(scope="session")
def zoo_of() -> Callable[[Truth], Zoo]:
    return make_zoo


@pytest.fixture(scope="session")
def true_world() -> Truth:
    return truth
