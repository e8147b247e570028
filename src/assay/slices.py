"""Slices of a study: one of its presets, the part of one class, or chosen recipes alone."""

from dataclasses import replace
from fnmatch import fnmatchcase

from assay.errors import BadValueError, nearest
from assay.recipe import Recipe
from assay.study import FULL, Study


def cut(study: Study, preset: str) -> Study:
    """The slice of a study that one of its presets names; "full" is the whole.

    Raises:
        BadValueError: the study has no such preset, or the preset names a recipe that the study does not have.
    """
    known = {item.name: item for item in study.presets}
    if preset == FULL:
        return study
    if preset not in known:
        raise BadValueError(f"{preset}: {study.name} has no such preset; {nearest(preset, (*known, FULL))}")
    chosen = known[preset]
    strange = set(chosen.recipes) - {recipe.label for recipe in study.recipes}
    if strange:
        raise BadValueError(f"{study.name}: preset {preset}: expected recipes of the study, got {sorted(strange)}")
    recipes = (recipe for recipe in study.recipes if recipe.label in chosen.recipes)
    return replace(
        study,
        recipes=tuple(recipe if chosen.train is None else replace(recipe, train=chosen.train) for recipe in recipes),
        evaluations=chosen.evaluations or study.evaluations,
        replicates=chosen.replicates or study.replicates,
        preset=preset,
        slice=chosen.text,
    )


def part_of(study: Study, kept: int) -> Study:
    """Of a study of each class, the study of the class of that number: "one_class-3" for 3."""
    title = f"{study.title}: class {kept}"
    return replace(study, name=f"{study.name}-{kept}", title=title, each_class=False, kept=kept)


def choose(study: Study, patterns: str | None) -> Study:
    """The study with the recipes that `select` finds alone, and without the transfer, which is of the whole zoo.

    None chooses the whole study.
    """
    return study if patterns is None else replace(study, recipes=select(study, patterns), transfer=None)


def select(study: Study, patterns: str) -> tuple[Recipe, ...]:
    """The recipes whose label equals, or matches as a shell pattern, one of `patterns`, separated by ";".

    Raises:
        BadValueError: a pattern matches nothing (with the nearest labels).
    """
    labels = {recipe.label: recipe for recipe in study.recipes}
    chosen: dict[str, Recipe] = {}
    for pattern in (text.strip() for text in patterns.split(";")):
        matching = {
            label: recipe for label, recipe in labels.items() if label == pattern or fnmatchcase(label, pattern)
        }
        if not matching:
            parts = [part.strip() for part in pattern.split(",")]
            if len(parts) > 1 and all(any(fnmatchcase(label, part) for label in labels) for part in parts):
                raise BadValueError(
                    f"{pattern}: separate recipes by ;, since a name may hold commas: {';'.join(parts)}"
                )
            raise BadValueError(
                f"{pattern}: no recipe of {study.name} matches; {nearest(pattern.replace('*', ''), labels)}"
            )
        chosen |= matching
    return tuple(recipe for recipe in study.recipes if recipe.label in chosen)
