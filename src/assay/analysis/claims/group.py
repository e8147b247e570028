"""What claims speak of: groups of recipes, and measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Setting = tuple[tuple[str, str | float], ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Recipes by family and hyper-parameters.

    Attributes:
        name: for people, such as "the ensembles".
        families: such as ("pgd", "cutout > pgd"); "cutout > pgd" attacks the augmented image, "pgd > cutout" augments
            the attacked one. See `assay.analysis.families.family`.
        limits: (hyper-parameter, least, most), both included, such as ("cutout.length", 7, 7).
    """

    name: str
    families: tuple[str, ...]
    limits: tuple[tuple[str, float, float], ...] = ()

    def holds(self, family: str, parameters: Mapping[str, float]) -> bool:
        """Whether a recipe belongs to the group."""
        inside = all(name in parameters and low <= parameters[name] <= high for name, low, high in self.limits)
        return family in self.families and inside


@dataclass(frozen=True, kw_only=True)
class Measures:
    """One number made of one or several measures of an evaluation.

    Attributes:
        name: for people, such as "PGD accuracy (mean over budgets)".
        evaluation: such as "adversarial".
        metric: such as "accuracy".
        settings: each must be in the measure's setting; "attack" matches an attack's name whatever its other settings.
        pool: "mean" of the settings, or the "worst" of them (the lowest where higher is better).
    """

    name: str
    evaluation: str
    metric: str
    settings: tuple[Setting, ...] = ((),)
    pool: Literal["mean", "worst"] = "mean"

    @property
    def percent(self) -> bool:
        """Whether the values are proportions, which people read as percentages."""
        return self.metric in PROPORTIONS


PROPORTIONS = ("accuracy", "mean_accuracy", "auroc", "aupr", "fpr95")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One side of a comparison: recipes with weights that add up to 1, and how people call it."""

    name: str
    weights: Mapping[int, float]
