"""The checks for failing attacks: a sentence with figures for each flag, and how many were raised or not measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assay.analysis.measures import MEAN, number
from assay.evaluations.flags import EVIDENCE, FLAG
from assay.report.text import listed
from assay.results import Results, records

NOT_RUN = (
    "The checks for failing attacks were not run: they were switched off (checked=0), or these results are older than "
    "they are; evaluate again to have them."
)
# What was seen, with the counts of the evidence in its order; what it means, and what to do.
SENTENCES = {
    "black_box_beats_gradients": "Square, which knows no gradient, fools {0} checked images though attacks by "
    "gradients leave them standing at ε = {eps} (a second run of those attacks {1}): the model hides its gradients "
    "and its robustness is overstated; judge it by Square with more queries, and by an attack made for this model",
    "chance_beats_gradients": "points drawn at random from the ball fool {0} checked images though attacks by "
    "gradients leave them standing at ε = {eps} (a second run of those attacks {1}): these attacks do not search, "
    "and robustness is overstated; find out what keeps them from climbing before any number is believed",
    "one_step_beats_many": "FGSM fools {0} checked images though attacks of many steps leave them standing at ε = "
    "{eps} (a second run of those {1}): the steps go astray; give them more steps or another step size, and look for "
    "hidden gradients",
    "unbounded_attack_fails": "attacks of many steps leave {0} images standing where every pixel may take any value "
    "and all can be fooled: the attack fails, so accuracy at every budget is overstated; mend the attack or take "
    "another",
    "gradients_vanish": "{0} checked images stand and have a gradient of zero even on the margin of the logits: "
    "something in the model has no slope, such as rounding; attack through a smooth stand-in for it, or without "
    "gradients",
    "loss_saturates": "{0} checked images stand and have a gradient of zero on the cross entropy though not on the "
    "margin of the logits: the softmax is saturated, which blinds fgsm and pgd; only what attacks the logits counts, "
    "such as apgd(loss='dlr')",
    "gradients_broken": "gradients are missing or not finite on {0} checked images, or where attacks went from "
    "there: a failure of gradients is no robustness; take out what cuts or breaks them, or attack through a smooth "
    "stand-in for it",
    "model_is_random": "two predictions of the same images give other logits on {0} and another class on {1}: "
    "attacks aim at one draw and are judged by another; fix the draws, or attack their mean with eot",
    "one_step_overstates": "FGSM leaves {0} right images standing at ε = {eps}, and attacks of many steps fool {1} "
    "of these: it withstands one step and nothing else; never report FGSM alone",
    "seed_decides": "a second run of the same attacks, which differs in its seed alone, fools {0} checked images "
    "more at ε = {eps}: one run is not enough; give the attacks more steps or restarts",
}


# Flags that say that accuracy under attack is too high; the others say that it was looked at too little.
OVERSTATED = frozenset(
    {
        "black_box_beats_gradients", "chance_beats_gradients", "unbounded_attack_fails", "gradients_vanish",
        "loss_saturates", "gradients_broken", "model_is_random",
    }
)  # fmt: skip


def overstated(results: Results) -> dict[str, tuple[str, ...]]:
    """By recipe, the raised flags that say that accuracy under its attacks is too high, on any seed."""
    found: dict[str, dict[str, None]] = {}
    table = results.table
    for row in records(table[(table["metric"] == FLAG) & (table["value"] == 1)]):
        if row["setting"]["check"] in OVERSTATED:
            found.setdefault(str(row["recipe"]), {})[name_of(row["setting"]["check"])] = None
    return {recipe: tuple(names) for recipe, names in found.items()}


def name_of(check: str) -> str:
    """A check as people read it."""
    return check.replace("_", " ")


def sentences(results: Results) -> Iterator[tuple[str, str, str]]:
    """The recipe, the seed and the sentence of each raised flag, in the order of the table.

    Not "accuracy_rises", which each rise tells itself.
    """
    table = results.table
    rows = list(records(table[table["metric"].isin((FLAG, EVIDENCE)) & (table["seed"] != MEAN)]))
    counts: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row["metric"] == EVIDENCE:
            counts.setdefault(_key(row), []).append(f"{round(row['value'] * row['n'])} of {row['n']}")
    for row in rows:
        check = row["setting"]["check"]
        if row["metric"] == FLAG and row["value"] == 1 and check in SENTENCES:
            text = SENTENCES[check].format(*counts[_key(row)], eps=row["setting"].get("eps"))
            yield str(row["recipe"]), str(row["seed"]), text


def _key(row: dict[Any, Any]) -> tuple[str, str, str]:
    return str(row["recipe"]), str(row["seed"]), str(row["setting"]["check"])


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was checked: a sentence, and one for each reason why something was not."""

    summary: str
    missing: tuple[str, ...] = ()


def checked(results: Results) -> Checked | None:
    """How many checks were made and raised; None of results without an adversarial evaluation."""
    table = results.table[(results.table["evaluation"] == "adversarial") & (results.table["seed"] != MEAN)]
    if table.empty:
        return None
    rows = list(records(table[table["metric"] == FLAG]))
    if not rows:
        return Checked(summary=NOT_RUN)
    measured = [row for row in rows if number(row["value"]) is not None]
    raised = sum(row["value"] == 1 for row in rows)
    models = len({(row["recipe"], row["seed"]) for row in rows})
    count = len({row["setting"]["check"] for row in measured})
    how = "none raised" if raised == 0 else f"{raised} raised"
    on = "this model" if models == 1 else f"each of {models} models"
    summary = f"{count} check{'' if count == 1 else 's'} for failing attacks on {on}: {how}."
    if count == 0:
        summary = "No check for failing attacks was measured."
    return Checked(summary=summary, missing=(*_missing(results, rows), *_without(table, rows)))


def _without(table: Any, rows: list[dict[Any, Any]]) -> tuple[str, ...]:
    """Of recipes that were attacked but not checked, which they are and why."""
    there = {row["recipe"] for row in rows}
    recipes = [recipe for recipe in dict.fromkeys(table["recipe"]) if recipe not in there]
    return (f"{listed(recipes)}: {NOT_RUN[0].lower()}{NOT_RUN[1:]}",) if recipes else ()


def _missing(results: Results, rows: list[dict[Any, Any]]) -> list[str]:
    """One sentence a reason: which checks were not measured, of which recipes."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        if number(row["value"]) is None:
            groups.setdefault((str(row["reason"]), str(row["recipe"])), {})[name_of(row["setting"]["check"])] = None

    def of(recipes: list[str]) -> str:
        return "" if len(recipes) == len(results.recipes) else f" of {listed(recipes)}"

    merged: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, recipe), names in groups.items():
        merged.setdefault((reason, tuple(names)), []).append(recipe)
    return [
        f"Not measured{of(recipes)}: {listed(names)}, since {reason}." for (reason, names), recipes in merged.items()
    ]
