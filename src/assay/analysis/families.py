"""Families: which recipes use the same techniques in the same order, and the hyper-parameters that tell them apart."""

import re

from assay.parts import shown_fields
from assay.recipe import parse_recipe


def family(label: str) -> str:
    """The label without its settings: "cutout > pgd" of "cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)"."""
    return re.sub(r"\([^()]*\)", "", label)


def parameters(label: str) -> dict[str, float]:
    """The numbers in a label by "<part>.<field>": {"pgd.eps": 0.3, "pgd.steps": 40.0}; of an ensemble, its members.

    Raises:
        BadValueError: the label does not parse.
    """
    recipe = parse_recipe(label)
    parts = [recipe.architecture, *recipe.pipeline, recipe.objective]
    found = {
        f"{part.name}.{name}": float(value)
        for part in parts
        for name, value in shown_fields(part).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return found | ({"ensemble.members": float(recipe.members)} if recipe.members > 1 else {})
