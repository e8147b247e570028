"""Parts: frozen dataclasses that describe themselves, such as `pgd(eps=0.3, steps=40)`.

A part prints as a call of its name with the fields that have no default or differ from it. The same text parses back
to an equal part, and equal parts print alike. `canonical` gives the plain data from which the store's keys are hashed:
adding a field with a default leaves old keys as they are, and a change of behaviour, such as another default, bumps the
class's `version`.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, ClassVar, Protocol, runtime_checkable

from assay.errors import BadValueError, nearest


@runtime_checkable
class Part(Protocol):
    """A frozen, keyword-only dataclass with a printed name and a version of its behaviour."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    name: ClassVar[str]
    version: ClassVar[int]


def shown_fields(part: Part) -> dict[str, Any]:
    """Fields that have no default or differ from it, in the order of their declaration."""
    shown = {}
    for field in fields(part):
        value = getattr(part, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if default is MISSING or value != default:
            shown[field.name] = value
    return shown


def describe(part: Part) -> str:
    """Print a part: `cutout(length=7, holes=1)`, or its bare name where every field has its default."""
    inside = ", ".join(f"{key}={_text(value)}" for key, value in shown_fields(part).items())
    return f"{part.name}({inside})" if inside else part.name


def _text(value: object) -> str:
    if isinstance(value, int | float | str):  # first: that they are no parts takes Python 3.11 fifty times longer
        return repr(_plain(value))
    if isinstance(value, Part):
        return describe(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(_text(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    return repr(_plain(value))


def _plain(value: object) -> object:
    """Numbers that are equal in one form: 1.0 as 1, and numpy's floats as Python's."""
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(value)


def canonical(value: object) -> Any:
    """Plain data (dicts, lists, numbers, strings) that determines a part's behaviour, ready for canonical JSON."""
    if isinstance(value, Part):
        shown = shown_fields(value)
        items = {field.name: getattr(value, field.name) for field in fields(value)}
        inside = {key: canonical(item) for key, item in items.items() if key in shown or _revised(item)}
        return {"name": value.name, "version": value.version, **({"fields": inside} if inside else {})}
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return _plain(value)
    raise BadValueError(f"cannot make a key of {value!r}: expected numbers, strings, tuples or parts")


def _revised(value: object) -> bool:
    """Whether the value holds a part of a later version than 1: keys must tell it even where it is the default."""
    if isinstance(value, Part):
        return value.version > 1 or any(_revised(getattr(value, field.name)) for field in fields(value))
    return isinstance(value, tuple | list) and any(_revised(item) for item in value)


def parts_of(value: object) -> Iterator[Part]:
    """The part itself and every part inside of it, however deep; those in a tuple likewise."""
    if isinstance(value, Part):
        yield value
        yield from (part for field in fields(value) for part in parts_of(getattr(value, field.name)))
    elif isinstance(value, tuple):
        yield from (part for item in value for part in parts_of(item))


def parse(text: str, kinds: Mapping[str, type]) -> list[Any]:
    """Parse `a(x=1) > b(y=2)` to the parts it names, from left to right.

    Only literals, fractions of them such as 8/255, and the names in `kinds` are understood; nothing in the text is
    executed.

    Raises:
        BadValueError: the text is no such chain, or names an unknown part or field.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        nodes = [tree]
        if isinstance(tree, ast.Compare) and all(isinstance(op, ast.Gt) for op in tree.ops):
            nodes = [tree.left, *tree.comparators]
        return [_part(node, kinds, text) for node in nodes]
    except BadValueError:
        raise
    except SyntaxError as error:
        raise _unreadable(text, f" ({error.msg})") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(text) from error


def _unreadable(text: str, why: str = "") -> BadValueError:
    return BadValueError(f"cannot read {text!r:.100}: expected parts such as 'cutout(length=7, holes=1)'{why}")


def _part(node: ast.expr, kinds: Mapping[str, type], text: str) -> Any:
    name, keywords = node, []
    if isinstance(node, ast.Call):
        name, keywords = node.func, node.keywords
    if not isinstance(name, ast.Name):
        raise _unreadable(text)
    if name.id not in kinds:
        raise BadValueError(f"{name.id}: no such part; {nearest(name.id, kinds)}")
    kind = kinds[name.id]
    known = [field.name for field in fields(kind)]
    if isinstance(node, ast.Call) and node.args:
        names = ", ".join(f"{field}=..." for field in known[: len(node.args)])
        raise BadValueError(
            f"{name.id}: expected each value with its name, such as {name.id}({names}); got {text!r:.100}"
        )
    arguments: dict[str, Any] = {}
    for keyword in keywords:
        if keyword.arg not in known:
            raise BadValueError(f"{name.id}: no field {keyword.arg}; {nearest(str(keyword.arg), known)}")
        if keyword.arg in arguments:
            raise BadValueError(f"{name.id}: expected {keyword.arg} once, got it twice")
        if isinstance(keyword.value, ast.Name) and keyword.value.id not in kinds:
            word = keyword.value.id
            raise BadValueError(f"{word}: no such part; if a word is meant, quote it: {keyword.arg}={word!r}")
        arguments[keyword.arg] = _value(keyword.value, kinds, text)
    missing = [
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING and field.name not in arguments
    ]
    if missing:
        raise BadValueError(f"{name.id}: expected a value for {', '.join(missing)}, got none")
    try:
        return kind(**arguments)
    except TypeError as error:
        raise BadValueError(f"{name.id}: a field has a value of the wrong type ({error})") from error


def _value(node: ast.expr, kinds: Mapping[str, type], text: str) -> Any:
    if isinstance(node, ast.Tuple):
        return tuple(_value(item, kinds, text) for item in node.elts)
    if isinstance(node, ast.Call | ast.Name):
        return _part(node, kinds, text)
    try:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):  # such as 8/255
            return ast.literal_eval(node.left) / ast.literal_eval(node.right)
        return ast.literal_eval(node)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise BadValueError(
            f"cannot read {ast.unparse(node)!r:.100} in {text!r:.100}: expected a number or a string"
        ) from error


def check_number(part: str, field: str, value: object, *, low: float, high: float = float("inf")) -> None:
    """Raise BadValueError unless `value` is a finite number with low <= value <= high."""
    largest = min(high, sys.float_info.max)  # infinity and whole numbers beyond every float are above it
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= largest:
        wanted = f"a number >= {low:g}" if high == float("inf") else f"a number in [{low:g}, {high:g}]"
        raise BadValueError(f"{part}: {field}: expected {wanted}, got {value!r}")


def check_count(part: str, field: str, value: object, *, low: int = 1) -> None:
    """Raise BadValueError unless `value` is a whole number >= low."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise BadValueError(f"{part}: {field}: expected a whole number >= {low}, got {value!r}")
