"""Handmade zoos: a few recipes, whose draws scatter about their values by a known amount."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from assay.analysis.claims import Evidence, Group, Measures
from assay.analysis.families import family, parameters
from assay.analysis.zoo import Key, Zoo

Rows = Mapping[str, Mapping[str, float]]
MakeEvidence = Callable[..., Evidence]


def measures_of(name: str) -> Measures:
    """A measure called by one word: "ece" and such, or an accuracy under the attack of that name."""
    if name in ("ece", "nll"):
        return Measures(name=name, evaluation="calibration", metric=name)
    return Measures(
        name=name, evaluation="adversarial", metric="accuracy", settings=((("attack", name), ("eps", 0.3)),)
    )  # fmt: skip


def key_of(name: str) -> Key:
    measures = measures_of(name)
    return Key(measures.evaluation, measures.metric, tuple(sorted(measures.settings[0])))


def make(rows: Rows, *, scatter: float = 0.001, noise: float = 0.001, whole: tuple[str, ...] = ()) -> Evidence:
    """Evidence of recipes by label with values by measure; one without a value is NaN."""
    names = list(dict.fromkeys(name for values in rows.values() for name in values))
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows.values()]).reshape(len(rows), -1)
    random = np.random.default_rng(0).standard_normal((*values.shape, 400))
    seeds, spread = np.ones(values.shape, dtype=np.int64), np.full(values.shape, np.nan)
    seeds[0], spread[0] = 5, noise
    keys = tuple(key_of(name) for name in names)
    return Evidence(
        zoo=Zoo(
            recipes=tuple(rows),
            baseline=0,
            families=tuple(family(label) for label in rows),
            parameters=tuple(parameters(label) for label in rows),
            keys=keys,
            higher_is_better=tuple(key.metric == "accuracy" for key in keys),
            values=values,
            draws=(values[..., None] + scatter * random).astype(np.float32),
            seeds=seeds,
            spread=spread,
            noise=np.full(len(names), noise),
            replicates=np.full(len(names), 5, dtype=np.int64),
            reasons={(label, key): "it has not run yet" for label in rows for key in keys},
        ),
        whole=whole,
    )


def group(*families: str, **limits: tuple[float, float]) -> Group:
    """The group of these families, with limits such as pgd_eps=(0.2, 0.3)."""
    return Group(
        name=" and ".join(families),
        families=families,
        limits=tuple((name.replace("_", ".", 1), *ends) for name, ends in limits.items()),
    )


@pytest.fixture
def evidence() -> MakeEvidence:
    return make


@pytest.fixture
def families() -> Callable[..., Group]:
    return group


@pytest.fixture
def measures() -> Callable[[str], Measures]:
    return measures_of
