"""What claims speak of: groups of recipes, and measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Setting = tuple[tuple[str, str | float], ...]
Limit = tuple[str, float, float]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Recipes by family and hyper-parameters.

    Attributes:
        name: for people, such as "the ensembles".
        families: such as ("pgd", "cutout > pgd"); "cutout > pgd" attacks the augmented image, "pgd > cutout" augments
            the attacked one. See `assay.analysis.families.family`.
        limits: (hyper-parameter, least, most), both included, such as ("cutout.length", 7, 7).
        without: limits within all of which a recipe is not of the group; none leaves nothing out.
    """

    name: str
    families: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    without: tuple[Limit, ...] = ()

    def holds(self, family: str, parameters: Mapping[str, float]) -> bool:
        """Whether a recipe belongs to the group."""
        left_out = bool(self.without) and _within(self.without, parameters)
        return family in self.families and _within(self.limits, parameters) and not left_out


def _within(limits: Sequence[Limit], parameters: Mapping[str, float]) -> bool:
    return all(name in parameters and low <= parameters[name] <= high for name, low, high in limits)


@dataclass(frozen=True, kw_only=True)
class Measures:
    """One number made of one or several measures of an evaluation.

    Attributes:
        name: for people, such as "PGD accuracy (mean over budgets)".
        evaluation: such as "adversarial".
        metric: such as "accuracy".
        settings: each must be in the measure's setting; "attack" matches an attack's name whatever its other settings.
        pool: "mean" of the settings, or "every" one: all must lie where the claim says, and the worst is shown.
    """

    name: str
    evaluation: str
    metric: str
    settings: tuple[Setting, ...] = ((),)
    pool: Literal["mean", "every"] = "mean"

    @property
    def percent(self) -> bool:
        """Whether the values are proportions, which people read as percentages."""
        return self.metric in PROPORTIONS


PROPORTIONS = ("accuracy", "mean_accuracy", "auroc", "aupr", "fpr95")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One side of a comparison: recipes with weights that add up to 1, and how people call it.

    It was chosen by its value among that many candidates.
    """

    name: str
    weights: Mapping[int, float]
    among: int = 1
