"""What there is to choose from, as `assay list` shows it."""

import inspect
from dataclasses import fields

from rich.console import Console
from rich.table import Table

from assay import (
    architectures,
    attacks,
    augmentations,
    corruptions,
    evaluations,
    objectives,
    outliers,
    posthoc,
    scores,
    studies,
    weights,
)
from assay.counting import number_of
from assay.errors import BadValueError, nearest
from assay.recipe import part_classes
from assay.study import Study

PACKAGES = {
    "architectures": architectures,
    "attacks": attacks,
    "augmentations": augmentations,
    "corruptions": corruptions,
    "evaluations": evaluations,
    "objectives": objectives,
    "outliers": outliers,
    "posthoc": posthoc,
    "scores": scores,
    "weights": weights,
}
KINDS = ("studies", "recipes", *PACKAGES)


def show(console: Console, what: str) -> None:
    """Print the entries of a kind with what each does, or the kinds themselves for an empty text.

    Raises:
        BadValueError: there is no such kind.
    """
    if not what:
        console.print("assay list " + "|".join(KINDS), soft_wrap=True)
        return
    if what not in KINDS:
        raise BadValueError(f"{what}: no such kind; {nearest(what, KINDS)}")
    table = Table(box=None, header_style="dim")
    for heading in ("name", "what it is"):
        table.add_column(heading, overflow="fold")
    for name, text in entries(what):
        table.add_row(name, text)
    console.print(table)


def entries(what: str) -> list[tuple[str, str]]:
    """Names and one-line descriptions of a kind."""
    if what == "studies":
        return [entry for study in _studies() for entry in _study(study)]
    if what == "recipes":
        return [(recipe.label, f"in {study.name}") for study in _studies() for recipe in study.recipes]
    classes = part_classes(PACKAGES[what])
    return [(_call(name, kind), (inspect.getdoc(kind) or "").splitlines()[0]) for name, kind in sorted(classes.items())]


def _studies() -> list[Study]:
    return [getattr(studies, name) for name in studies.__all__]


def _study(study: Study) -> list[tuple[str, str]]:
    slices = [
        (f"{study.name} --preset {item.name}", f"{number_of(len(item.recipes), 'recipe')}. {item.text}")
        for item in study.presets
    ]
    return [(study.name, f"{study.title}. {number_of(len(study.recipes), 'recipe')}."), *slices]


def _call(name: str, kind: type) -> str:
    """A part's name with its fields; defaults that are plain values are shown: `pgd(eps, steps, norm='linf')`."""
    texts = [
        f"{field.name}={field.default!r}"
        if field.default is None or isinstance(field.default, bool | int | float | str)
        else field.name
        for field in fields(kind)
    ]
    return f"{name}({', '.join(texts)})" if texts else name
