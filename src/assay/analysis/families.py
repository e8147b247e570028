"""Families: which recipes use the same techniques in the same order, and the hyper-parameters that tell them apart."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any

from assay.errors import BadValueError
from assay.parts import Part, shown_fields
from assay.recipe import BASELINE, Recipe, parse_recipe


def family(label: str) -> str:
    """The label without its settings: "cutout > pgd" of "cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)".

    A part inside of another is named where it is of another kind than the default there: "tuned(outlier_exposure)" of
    "tuned(objective=outlier_exposure)", and "outlier_exposure(fractals)", but "outlier_exposure" whatever the data set
    that it shows. A label that does not parse, of a model of someone's own, loses what is in brackets.
    """
    try:
        recipe = _parsed(label)
    except BadValueError:
        return _without_brackets(label)
    return " > ".join(map(_kind, recipe.terms)) or BASELINE


def parameters(label: str) -> dict[str, float]:
    """The numbers in a label by "<part>.<field>": {"pgd.eps": 0.3, "pgd.steps": 40.0}; of an ensemble, its members.

    Those of a part inside of another by the fields that lead there: "mixed_adversarial.attack.eps".

    Raises:
        BadValueError: the label does not parse.
    """
    return {name: number for term in _parsed(label).terms for name, number in _numbers(term.name, term)}


@cache
def _parsed(label: str) -> Recipe:
    return parse_recipe(label)


def _kind(part: Part) -> str:
    inside = ", ".join(_kind(item) for field in fields(part) for item in _other_kinds(field, getattr(part, field.name)))
    return f"{part.name}({inside})" if inside else part.name


def _other_kinds(field: Field[Any], value: object) -> Iterator[Part]:
    """The parts in a field's value that are of other kinds than its default's."""
    default = field.default if field.default_factory is MISSING else field.default_factory()
    usual = {type(item) for item in _each(default)}
    yield from (item for item in _each(value) if isinstance(item, Part) and type(item) not in usual)


def _each(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _numbers(path: str, part: Part) -> Iterator[tuple[str, float]]:
    for name, value in shown_fields(part).items():
        if isinstance(value, Part):
            yield from _numbers(f"{path}.{name}", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{path}.{name}", float(value)


def _without_brackets(label: str) -> str:
    kept, depth = [], 0
    for letter in label:
        depth -= letter == ")" and depth > 0
        if depth == 0 and letter not in "()":
            kept.append(letter)
        depth += letter == "("
    return "".join(kept).strip()
