"""Signs that a number may not be what it seems, as the evaluations found them.

Evaluations give these numbers only where they found something, so a missing row means that nothing was found: they are
no measures with a value for every recipe.
"""

from dataclasses import dataclass
from typing import Any

from assay.analysis.measures import MEAN, number
from assay.report.explain import show_difference
from assay.results import Results

RISE, OUTSIDE = "accuracy_rise", "out_of_bounds"
EVENTS = (RISE, OUTSIDE, "one_class")  # the last stands in the banner of every page


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A sign to distrust a recipe's number: the recipe, and a sentence."""

    recipe: str
    text: str


def doubts(results: Results) -> list[Doubt]:
    """What the evaluations found, in the order of the table; of several seeds each is named."""
    several = len(results.seeds) > 1
    return [
        Doubt(
            recipe=f"{row['recipe']} (seed {row['seed']})" if several else str(row["recipe"]),
            text=_sentence(row, value),
        )
        for row in results.table.to_dict("records")
        if row["metric"] in (RISE, OUTSIDE) and row["seed"] != MEAN and (value := number(row["value"])) is not None
    ]


def _sentence(row: dict[Any, Any], value: float) -> str:
    attack, eps = row["setting"].get("attack", "the attack"), row["setting"].get("eps")
    if row["metric"] == RISE:
        points = show_difference("accuracy", value).lstrip("+")
        return (
            f"accuracy under {attack} is higher by {points} points at ε = {eps} than at the smaller budget before: the "
            "attack fails there, most often because the model hides its gradients, so its robustness is likely "
            "overstated"
        )
    return f"{attack} left its budget on {value:,.0f} images; they were brought back before they were judged"
