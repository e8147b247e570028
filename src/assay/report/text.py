"""Text of the results made safe and readable inside a page."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from markupsafe import Markup, escape


def embed(data: Mapping[str, Any]) -> Markup:
    """JSON that is safe inside a <script> element: no text in it can end the element or open another."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as (name, text) pairs, such as ("versions, torch", "2.13.0")."""
    for key, value in values.items():
        name = f"{prefix}, {key}" if prefix else str(key)
        if isinstance(value, Mapping):
            yield from flatten(value, name)
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            yield from flatten({str(place): item for place, item in enumerate(value, start=1)}, name)
        elif isinstance(value, list | tuple):
            yield name, ", ".join(str(item) for item in value)
        else:
            yield name, f"{value:,.1f}" if isinstance(value, float) else "unknown" if value is None else str(value)


def emphasise(text: str, names: list[str]) -> Markup:
    """The text, escaped, with every one of these names in bold."""
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name)
    pieces = re.split(rf"(?<!\w)({known})(?!\w)", text) if known else [text]
    bold = Markup("<b>{}</b>")
    return Markup("").join(bold.format(piece) if place % 2 else piece for place, piece in enumerate(pieces))


@cache
def breakable(label: str) -> Markup:
    """A recipe's label, escaped, that breaks behind "(" or ", " and before ">", never behind ">" or in a number."""
    first, *steps = label.split(" > ")
    return Markup(" ").join([_breakable(first), *(_step(step) for step in steps)])


def _breakable(text: str) -> Markup:
    return Markup("(<wbr>").join(escape(piece) for piece in text.split("("))


def _step(text: str) -> Markup:
    """A step behind the first with its ">", which stays beside its name."""
    name, bracket, rest = text.partition("(")
    held = Markup('<span class="step">&gt; {}{}</span>').format(name, bracket)
    return held + (Markup("<wbr>") if bracket else Markup("")) + _breakable(rest)


def listed(items: Sequence[str], word: str = "and") -> str:
    """Items as a sentence's list: "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}" if items else ""
