"""Which kind of forecasts the columns hold, and their numbers, checked.

probability, outcome          the probability of an event, and whether it happened: 0 or 1
p_cat, p_dog, ..., outcome    a probability for each class, and the name of the class that came: cat
low, high, level, outcome     a central prediction interval, its level in (0, 1), and the number that came
"""

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from assay.errors import BadValueError, nearest
from assay.forecasts.source import Source

LARGEST = 1e150  # numbers whose squares still are numbers
TOLERANCE = 0.001  # how far the probabilities of a row's classes may be from summing to 1
LEVELS = 50  # different levels of intervals in one file: each has its own scores
PREFIX = "p_"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MISSING = ("", "na", "n/a", "nan", "null", "none", "<na>", "nat", "?", ".", "-")
KINDS = "probability,outcome for an event; p_cat,p_dog,...,outcome for classes; low,high,level,outcome for intervals"


@dataclass(frozen=True, kw_only=True, eq=False)
class Binary:
    """probability (N,) float64 of an event, and outcome (N,) float64, 1 where it happened."""

    probability: Tensor
    outcome: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Classes:
    """names of K classes, probability (N, K) float64, and outcome (N,) int64, the place of the class that came."""

    names: tuple[str, ...]
    probability: Tensor
    outcome: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranges:
    """Central prediction intervals: low <= high, level and outcome, (N,) float64 each."""

    low: Tensor
    high: Tensor
    level: Tensor
    outcome: Tensor


Forecasts = Binary | Classes | Ranges


def parse(source: Source) -> Forecasts:
    """The forecasts in these columns; other columns are left unread, see `unread`.

    Raises:
        BadValueError: the columns fit no kind, or several; a cell is missing or outside its range, by its line.
    """
    names = list(source.columns)
    classes = _class_columns(source)
    found = [kind for kind, there in (
        (_binary, "probability" in names),
        (_classes, bool(classes)),
        (_ranges, bool({"low", "high", "level"} & set(names))),
    ) if there]  # fmt: skip
    if not found:
        got = ", ".join(names[:12])
        raise BadValueError(f"{source.name}: expected the columns {KINDS}; got {got}; rename them in the file")
    if len(found) > 1:
        raise BadValueError(f"{source.name}: the columns fit several kinds; keep those of one: {KINDS}")
    return found[0](source)


def unread(source: Source, forecasts: Forecasts) -> tuple[str, ...]:
    """Names of the columns that are not part of the forecasts."""
    known = {Binary: ["probability"], Classes: _class_columns(source), Ranges: ["low", "high", "level"]}
    return tuple(name or "(no name)" for name in source.columns if name not in [*known[type(forecasts)], "outcome"])


def _class_columns(source: Source) -> list[str]:
    return [name for name in source.columns if name.startswith(PREFIX) and name != PREFIX]


def _need(source: Source, *columns: str) -> None:
    for column in columns:
        if column not in source.columns:
            others = ", ".join(name for name in source.columns if name)
            raise BadValueError(f"{source.name}: there is no column {column}; add it, or rename one of: {others}")


def _binary(source: Source) -> Binary:
    _need(source, "outcome")
    probability = _probabilities(source, "probability")
    outcome = _numbers(source, "outcome", "0 or 1", "write 1 where the event happened, else 0")
    for row in _where((outcome != 0) & (outcome != 1)):
        problem = f"expected 0 or 1, got {source.columns['outcome'][row]}; write 1 where the event happened, else 0"
        raise source.refuse(row, "outcome", problem)
    return Binary(probability=probability, outcome=outcome)


def _classes(source: Source) -> Classes:
    _need(source, "outcome")
    columns = _class_columns(source)
    if len(columns) < 2:
        remedy = "add the other classes, or name the columns probability,outcome and write 0 or 1"
        raise BadValueError(f"{source.name}: {columns[0]} is the only class; {remedy}")
    names = tuple(column.removeprefix(PREFIX) for column in columns)
    probability = torch.stack([_probabilities(source, column) for column in columns], 1)
    places = {name: place for place, name in enumerate(names)}
    for row, text in enumerate(source.columns["outcome"]):
        if text not in places:
            if text.lower() in MISSING:
                raise source.refuse(row, "outcome", "is missing; fill it in, or leave the row out")
            raise source.refuse(row, "outcome", f"{text!r} is none of the classes; {nearest(text, names)}")
    sums = probability.sum(1)
    for row in _where((sums - 1).abs() > TOLERANCE):
        problem = f"expected probabilities that sum to 1 within {TOLERANCE:g}, got {float(sums[row]):.6g}"
        raise source.refuse(row, f"{columns[0]} to {columns[-1]}", f"{problem}; state all classes, as fractions")
    outcome = torch.tensor([places[text] for text in source.columns["outcome"]])
    return Classes(names=names, probability=probability, outcome=outcome)


def _ranges(source: Source) -> Ranges:
    _need(source, "low", "high", "level", "outcome")
    low, high, outcome = (_numbers(source, column) for column in ("low", "high", "outcome"))
    level = _numbers(source, "level", "a number between 0 and 1", "write 0.9 for an interval of 90 %").round(decimals=9)
    for row in _where((level <= 0) | (level >= 1)):
        problem = f"expected a number between 0 and 1, got {source.columns['level'][row]}"
        raise source.refuse(row, "level", f"{problem}; write 0.9 for an interval of 90 %")
    for row in _where(low > high):
        problem = f"expected low <= high, got {float(low[row]):g} and {float(high[row]):g}; swap them"
        raise source.refuse(row, "low", problem)
    if (count := len(set(level.tolist()))) > LEVELS:
        remedy = "round them, or score the levels in several files"
        raise BadValueError(f"{source.name}: expected at most {LEVELS} different levels, got {count}; {remedy}")
    return Ranges(low=low, high=high, level=level, outcome=outcome)


def _probabilities(source: Source, column: str) -> Tensor:
    remedy = "write 0.7 for 70 %"
    values = _numbers(source, column, "a number from 0 to 1", remedy)
    for row in _where((values < 0) | (values > 1)):
        got = source.columns[column][row]
        raise source.refuse(row, column, f"expected a number from 0 to 1, got {got}; {remedy}")
    return values


def _numbers(
    source: Source, column: str, expected: str = "a number", remedy: str = "write it with a point, such as 12.5"
) -> Tensor:
    values = []
    for row, text in enumerate(source.columns[column]):
        if not NUMBER.fullmatch(text):
            if text.lower() in MISSING:
                raise source.refuse(row, column, "is missing; fill it in, or leave the row out")
            hint = "write a decimal point, not a comma" if re.fullmatch(r"[+-]?\d+,\d+", text) else remedy
            if re.fullmatch(r"[+-]?inf(inity)?", text, re.IGNORECASE):
                hint = "write a finite number, or leave the row out"
            raise source.refuse(row, column, f"expected {expected}, got {text!r}; {hint}")
        value = float(text)
        if not abs(value) <= LARGEST:
            raise source.refuse(row, column, f"expected {expected}, got {text}, which is too large; {remedy}")
        values.append(value)
    return torch.tensor(values, dtype=torch.float64)


def _where(bad: Tensor) -> list[int]:
    """The first place where bad (N,) holds, or none."""
    return bad.nonzero().flatten()[:1].tolist()
