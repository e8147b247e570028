"""Parts print, parse and make keys."""

import ast
import json
import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.attacks import FGSM, PGD
from assay.augmentations import CutOut, MixUp
from assay.errors import BadValueError
from assay.objectives import CrossEntropy, MixedAdversarial
from assay.parts import Part, canonical, check_count, check_number, describe, parse
from assay.recipe import EnsembleOf, Train

KINDS: dict[str, type] = {
    kind.name: kind for kind in (FGSM, PGD, CutOut, MixUp, CrossEntropy, MixedAdversarial, Train, EnsembleOf)
}

counts = st.integers(1, 60)
radii = st.floats(0, 1, allow_subnormal=False)
targets = st.none() | st.integers(0, 9) | st.just("least_likely")
norms = st.sampled_from(["linf", "l2"])
attacks = st.builds(FGSM, eps=radii, norm=norms, target=targets) | st.builds(
    PGD, eps=radii, steps=counts, norm=norms, target=targets, restarts=counts, early_stop=st.booleans()
)
parts: st.SearchStrategy[Any] = (
    attacks
    | st.builds(CutOut, length=counts, holes=counts)
    | st.builds(MixUp, alpha=st.floats(1e-3, 8))
    | st.builds(MixedAdversarial, attack=attacks, weight=st.floats(0, 10))
    | st.builds(Train, epochs=counts, learning_rate=radii, images=st.none() | counts)
    | st.builds(EnsembleOf, members=st.integers(2, 15))
    | st.just(CrossEntropy())
)


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A part whose fields hold parts and tuples."""

    name: ClassVar[str] = "holder"
    version: ClassVar[int] = 1

    inside: tuple[Any, ...] = field(default_factory=lambda: (FGSM(eps=0.3),))
    scale: float = 1.0


@given(part=parts)
def test_what_is_printed_parses_back(part: Part) -> None:
    assert parse(describe(part), KINDS) == [part]


@given(chain=st.lists(parts, min_size=1, max_size=4))
def test_chains_parse_from_left_to_right(chain: list[Part]) -> None:
    assert parse(" > ".join(map(describe, chain)), KINDS) == chain


@given(first=parts, second=parts)
def test_parts_are_equal_where_their_texts_and_their_keys_are(first: Part, second: Part) -> None:
    same = first == second
    assert (describe(first) == describe(second)) == same
    assert (json.dumps(canonical(first)) == json.dumps(canonical(second))) == same


def test_printed_forms() -> None:
    assert describe(CutOut(length=7, holes=1)) == "cutout(length=7, holes=1)"
    assert describe(FGSM(eps=0.3)) == "fgsm(eps=0.3)"
    assert describe(CrossEntropy()) == "cross_entropy"
    assert describe(MixedAdversarial(attack=FGSM(eps=0.3), weight=2)) == (
        "mixed_adversarial(attack=fgsm(eps=0.3), weight=2)"
    )
    assert describe(Holder(inside=(CrossEntropy(),))) == "holder(inside=(cross_entropy,))"
    assert describe(Holder(inside=())) == "holder(inside=())"
    for holder in (Holder(inside=(CrossEntropy(), FGSM(eps=1))), Holder(inside=("it's", 'a "b"', -1, True, None))):
        assert parse(describe(holder), KINDS | {"holder": Holder}) == [holder]


@pytest.mark.parametrize(
    ("one", "other"),
    [(FGSM(eps=1), FGSM(eps=1.0)), (FGSM(eps=0.3), FGSM(eps=np.float64(0.3))), (FGSM(eps=0), FGSM(eps=-0.0))],
)
def test_equal_numbers_print_alike_and_have_one_key(one: Part, other: Part) -> None:
    assert one == other
    assert describe(one) == describe(other)
    assert json.dumps(canonical(one)) == json.dumps(canonical(other))


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch /tmp/assay-was-here')",
        "fgsm(eps=__import__('os').getpid())",
        "fgsm(eps=(lambda: 0.3)())",
        "lambda: 0",
        "fgsm.eps",
        "fgsm(eps=fgsm.__class__)",
        "fgsm(0.3)",
        "fgsm(*[0.3])",
        "fgsm(**{'eps': 0.3})",
        "fgsm(eps=0.3)(eps=0.3)",
        "fgsm(eps=0.3) < pgd(eps=0.3, steps=2)",
        "fgsm(eps=0.3) > pgd(eps=0.3, steps=2) >= fgsm(eps=0.1)",
        "fgsm(eps=[x for x in (1,)])",
        "fgsm(eps=0.1 * 3)",
        "fgsm(eps=9**9**9)",
        "fgsm(eps=f'{1}')",
        "fgsm(eps=0.3, eps=0.2)",
        "fgsm(eps=0.3",
        "fgsm(eps=0.3);pgd",
        "fgsm(eps=0.3) >",
        "(fgsm(eps=0.3), cross_entropy)",
        "fgsm\x00",
        "\ud800",
        "1",
        "",
    ],
)
def test_other_texts_are_refused_and_nothing_runs(text: str) -> None:
    with pytest.raises(BadValueError):
        parse(text, KINDS)


@pytest.mark.parametrize("depth", [10, 50, 150, 500, 1500, 5000, 100_000])
@pytest.mark.parametrize(
    ("before", "middle", "after"),
    [("fgsm(eps=", "1", ")"), ("(", "1", ")"), ("fgsm(eps=", "-", "1)"), ("-", "1", ""), ("", "fgsm", ".eps")],
)
def test_deep_nesting_is_refused_with_a_short_message(before: str, middle: str, after: str, depth: int) -> None:
    texts = (before * depth + middle + after * depth, before + middle * depth + after)
    for text in texts[: 2 if middle == "-" else 1]:
        with pytest.raises(BadValueError) as caught:
            parse(text, KINDS)
        assert len(str(caught.value)) < 400


@given(text=st.text(st.sampled_from("fgsm(ep=0.3,)> '[]{}*-+.:\\\n"), max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of escapes such as "\m", in the text alone
        try:
            found = parse(text, KINDS)
        except BadValueError:
            return
    assert all(type(part) in KINDS.values() for part in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fgms(eps=0.3)", "fgms: no such part; did you mean fgsm"),
        ("cutuot(length=1, holes=1)", "did you mean cutout"),
        ("qqq", "qqq: no such part; known: cross_entropy, cutout"),
        ("pgd(eps=0.3, step=4)", "pgd: no field step; did you mean steps"),
        ("pgd(eps=0.3)", "pgd: expected a value for steps, got none"),
        ("fgsm", "fgsm: expected a value for eps, got none"),
        ("fgsm(eps=-1)", "eps: expected a number >= 0, got -1"),
        ("fgsm(eps='a')", "eps: expected a number >= 0, got 'a'"),
        ("fgsm(eps=True)", "eps: expected a number >= 0, got True"),
        ("fgsm(eps=1e999)", "eps: expected a number >= 0, got inf"),
        ("cutout(length=7.0, holes=1)", "length: expected a whole number >= 1, got 7.0"),
        ("fgsm(eps=0.3, eps=0.2)", "fgsm: expected eps once, got it twice"),
        ("fgsm(eps=a.b)", "cannot read 'a.b' in 'fgsm(eps=a.b)': expected a number or a string"),
        ("fgsm(eps=8/0)", "cannot read '8 / 0' in 'fgsm(eps=8/0)': expected a number or a string"),
        ("pgd(0.3, 5)", "expected each value with its name, such as pgd(eps=..., steps=...); got 'pgd(0.3, 5)'"),
        ("pgd(eps=0.3, steps=5, norm=l2)", "l2: no such part; if a word is meant, quote it: norm='l2'"),
        ("fgsm(eps=0.3", "expected parts such as 'cutout(length=7, holes=1)' ('(' was never closed)"),
    ],
)
def test_errors_say_what_to_do(text: str, message: str) -> None:
    with pytest.raises(BadValueError) as caught:
        parse(text, KINDS)
    assert message in str(caught.value)


def test_fractions_are_numbers() -> None:
    assert parse("fgsm(eps=8/255)", KINDS) == [FGSM(eps=8 / 255)]


def make(name: str = "thing", version: int = 1, **defaults: Any) -> Any:
    """A part class with the field `a` and others that have defaults."""
    names: dict[str, Any] = {
        "name": name, "version": version, **defaults,
        "__annotations__": {"name": ClassVar[str], "version": ClassVar[int], "a": int, **dict.fromkeys(defaults, Any)},
    }  # fmt: skip
    return dataclass(frozen=True, kw_only=True)(type("Thing", (), names))


def test_a_new_field_with_a_default_keeps_keys_and_a_new_version_changes_them() -> None:
    old = canonical(make()(a=1))
    assert old == {"name": "thing", "version": 1, "fields": {"a": 1}}
    assert canonical(make(b=2)(a=1)) == old
    assert canonical(make(b=FGSM(eps=0.3))(a=1)) == old
    assert canonical(make(b=2)(a=1, b=3)) != old
    assert canonical(make(version=2)(a=1)) != old
    assert canonical(make(name="other")(a=1)) != old


def test_a_new_version_of_a_part_that_a_default_holds_changes_keys() -> None:
    inner, revised = make("inner")(a=1), make("inner", version=2)(a=1)
    for before, after in (
        (inner, revised),
        ((inner,), (revised,)),
        (Holder(inside=(inner,)), Holder(inside=(revised,))),
    ):
        assert canonical(make(b=before)(a=1)) == canonical(make()(a=1))
        assert canonical(make(b=after)(a=1)) != canonical(make()(a=1))


def test_canonical_data_is_plain() -> None:
    holder = Holder(inside=({"k": (1, 2.5, None, True, "x")},))
    plain = {"name": "holder", "version": 1, "fields": {"inside": [{"k": [1, 2.5, None, True, "x"]}]}}
    assert canonical(holder) == plain
    assert json.loads(json.dumps(canonical(holder))) == plain
    with pytest.raises(BadValueError, match="cannot make a key of"):
        canonical(Holder(inside=(object(),)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400, True, "1", None, 1.5, -0.1])
def test_numbers_out_of_range_are_refused(value: object) -> None:
    with pytest.raises(BadValueError, match=r"part: field: expected a number in \[0, 1\]"):
        check_number("part", "field", value, low=0, high=1)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float64(0.25)])
def test_numbers_in_range_are_taken(value: float) -> None:
    check_number("part", "field", value, low=0, high=1)
    check_number("part", "field", 1e300 + value, low=0)


@pytest.mark.parametrize("value", [float("inf"), 10**400])
def test_numbers_beyond_every_float_are_refused(value: object) -> None:
    with pytest.raises(BadValueError, match="expected a number >= 0"):
        check_number("part", "field", value, low=0)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1", None])
def test_counts_are_whole_numbers(value: object) -> None:
    with pytest.raises(BadValueError, match="part: field: expected a whole number >= 1"):
        check_count("part", "field", value)
    check_count("part", "field", 3)
    check_count("part", "field", 0, low=0)


def test_parts_print_as_expressions_of_literals_alone() -> None:
    tree = ast.parse(describe(MixedAdversarial(attack=PGD(eps=0.3, steps=3, target="least_likely"))), mode="eval")
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Subscript | ast.Lambda)]
