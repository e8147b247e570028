"""A zoo as arrays: every number of every recipe, its bootstrap draws on common resamples, and the training noise.

Two kinds of noise blur a difference between recipes. *Sampling*: another test set would give other numbers; the
bootstrap draws show it, and since every recipe meets the same resamples, their differences are paired. *Training*:
another seed would give other weights; it shows in the spread of the baseline's replicates, trainings that differ in
their seed alone (Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Key(NamedTuple):
    """What is measured: the same key always has the same meaning, across recipes and studies."""

    evaluation: str
    metric: str
    setting: tuple[tuple[str, str | float], ...]  # sorted by name


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """The numbers of one study with R recipes, M measures and B bootstrap draws.

    The baseline's row holds the mean over its K replicates (its own seeds among them) rather than one training. "mce"
    and "relative_mce" are against that mean, so that the baseline's are 1 (see `assay.analysis.corruption`).

    Attributes:
        recipes: labels in the study's order, (R,), measured or not.
        baseline: the place of the baseline, or None.
        families: (R,) what kind of recipe each is, see `assay.analysis.families`.
        parameters: (R,) hyper-parameters by name, such as {"pgd.eps": 0.3, "pgd.steps": 40.0}.
        keys: (M,) what is measured.
        higher_is_better: (M,) directions; None where there is none.
        values: (R, M) mean over the recipe's seeds; NaN where not measured.
        draws: (R, M, B) float32 bootstrap values, mean over the seeds; NaN where there are none. Draw b of a measure
            is on the same resample of images for every recipe. Their centre may lie off the value, which is no error:
            use their spread (see `assay.evaluations.draws`).
        seeds: (R, M) how many trainings are behind each value.
        spread: (R, M) standard deviation over the recipe's own seeds; NaN below two.
        noise: (M,) standard deviation over the baseline's replicates: training noise; NaN below two. It is also the
            baseline's row of `spread`.
        replicates: (M,) K, how many trainings of the baseline were measured.
        reasons: (recipe, key) -> why a value is missing.
        unlearned: labels of recipes that answer one class for every image, see `assay.results.Results`.
        trainings: (T, M) values of each training of every recipe, the same training in a row; NaN where not measured.
        models: (T,) the place of the recipe that each of them is a training of.
        seen: (recipe, key) -> names, by commas, of the corruptions and outlier sets behind the value whose like the
            recipe's models met in training; only where there are any.
    """

    recipes: tuple[str, ...]
    baseline: int | None
    families: tuple[str, ...]
    parameters: tuple[Mapping[str, float], ...]
    keys: tuple[Key, ...]
    higher_is_better: tuple[bool | None, ...]
    values: Floats
    draws: NDArray[np.float32]
    seeds: NDArray[np.int64]
    spread: Floats
    noise: Floats
    replicates: NDArray[np.int64]
    reasons: Mapping[tuple[str, Key], str]
    unlearned: tuple[str, ...] = ()
    trainings: Floats = field(default_factory=lambda: np.empty((0, 0)))
    models: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    seen: Mapping[tuple[str, Key], str] = field(default_factory=dict)

    @cached_property
    def family_places(self) -> NDArray[np.int64]:
        """(R,) the place of each recipe's family among the families, in their order of appearance."""
        names = {name: place for place, name in enumerate(dict.fromkeys(self.families))}
        return np.array([names[name] for name in self.families], dtype=np.int64)

    @cached_property
    def learned(self) -> NDArray[np.bool_]:
        """(R,) whether each recipe learned anything."""
        return np.array([label not in self.unlearned for label in self.recipes], dtype=bool)

    @cached_property
    def members(self) -> Floats:
        """(R,) how many networks each recipe consists of: the members of an ensemble, else 1."""
        return np.array([numbers.get("ensemble.members", 1.0) for numbers in self.parameters])
