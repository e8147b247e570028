"""Signs that a number may not be what it seems, as the evaluations and the looks at training found them.

Evaluations give most of these numbers only where they found something, so a missing row means that nothing was found:
they are no measures with a value for every recipe. Flags are there of every check, raised or not.
"""

from dataclasses import dataclass
from typing import Any

from assay.analysis.measures import MEAN, number
from assay.analysis.overfitting import Overfitting, overfitting
from assay.evaluations.flags import EVIDENCE, FLAG
from assay.report.checks import sentences
from assay.report.explain import show, show_difference
from assay.results import Results, records

RISE, OUTSIDE = "accuracy_rise", "out_of_bounds"
EVENTS = (RISE, OUTSIDE, "one_class", FLAG, EVIDENCE)  # one_class stands in the banner of every page


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A sign to distrust a recipe's number: the recipe, and a sentence."""

    recipe: str
    text: str


def doubts(results: Results) -> list[Doubt]:
    """What the evaluations found, in the order of the table, then their flags, then what training did.

    Of several seeds each is named.
    """
    several = len(results.seeds) > 1

    def named(recipe: object, seed: object) -> str:
        return f"{recipe} (seed {seed})" if several else str(recipe)

    table = results.table
    told = table[table["metric"].isin((RISE, OUTSIDE)) & (table["seed"] != MEAN)]
    broken = ((run, overfitting(run.history)) for run in results.trained)
    found = [
        Doubt(recipe=named(row["recipe"], row["seed"]), text=_sentence(row, value))
        for row in records(told)
        if (value := number(row["value"])) is not None
    ]
    found += [Doubt(recipe=named(recipe, seed), text=text) for recipe, seed, text in sentences(results)]
    return found + [
        Doubt(recipe=named(run.recipe, run.seed), text=_broken(worse)) for run, worse in broken if worse is not None
    ]


def _broken(found: Overfitting) -> str:
    fgsm, pgd = show("accuracy", found.fgsm), show("accuracy", found.pgd)
    if found.best is None:
        what = (
            f"in epoch {found.epoch} accuracy under FGSM was {fgsm} and under PGD {pgd}, which had never reached 20 %"
        )
    else:
        best = show("accuracy", found.best)
        what = f"accuracy under PGD fell from {best} to {pgd} in epoch {found.epoch} while that under FGSM was {fgsm}"
    return (
        f"catastrophic overfitting: {what}, on validation images; training has taught it to withstand single steps and "
        "nothing else, so train with more steps or a smaller budget"
    )


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
