"""Families: which recipes use the same techniques in the same order, and the hyper-parameters that tell them apart."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any

from assay.errors import BadValueError
from assay.parts import Part, shown_fields
from assay.recipe import BASELINE, Recipe, parse_recipe


@cache
def family(label: str) -> str:
    """The label without its settings: "cutout > pgd" of "cutout(length=7, holes=1) > pgd(eps=0.3, steps=40)".

    What makes a part another kind than the default is named: a part inside of it, as in "tuned(outlier_exposure)" of
    "tuned(objective=outlier_exposure)" and "outlier_exposure(fractals)", and a word, such as the data set that is shown
    ("outlier_exposure(data_set(kmnist))") or an attack's norm ("pgd(l2)"). Numbers are settings. A label that does not
    parse, of a model of someone's own, loses what is in brackets.
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
    inside = ", ".join(kind for field in fields(part) for kind in _other_kinds(field, getattr(part, field.name)))
    return f"{part.name}({inside})" if inside else part.name


def _other_kinds(field: Field[Any], value: object) -> Iterator[str]:
    """The kinds in a field's value, of parts and as words, that are not among its default's."""
    default = field.default if field.default_factory is MISSING else field.default_factory()
    usual = set(_kinds(default))
    yield from (kind for kind in _kinds(value) if kind not in usual)


def _kinds(value: object) -> Iterator[str]:
    for item in _each(value):
        if isinstance(item, str):
            yield item
        elif not isinstance(item, int | float) and isinstance(item, Part):
            yield _kind(item)


def _each(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _numbers(path: str, part: Part) -> Iterator[tuple[str, float]]:
    for name, value in shown_fields(part).items():
        if isinstance(value, int | float):  # first: that they are no parts takes Python 3.11 fifty times longer
            if not isinstance(value, bool):
                yield f"{path}.{name}", float(value)
        elif isinstance(value, Part):
            yield from _numbers(f"{path}.{name}", value)


def _without_brackets(label: str) -> str:
    kept, depth = [], 0
    for letter in label:
        depth -= letter == ")" and depth > 0
        if depth == 0 and letter not in "()":
            kept.append(letter)
        depth += letter == "("
    return "".join(kept).strip()
