"""The analysis page: what stands on it, that it is closed to the outside, and in a real browser its ranking."""

import dataclasses
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assay.analysis.analyse import Analysis, analyse
from assay.analysis.effects import compare
from assay.analysis.families import family, parameters
from assay.analysis.ranking import rank
from assay.analysis.zoo import Floats, Key, Zoo
from assay.evaluations.base import Measurement
from assay.report.analysis_page import write_analysis_page
from assay.report.strips import strip
from assay.results import COLUMNS, Results, rows
from assay.studies import tradeoffs

MEASURES = (
    ("adversarial", "accuracy", {"attack": "worst_case", "eps": 0.3}, True, 0.004),
    ("shift", "mean_accuracy", {}, True, 0.006),
    ("anomaly", "auroc", {"outliers": "kmnist", "score": "msp"}, True, 0.003),
    ("calibration", "accuracy", {}, True, 0.001),
    ("calibration", "ece", {"bins": 15}, False, 0.0006),
)
ALL = tuple(recipe.label for recipe in tradeoffs.recipes)
THIRTY = (
    ALL[:15]
    + tuple(label for label in ALL if "ensemble" in label or "large" in label or "cutout(length=7" in label)[:15]
)
NINE = (
    "baseline", "fgsm(eps=0.3)", "pgd(eps=0.3, steps=40)", "cutout(length=7, holes=1)", "mixup(alpha=1)",
    "cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)", "mixup(alpha=1) > pgd(eps=0.3, steps=40)",
    "ensemble(members=3)", "lenet5_large",
)  # fmt: skip


def made_up(label: str, random: np.random.Generator) -> list[float]:
    """Plausible values by rules of thumb: attacks help under attack, MixUp hurts anomaly detection, and so on."""
    own = parameters(label) if "(" in label else {}
    eps, alpha = max(own.get("pgd.eps", 0), 0.6 * own.get("fgsm.eps", 0)), own.get("mixup.alpha", 0)
    holes, members = own.get("cutout.holes", 0) / 5, np.log(own.get("ensemble.members", 1))
    jitter = random.normal(size=5)
    return [
        float(np.clip(0.02 + 0.93 / (1 + np.exp((0.18 - eps) / 0.03)) + 0.02 * members + 0.01 * jitter[0], 0, 1)),
        0.86 - 0.2 * eps + 0.01 * members + 0.008 * jitter[1],
        float(np.clip(0.97 + 0.01 * holes - 0.03 * (alpha > 0) + 0.006 * jitter[2], 0, 0.999)),
        0.992 - 0.02 * eps + 0.0006 * members + 0.0004 * jitter[3],
        0.006 + 0.02 * eps + 0.05 * (alpha > 0) * (eps > 0) - 0.001 * members + 0.0004 * abs(jitter[4]),
    ]


def zoo_of(recipes: tuple[str, ...], values: Floats, baseline: int | None = 0) -> Zoo:
    random = np.random.default_rng(1)
    noise = np.array([spread for *_, spread in MEASURES])
    errors = noise[None, :, None] * random.normal(size=(*values.shape, 100)) / 2
    keys = tuple(
        Key(evaluation, metric, tuple(sorted(setting.items()))) for evaluation, metric, setting, *_ in MEASURES
    )
    return Zoo(
        recipes=recipes,
        baseline=baseline,
        families=tuple(family(label) for label in recipes),
        parameters=({},) * len(recipes),
        keys=keys,
        higher_is_better=tuple(better for *_, better, _ in MEASURES),
        values=values,
        draws=(values[:, :, None] + errors).astype(np.float32),
        seeds=np.where(np.isnan(values), 0, 1),
        spread=np.full(values.shape, np.nan),
        noise=noise,
        replicates=np.full(len(MEASURES), 15),
        reasons={
            (recipes[place], keys[column]): "training failed: the disk is full"
            for place, column in np.argwhere(np.isnan(values)).tolist()
        },
    )


def results_of(recipes: tuple[str, ...], values: Floats, **changes: Any) -> Results:
    records: list[dict[str, Any]] = []
    for (place, recipe), (column, (evaluation, metric, setting, better, _)) in product(
        enumerate(recipes), enumerate(MEASURES)
    ):
        value = None if np.isnan(values[place, column]) else float(values[place, column])
        found = Measurement(
            setting=setting, metric=metric, value=value, n=1000, higher_is_better=better,
            reason="" if value is not None else "training failed: the disk is full",
        )  # fmt: skip
        records += rows(
            [found], study="tradeoffs", recipe=recipe, name=recipe, seed=0, evaluation=evaluation,
            limited=changes.get("limit") is not None,
        )  # fmt: skip
    facts: dict[str, Any] = {
        "study": "tradeoffs",
        "title": "Trade-offs between safety techniques",
        "question": "What does each technique cost?",
        "recipes": recipes,
        "baseline": recipes[0],
        "seeds": (0,),
        "trained": (),
        "table": pd.DataFrame(records, columns=list(COLUMNS)),
        "load": lambda _recipe, _seed, _evaluation: None,
    }
    return Results(**(facts | changes))


def study(recipes: tuple[str, ...], gaps: tuple[tuple[int, int], ...] = (), **changes: Any) -> tuple[Results, Analysis]:
    random = np.random.default_rng(0)
    values = np.array([made_up(label, random) for label in recipes])
    for place, column in gaps:
        values[place, column] = np.nan
    results = results_of(recipes, values, **changes)
    zoo = zoo_of(recipes, values, 0 if results.baseline is not None else None)
    return results, analyse(results, zoo, compare(zoo))
